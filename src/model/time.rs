//! Seconds since 1970, and the only clock in the house.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z, leap seconds ignored (the `NumericDate` of RFC 7519 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// Seconds passed since `earlier`; negative when `earlier` lies ahead.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment in RFC 3339 form, UTC, whole seconds.
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0).map_or_else(|_| self.0.to_string(), |moment| moment.to_string())
    }
}

impl Add<i64> for UnixTime {
    type Output = Self;
    fn add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Sub<i64> for UnixTime {
    type Output = Self;
    fn sub(self, seconds: i64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug)]
enum Source {
    System { made: Instant },
    Manual { made: i64, now: AtomicI64 },
}

/// Tells the time. A clone tells the same time as its original, also when that one is moved.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System { made: Instant::now() }))
    }

    /// A clock that stands still until [`advance`](Self::advance) moves it.
    pub fn manual(start: UnixTime) -> Self {
        Self(Arc::new(Source::Manual { made: start.0, now: AtomicI64::new(start.0) }))
    }

    /// The current time.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> UnixTime {
        match &*self.0 {
            Source::System { .. } => UnixTime(jiff::Timestamp::now().as_second()),
            Source::Manual { now, .. } => UnixTime(now.load(Ordering::SeqCst)),
        }
    }

    /// The time since this clock was made: finer than seconds, and untouched when the machine's time is corrected. For
    /// the age of what is kept in memory.
    pub fn elapsed(&self) -> Duration {
        match &*self.0 {
            Source::System { made } => made.elapsed(),
            Source::Manual { made, now } => {
                let seconds = now.load(Ordering::SeqCst).saturating_sub(*made);
                Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
            }
        }
    }

    /// Moves a manual clock by `seconds`; a system clock stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Source::Manual { now, .. } = &*self.0 {
            now.fetch_add(seconds, Ordering::SeqCst);
        }
    }
}
