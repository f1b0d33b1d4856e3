//! SQLite without sqlx's pool: its connections never break, and a pool's checks before and after each use cost more than
//! the statement. There is one writer, so that no transaction ever waits for SQLite's own lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::store::error::Error;
use crate::store::settings::{DatabaseSettings, Durability};
use crate::trips;

/// The connections to one SQLite database. In memory the writer is the only one.
#[derive(Clone)]
pub(in crate::store) struct Sqlite(Arc<Connections>);

struct Connections {
    writer: Arc<Mutex<Slot>>,
    readers: Vec<Arc<Mutex<Slot>>>,
    next: AtomicUsize,
    patience: Duration,
}

/// A SQLite connection, and whether somebody gave up in the middle of a transaction on it.
struct Slot {
    connection: SqliteConnection,
    open: bool,
}

impl Sqlite {
    pub(super) async fn open(path: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let in_memory = path == ":memory:";
        let options = SqliteConnectOptions::new()
            .foreign_keys(true)
            .busy_timeout(settings.patience())
            .synchronous(match settings.durability {
                Durability::Normal => SqliteSynchronous::Normal,
                Durability::Full => SqliteSynchronous::Full,
            })
            .pragma("trusted_schema", "OFF");
        let options = if in_memory {
            options.in_memory(true)
        } else {
            if let Some(folder) = std::path::Path::new(path).parent() {
                tokio::fs::create_dir_all(folder).await.map_err(|error| Error::Unavailable(Box::new(error)))?;
            }
            options.filename(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
        };
        let writer = connect(&options).await?;
        let mut readers = Vec::new();
        if !in_memory {
            let options = options.read_only(true).create_if_missing(false);
            for _ in 0..settings.sqlite_readers.max(1) {
                readers.push(connect(&options).await?);
            }
        }
        let (next, patience) = (AtomicUsize::new(0), settings.patience());
        Ok(Self(Arc::new(Connections { writer, readers, next, patience })))
    }

    pub(super) async fn writer(&self) -> Result<SqliteLink, Error> {
        self.lend(&self.0.writer).await
    }

    /// A reader that is free, else the next one in turn.
    pub(super) async fn reader(&self) -> Result<SqliteLink, Error> {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        let count = self.0.readers.len().max(1);
        let mut in_turn =
            (0..self.0.readers.len()).filter_map(|step| self.0.readers.get(turn.wrapping_add(step) % count));
        if let Some(slot) = in_turn.clone().find_map(|reader| Arc::clone(reader).try_lock_owned().ok()) {
            return Ok(SqliteLink { slot });
        }
        self.lend(in_turn.next().unwrap_or(&self.0.writer)).await
    }

    pub(super) async fn begin(&self) -> Result<SqliteLink, Error> {
        let mut link = self.writer().await?;
        link.slot.open = true;
        sqlx::query("BEGIN IMMEDIATE").execute(link.connection()).await?;
        Ok(link)
    }

    /// Folds the write-ahead log into the file, which then is complete by itself.
    pub(super) async fn close(&self) {
        if let Ok(mut link) = self.writer().await {
            let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut link.slot.connection).await;
        }
    }

    async fn lend(&self, slot: &Arc<Mutex<Slot>>) -> Result<SqliteLink, Error> {
        let slot = timeout(self.0.patience, Arc::clone(slot).lock_owned())
            .await
            .map_err(|_| Error::Unavailable("the database is too busy".into()))?;
        let mut link = SqliteLink { slot };
        link.abandon().await;
        Ok(link)
    }
}

async fn connect(options: &SqliteConnectOptions) -> Result<Arc<Mutex<Slot>>, Error> {
    Ok(Arc::new(Mutex::new(Slot { connection: options.connect().await?, open: false })))
}

/// A borrowed connection.
pub(in crate::store) struct SqliteLink {
    slot: OwnedMutexGuard<Slot>,
}

impl SqliteLink {
    pub(in crate::store) fn connection(&mut self) -> &mut SqliteConnection {
        trips::sql();
        &mut self.slot.connection
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        sqlx::query("COMMIT").execute(self.connection()).await?;
        self.slot.open = false;
        Ok(())
    }

    pub(super) async fn roll_back(mut self) {
        self.abandon().await;
    }

    /// Rolls back what is open, be it that of a caller who was cancelled.
    async fn abandon(&mut self) {
        if self.slot.open {
            // Fails when the transaction never began or the database itself ended it: both leave none open.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.slot.connection).await;
            self.slot.open = false;
        }
    }
}

impl Drop for SqliteLink {
    fn drop(&mut self) {
        if !self.slot.open {
            return;
        }
        // Cancelled inside a transaction: SQLite's write lock must not stay taken until the next writer comes by.
        let slot = Arc::clone(OwnedMutexGuard::mutex(&self.slot));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { SqliteLink { slot: slot.lock_owned().await }.abandon().await });
        }
    }
}
