//! Commits that several units of work share: each is done within the open transaction, and each caller learns of it only
//! when the commit has succeeded. What they wrote to the same pages is written once.

use std::sync::Arc;

use tokio::task::{spawn_blocking, yield_now};

use super::Connections;
use super::slot::Slot;

/// So many units of work are enough for one commit.
const MANY: usize = 64;

/// When and where units of work are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commits {
    /// Each by itself: there is nothing to save.
    AtOnce,
    /// When everybody who is ready to run had a turn, unless nobody joined in of late.
    InTurn,
    /// When everybody who waits for the writer had it, on a thread that may wait for the disk.
    OnDisk,
}

impl Commits {
    /// Whether a unit of work that is done leaves its commit to be shared.
    pub(super) const fn are_shared(self, slot: &mut Slot) -> bool {
        match self {
            Self::AtOnce => false,
            Self::InTurn => slot.would_share(),
            Self::OnDisk => true,
        }
    }
}

impl Connections {
    /// Has what waits committed, whatever becomes of the caller. The writer goes to those first who wait for it now.
    pub(super) fn settle_soon(self: &Arc<Self>) {
        let connections = Arc::clone(self);
        if self.commits == Commits::OnDisk {
            spawn_blocking(move || {
                let mut slot = Arc::clone(&connections.writer).blocking_lock_owned();
                connections.settle(&mut slot);
            });
        } else {
            tokio::spawn(async move {
                yield_now().await;
                let mut slot = Arc::clone(&connections.writer).lock_owned().await;
                connections.settle(&mut slot);
            });
        }
    }

    /// Commits at once what enough units of work wait for, where that is quick.
    pub(super) fn settle_if_many(&self, slot: &mut Slot) {
        if self.commits != Commits::OnDisk && slot.waiting() >= MANY {
            self.settle(slot);
        }
    }

    fn settle(&self, slot: &mut Slot) {
        let units = slot.settle();
        self.wrote(units);
    }
}
