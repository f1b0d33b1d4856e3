//! Folds SQLite's write-ahead log into the file, on a thread that may wait for the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Error as SqliteError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Connections;
use super::slot::Slot;
use crate::store::error::Error;

/// Units of work between two looks at the log. One writes some ten pages.
const UNITS: usize = 128;

/// Pages of 4 KiB in the log that are worth folding, beside those who write: 4 MiB.
const ENOUGH: i32 = 1024;

/// Pages in the log that are too many: 32 MiB. Those who write faster than the disk takes it then wait, because the log
/// begins anew only while nobody writes.
const TOO_MANY: i32 = 8 * 1024;

/// How long to wait for readers that still read from the log before it begins anew.
const PATIENCE: Duration = Duration::from_millis(200);

/// The thread that keeps the log short; it ends with this.
pub(super) struct Checkpoints {
    units: AtomicUsize,
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
        Ok(Self { units: AtomicUsize::new(0), look })
    }
}

impl Connections {
    /// Counts units of work that were committed.
    pub(super) fn wrote(&self, units: usize) {
        let Some(checkpoints) = &self.checkpoints else { return };
        if checkpoints.units.fetch_add(units, Ordering::Relaxed) + units >= UNITS {
            checkpoints.units.store(0, Ordering::Relaxed);
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
    let (mut logged, mut folded) = checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    if logged - folded >= ENOUGH && logged < TOO_MANY {
        (logged, folded) = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    }
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
