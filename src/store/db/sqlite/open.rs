//! How connections to SQLite are opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::store::error::Error;
use crate::store::settings::{DatabaseSettings, Durability};

/// Statements every connection keeps prepared: more than the house has.
const PREPARED: usize = 512;

/// Kibibytes of pages the writer remembers. What it wrote stays remembered.
const WRITER_CACHE: i64 = 8192;

/// Kibibytes of pages a reader remembers, until the writer commits.
const READER_CACHE: i64 = 2048;

/// The only connection there is.
pub(super) fn in_memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory_with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | flags())?;
    prepare(connection, WRITER_CACHE)
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
    prepare(connection, WRITER_CACHE)
}

/// A connection that reads.
pub(super) fn reader(path: &str, settings: &DatabaseSettings) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | flags())?;
    connection.busy_timeout(settings.patience())?;
    prepare(connection, READER_CACHE)
}

/// Whoever holds a connection is the only one, and a path is a path.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE
}

fn prepare(connection: Connection, cache: i64) -> Result<Connection, Error> {
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY")?;
    connection.pragma_update(None, "cache_size", -cache)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}
