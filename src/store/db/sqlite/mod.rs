//! SQLite. A statement takes less than a hop to another thread and back: it runs where it is asked for. What may wait
//! for the disk or for other processes does not.
//!
//! There is one writer, so that no transaction ever waits for SQLite's own lock within this process.

mod checkpoint;
mod commits;
mod link;
mod open;
mod slot;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Error as SqliteError, ErrorCode};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{sleep, timeout};

use self::checkpoint::Checkpoints;
use self::commits::Commits;
use self::link::Scope;
pub(in crate::store) use self::link::SqliteLink;
use self::slot::Slot;
pub(in crate::store) use self::statement::{Columns, Record};
use crate::store::error::Error;
use crate::store::settings::{DatabaseSettings, Durability};
use crate::trips;

/// How long to leave another process its lock before asking again.
const BUSY: Duration = Duration::from_millis(5);

/// The connections to one SQLite database. In memory the writer is the only one.
#[derive(Clone)]
pub(in crate::store) struct Sqlite(Arc<Connections>);

struct Connections {
    writer: Arc<Mutex<Slot>>,
    readers: Vec<Arc<Mutex<Slot>>>,
    patience: Duration,
    commits: Commits,
    checkpoints: Option<Checkpoints>,
}

impl Sqlite {
    pub(super) async fn open(path: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let (path, settings) = (path.to_owned(), settings.clone());
        tokio::task::spawn_blocking(move || Self::open_now(&path, &settings))
            .await
            .map_err(|error| Error::Unavailable(Box::new(error)))?
    }

    fn open_now(path: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let patience = settings.patience();
        let lendable = |connection: Connection| Arc::new(Mutex::new(Slot::new(connection)));
        if path == ":memory:" {
            let writer = lendable(open::in_memory()?);
            return Ok(Self(Arc::new(Connections {
                writer,
                readers: Vec::new(),
                patience,
                commits: Commits::AtOnce,
                checkpoints: None,
            })));
        }
        let writer = lendable(open::writer(path, settings)?);
        let readers = (0..settings.sqlite_readers.max(1))
            .map(|_| open::reader(path, settings).map(lendable))
            .collect::<Result<_, _>>()?;
        let checkpoints = Some(Checkpoints::start(open::writer(path, settings)?, Arc::clone(&writer))?);
        let commits = match settings.durability {
            Durability::Normal => Commits::InTurn,
            Durability::Full => Commits::OnDisk,
        };
        Ok(Self(Arc::new(Connections { writer, readers, patience, commits, checkpoints })))
    }

    /// A connection for statements that change nothing.
    pub(super) async fn reader(&self) -> Result<SqliteLink, Error> {
        Ok(SqliteLink::lent(self, Scope::Reading, self.lend_reader().await?))
    }

    /// A connection for statements that are units of work by themselves.
    pub(super) fn writer(&self) -> SqliteLink {
        SqliteLink::new(self, Scope::Statement)
    }

    pub(super) async fn begin(&self) -> Result<SqliteLink, Error> {
        trips::sql();
        Ok(SqliteLink::lent(self, Scope::Unit, self.lend_begun().await?))
    }

    /// Folds the write-ahead log into the file, which then is complete by itself.
    pub(super) async fn close(&self) {
        let Ok(writer) = self.lend(&self.0.writer).await else { return };
        let _ = tokio::task::spawn_blocking(move || checkpoint::truncate(writer)).await;
    }

    /// The first reader that is free: those in use most are the ones that remember most.
    async fn lend_reader(&self) -> Result<OwnedMutexGuard<Slot>, Error> {
        let free = self.0.readers.iter().find_map(|reader| Arc::clone(reader).try_lock_owned().ok());
        match free {
            Some(reader) => Ok(reader),
            None => self.lend(self.0.readers.first().unwrap_or(&self.0.writer)).await,
        }
    }

    /// The writer, with a unit of work begun on it.
    async fn lend_begun(&self) -> Result<OwnedMutexGuard<Slot>, Error> {
        let writer = self.lend(&self.0.writer).await?;
        match writer.begin() {
            Err(error) if is_busy(&error) => {
                timeout(self.0.patience, begin_when_free(writer)).await.map_err(|_| Error::from(error))?
            }
            outcome => Ok(outcome.map(|()| writer)?),
        }
    }

    async fn lend(&self, slot: &Arc<Mutex<Slot>>) -> Result<OwnedMutexGuard<Slot>, Error> {
        if let Ok(slot) = Arc::clone(slot).try_lock_owned() {
            return Ok(slot);
        }
        timeout(self.0.patience, Arc::clone(slot).lock_owned())
            .await
            .map_err(|_| Error::Unavailable("the database is too busy".into()))
    }
}

/// Asks until the process that holds SQLite's lock lets go of it.
async fn begin_when_free(writer: OwnedMutexGuard<Slot>) -> Result<OwnedMutexGuard<Slot>, Error> {
    loop {
        sleep(BUSY).await;
        match writer.begin() {
            Err(error) if is_busy(&error) => {}
            outcome => return Ok(outcome.map(|()| writer)?),
        }
    }
}

fn is_busy(error: &SqliteError) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
