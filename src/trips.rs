//! Beside the layers — how often a piece of work goes to the database and to the cache and back.
//!
//! Round trips are what a request costs beyond its own computation, so they are counted where they happen and asserted
//! by tests. Only `store` and `cache` count; whoever wants a sum wraps the work in [`counted`]. Work handed to another
//! task is not part of the sum.

use std::cell::Cell;

tokio::task_local! {
    static TRIPS: Cell<Trips>;
}

/// Round trips of a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trips {
    /// SQL statements, those that begin and end transactions included.
    pub sql: u32,
    /// Commands, scripts or pipelines to the cache.
    pub cache: u32,
}

/// Does the work and says how many round trips it made.
pub async fn counted<F: Future>(work: F) -> (F::Output, Trips) {
    TRIPS.scope(Cell::default(), async { (work.await, TRIPS.with(Cell::get)) }).await
}

/// Counts one SQL statement.
pub fn sql() {
    count(|trips| trips.sql += 1);
}

/// Counts one command to the cache.
pub fn cache() {
    count(|trips| trips.cache += 1);
}

fn count(add: impl FnOnce(&mut Trips)) {
    // Nobody asked for a sum: background work, or a command.
    let _ = TRIPS.try_with(|cell| {
        let mut trips = cell.get();
        add(&mut trips);
        cell.set(trips);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_piece_of_work_has_its_own_sum() {
        let work = |times: u32| async move {
            for _ in 0..times {
                sql();
                tokio::task::yield_now().await;
            }
            cache();
            times
        };
        let ((three, first), (five, second)) = tokio::join!(counted(work(3)), counted(work(5)));
        assert_eq!((three, first), (3, Trips { sql: 3, cache: 1 }));
        assert_eq!((five, second), (5, Trips { sql: 5, cache: 1 }));
        sql();
    }
}
