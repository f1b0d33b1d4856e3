//! How much is done at once. What is begun is finished; what would be too much is told so at once, while it costs
//! nothing and the caller can still go elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts requests under way, and knows how many there may be.
#[derive(Debug)]
pub struct Load {
    limit: usize,
    under_way: AtomicUsize,
}

/// A request's place among those under way; given back when dropped, however the request ends.
#[derive(Debug)]
pub struct Place<'a>(&'a Load);

impl Load {
    /// Lets `limit` requests be under way at once.
    pub fn new(limit: usize) -> Self {
        Self { limit, under_way: AtomicUsize::new(0) }
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether the next one is turned away.
    pub fn is_full(&self) -> bool {
        self.under_way() >= self.limit
    }

    /// A place, unless all are taken.
    pub fn admit(&self) -> Option<Place<'_>> {
        let place = Place(self);
        (self.under_way.fetch_add(1, Ordering::Relaxed) < self.limit).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_and_those_turned_away_take_none() {
        let load = Load::new(2);
        let first = load.admit().unwrap();
        let second = load.admit().unwrap();
        assert!(load.admit().is_none() && load.admit().is_none());
        assert!(load.is_full());
        assert_eq!(load.under_way(), 2);
        drop(first);
        let third = load.admit();
        assert!(third.is_some() && load.admit().is_none());
        drop((second, third));
        assert_eq!(load.under_way(), 0);
    }
}
