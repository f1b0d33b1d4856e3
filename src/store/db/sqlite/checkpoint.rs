//! Folds SQLite's write-ahead log into the file, on a thread that may wait for the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Error as SqliteError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Connections;
use super::slot::Slot;
use crate::store::error::Error;

/// Commits between two looks at the log.
const COMMITS: u32 = 128;

/// Pages of 4 KiB in the log that are worth folding: 16 MiB.
const ENOUGH: i32 = 4 * 1024;

/// Pages in the log that are too many: 64 MiB. It can only begin anew while nobody writes.
const TOO_MANY: i32 = 16 * 1024;

/// How long to wait for readers that still read from the log before it begins anew.
const PATIENCE: Duration = Duration::from_millis(200);

/// The thread that keeps the log short; it ends with this.
pub(super) struct Checkpoints {
    commits: AtomicU32,
    look: SyncSender<()>,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection, writer: Arc<Mutex<Slot>>) -> Result<Self, Error> {
        connection.busy_timeout(PATIENCE)?;
        let (look, looks) = sync_channel(1);
        thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || keep_short(&looks, &connection, &writer))
            .map_err(|error| Error::Unavailable(Box::new(error)))?;
        Ok(Self { commits: AtomicU32::new(0), look })
    }
}

impl Connections {
    /// Counts a commit.
    pub(super) fn wrote(&self) {
        if let Some(checkpoints) = &self.checkpoints
            && checkpoints.commits.fetch_add(1, Ordering::Relaxed) % COMMITS == COMMITS - 1
        {
            // Full: it is about to look anyway.
            let _ = checkpoints.look.try_send(());
        }
    }
}

fn keep_short(looks: &Receiver<()>, connection: &Connection, writer: &Arc<Mutex<Slot>>) {
    while looks.recv().is_ok() {
        if let Err(error) = look(connection, writer) {
            // The log stays as it is: nothing is lost, and the next look may succeed.
            tracing::warn!(%error, "the write-ahead log could not be folded into the database");
        }
    }
}

fn look(connection: &Connection, writer: &Arc<Mutex<Slot>>) -> Result<(), SqliteError> {
    let (logged, folded) = checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    if logged - folded < ENOUGH {
        return Ok(());
    }
    let (logged, folded) = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if logged >= TOO_MANY && folded < logged {
        let mut writer = Arc::clone(writer).blocking_lock_owned();
        writer.settle();
        checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)")?;
    }
    Ok(())
}

/// Ends what is open and folds all of the log, which then is empty.
pub(super) fn truncate(mut writer: OwnedMutexGuard<Slot>) {
    writer.settle();
    let _ = checkpoint(&writer.connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// How many pages are in the log, and how many of them in the file as well.
fn checkpoint(connection: &Connection, how: &str) -> Result<(i32, i32), SqliteError> {
    connection.query_row(how, [], |row| Ok((row.get("log")?, row.get("checkpointed")?)))
}
