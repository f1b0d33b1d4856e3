//! Which of several nodes does the work that one can do for all: whoever holds the lease.
//!
//! The lease saves work, it protects nothing: what it is about may be done twice without harm, as happens when a node
//! that was stopped for longer than the lease lasts goes on with its round. Who holds it also tells the others which
//! loyalty hosts do not answer, for they have stopped calling them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::cache::{Cache, Error, Slot};
use crate::membership::Membership;
use crate::model::{ProgrammeId, Random};

/// A node that has not been heard of for so many seconds is no longer on duty.
const LEASE: Slot<Holder> = Slot::new("duty", 5);
const KEY: &str = "background";

/// Who is on duty, and what they know.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    node: String,
    unreachable: BTreeSet<ProgrammeId>,
}

/// This node's part in taking turns.
#[derive(Debug)]
pub(super) struct Duty {
    cache: Cache,
    membership: Membership,
    node: String,
    on: watch::Sender<bool>,
}

impl Duty {
    /// Not on duty yet.
    pub(super) fn new(cache: Cache, membership: Membership, random: &Random) -> Self {
        Self { cache, membership, node: random.handle(), on: watch::Sender::new(false) }
    }

    /// Tells whether this node is on duty, and each change of it.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.on.subscribe()
    }

    /// Keeps the lease, takes it where nobody holds it, or hears from who does. To be called every second.
    pub(super) async fn look(&self) {
        let holder = match self.renew().await {
            Ok(holder) => holder,
            Err(error) => {
                // Nobody knows who holds it: as long as that is so, nobody does.
                tracing::debug!(%error, "who is on duty is not known");
                None
            }
        };
        let on = holder.as_ref().is_some_and(|holder| holder.node == self.node);
        self.membership.hear(holder.filter(|_| !on).map(|holder| holder.unreachable));
        self.turn(on);
    }

    /// Gives the lease back, so that another node need not wait for its end.
    pub(super) async fn resign(&self) {
        let was_on = *self.on.borrow();
        self.turn(false);
        if was_on && self.cache.get(&LEASE, KEY).await.is_ok_and(|held| held.is_some_and(|held| self.is_me(&held))) {
            // Where this fails the lease ends by itself.
            let _ = self.cache.remove(&LEASE, KEY).await;
        }
    }

    /// Who holds the lease now.
    async fn renew(&self) -> Result<Option<Holder>, Error> {
        let me = Holder { node: self.node.clone(), unreachable: self.membership.found_unreachable() };
        match self.cache.get(&LEASE, KEY).await? {
            Some(holder) if self.is_me(&holder) => {
                self.cache.put(&LEASE, KEY, &me).await?;
                Ok(Some(me))
            }
            Some(holder) => Ok(Some(holder)),
            None => Ok(self.cache.put_new(&LEASE, KEY, &me).await?.then_some(me)),
        }
    }

    fn is_me(&self, holder: &Holder) -> bool {
        holder.node == self.node
    }

    fn turn(&self, on: bool) {
        let changed = self.on.send_if_modified(|current| std::mem::replace(current, on) != on);
        if changed {
            tracing::info!(on, "background work for all nodes");
        }
    }
}
