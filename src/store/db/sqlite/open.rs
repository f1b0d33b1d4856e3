//! How connections to SQLite are opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::store::error::Error;
use crate::store::settings::{DatabaseSettings, Durability};

/// Statements every connection keeps prepared: more than the house has.
const PREPARED: usize = 512;

/// Kibibytes of pages a connection remembers: the upper levels of every index. The system remembers the rest, and each
/// commit goes through all that is remembered here.
const CACHE: i64 = 2048;

/// The only connection there is.
pub(super) fn in_memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory_with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | flags())?;
    prepare(connection)
}

/// A connection that may write. It never waits for a lock by itself.
pub(super) fn writer(path: &str, settings: &DatabaseSettings) -> Result<Connection, Error> {
    if let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::Unavailable(Box::new(error)))?;
    }
    let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, create | flags())?;
    // Another process may be opening the same file.
    connection.busy_timeout(settings.patience())?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")?;
    connection.execute_batch(match settings.durability {
        Durability::Normal => "PRAGMA synchronous = NORMAL",
        Durability::Full => "PRAGMA synchronous = FULL",
    })?;
    connection.busy_timeout(Duration::ZERO)?;
    prepare(connection)
}

/// A connection that reads.
pub(super) fn reader(path: &str, settings: &DatabaseSettings) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | flags())?;
    connection.busy_timeout(settings.patience())?;
    prepare(connection)
}

/// Whoever holds a connection is the only one, and a path is a path.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE
}

fn prepare(connection: Connection) -> Result<Connection, Error> {
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}
