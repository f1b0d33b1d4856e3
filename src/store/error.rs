//! What can go wrong below every room that remembers something.

use std::error::Error as StdError;

use crate::model::Fault;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a unit of work did not happen. Nothing of it was written, unless it was unavailable while it ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else already holds what must be unique; the name tells what: `identity`, `contact`, `account`, …
    #[error("already taken: {0}")]
    Conflict(&'static str),
    /// The database cannot be reached, is full, read-only or too busy: the same call may work later. If the connection
    /// broke while the unit was committed, it has happened wholly or not at all, and nobody knows which: what is used
    /// up once recognises whoever comes again.
    #[error("the database is unavailable")]
    Unavailable(#[source] Source),
    /// A stored value or statement is not what it must be.
    #[error("a stored record is not as expected")]
    Fault(#[source] Source),
}

impl Error {
    /// A fault of our own, named in a few words without data.
    pub(super) fn fault(what: &'static str) -> Self {
        Self::Fault(what.into())
    }

    /// Whether the transaction lost a race that the database resolved by aborting it. Where the database does not know
    /// whether it did (40003), starting over could do twice what is to be done once.
    pub(super) fn is_lost_race(&self) -> bool {
        let (Self::Unavailable(source) | Self::Fault(source)) = self else { return false };
        let Some(sqlx::Error::Database(error)) = source.downcast_ref::<sqlx::Error>() else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // What is said when the other end hangs up in the middle: a proxy whose server is gone does.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                return Self::Conflict(taken(database.message()));
            }
            sqlx::Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        };
        if passing { Self::Unavailable(Box::new(error)) } else { Self::Fault(Box::new(error)) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, message) if is_unique_violation(failure.extended_code) => {
                Self::Conflict(taken(message.as_deref().unwrap_or_default()))
            }
            rusqlite::Error::SqliteFailure(failure, _) if is_passing_in_sqlite(failure.extended_code) => {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Fault(Box::new(error)),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Fault(Box::new(error))
    }
}

/// Whether waiting may cure it, by its SQLSTATE [PostgreSQL, appendix A].
fn is_passing(code: &str) -> bool {
    // Connection lost, serialization and deadlock, out of resources, shut down, read-only after a failover.
    ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "25006"
}

/// Whether waiting may cure it, by SQLite's extended result code, whose low byte is the primary one.
const fn is_passing_in_sqlite(code: i32) -> bool {
    // Busy, locked, read-only, I/O error, full, cannot open.
    matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)
}

/// Whether SQLite refused a second row of the same key: of a unique index, the primary key, a rowid.
const fn is_unique_violation(code: i32) -> bool {
    matches!(code, 2067 | 1555 | 2579)
}

/// The name a unique index is known by above: that of its table, in the singular where one is reported at all.
fn taken(message: &str) -> &'static str {
    const NAMES: [(&str, &str); 7] = [
        ("identities", "identity"),
        ("contacts", "contact"),
        ("memberships", "membership"),
        ("sessions", "session"),
        ("refresh_tokens", "refresh_token"),
        ("signing_keys", "signing_key"),
        ("families", "family"),
    ];
    NAMES.iter().find(|(table, _)| message.contains(table)).map_or("record", |(_, name)| name)
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::unavailable("the database does not answer", error),
            Error::Conflict(_) | Error::Fault(_) => Self::new("the database", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_passing, is_passing_in_sqlite, is_unique_violation};

    #[test]
    fn codes_that_time_may_cure_are_told_from_faults() {
        for code in ["08006", "40001", "40003", "40P01", "53300", "57P01", "25006"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42601", "22P02", ""] {
            assert!(!is_passing(code), "{code}");
        }
        for code in [5, 261, 517, 8, 1032, 10, 2570, 13, 14] {
            assert!(is_passing_in_sqlite(code), "{code}");
        }
        for code in [1, 11, 19, 787, 2067] {
            assert!(!is_passing_in_sqlite(code), "{code}");
        }
    }

    #[test]
    fn a_second_row_of_a_key_is_told_from_other_constraints() {
        assert!([1555, 2067].into_iter().all(is_unique_violation));
        assert!(![19, 275, 787, 1299].into_iter().any(is_unique_violation));
    }
}
