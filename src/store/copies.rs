//! Rows nearly every request needs, kept in memory: clients, and the versions that say whether a copy is still true.
//!
//! Every change of such a row raises its version in the same transaction. A copy is used while its version is known to
//! have been the store's a moment ago; when that knowledge grows old, one of those who need it asks — one statement for
//! everything kept — and the others go on for as long as the old knowledge is good. So a change is seen by every node
//! within [`TRUST`] whatever happens, an idle node asks nothing, and where the store does not answer nobody goes on
//! with what may be outdated. What this very process changed it sees at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::clients::RegisteredClient;
use super::error::Error;
use super::open::Store;
use crate::model::{ClientId, Clock};

/// Knowledge this old is renewed by one of those who use it.
const RENEW: Duration = Duration::from_millis(500);
/// Knowledge this old is used by nobody.
const TRUST: Duration = Duration::from_secs(1);
/// A copy this old is read anew whatever the version says: for rows changed by hand, and databases set back in time.
const LIFE: Duration = Duration::from_secs(60);
/// Clients kept at most. Only what exists is kept: made-up identifiers take no place.
const CAPACITY: usize = 4096;

row!(VersionRow { name: String, value: i64 });

/// The versions of what is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) clients: i64,
    pub(super) signing_keys: i64,
}

/// Copies of one store, shared by its clones.
pub(super) struct Copies {
    clock: Clock,
    kept: RwLock<Kept>,
    /// Held by whoever asks for the versions.
    asking: Mutex<()>,
    /// How often was asked.
    asked: AtomicU64,
    /// How often the store did not answer.
    failed: AtomicU64,
}

#[derive(Default)]
struct Kept {
    /// How often this process changed something: what was read before is not kept after.
    changes: u64,
    versions: Option<Known>,
    clients: HashMap<ClientId, Copied>,
}

/// Versions the store had at some moment since `at`.
#[derive(Clone, Copy)]
struct Known {
    versions: Versions,
    at: Duration,
    /// Which asking brought them.
    asked: u64,
}

#[derive(Clone)]
struct Copied {
    client: Arc<RegisteredClient>,
    version: i64,
    at: Duration,
}

/// A moment before something is read from the store.
pub(super) struct Moment {
    changes: u64,
    at: Duration,
}

/// A change under way in this process. When it ends, however it ends, all copies are outdated.
pub(super) struct Change<'a>(&'a Copies);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut kept = self.0.write();
        kept.changes += 1;
        kept.versions = None;
        kept.clients.clear();
    }
}

impl Copies {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            kept: RwLock::default(),
            asking: Mutex::default(),
            asked: AtomicU64::default(),
            failed: AtomicU64::default(),
        }
    }

    /// To be held while a row is changed of which there may be copies.
    pub(super) fn change(&self) -> Change<'_> {
        Change(self)
    }

    /// To be taken before reading what is to be kept.
    pub(super) fn moment(&self) -> Moment {
        Moment { changes: self.read().changes, at: self.clock.elapsed() }
    }

    /// Keeps a client read since `moment`, unless this process has changed something meanwhile.
    pub(super) fn keep(&self, client: &Arc<RegisteredClient>, version: i64, moment: &Moment) {
        let mut kept = self.write();
        if kept.changes != moment.changes {
            return;
        }
        let id = &client.client.id;
        if kept.clients.len() >= CAPACITY && !kept.clients.contains_key(id) {
            // Any one will do: the map's own order is random.
            if let Some(victim) = kept.clients.keys().next().cloned() {
                kept.clients.remove(&victim);
            }
        }
        let copied = Copied { client: Arc::clone(client), version, at: moment.at };
        kept.clients.insert(id.clone(), copied);
    }

    fn client(&self, id: &ClientId) -> Option<(Copied, Duration)> {
        let copied = self.read().clients.get(id).cloned()?;
        let age = self.clock.elapsed().saturating_sub(copied.at);
        Some((copied, age))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.read().clients.len()
    }

    fn known(&self, within: Duration) -> Option<Versions> {
        let known = self.read().versions?;
        (self.clock.elapsed().saturating_sub(known.at) < within).then_some(known.versions)
    }

    /// What an asking that began after the one of this number has brought.
    fn known_since(&self, asked: u64) -> Option<Versions> {
        self.read().versions.filter(|known| known.asked > asked).map(|known| known.versions)
    }

    // A poisoned lock still holds whole copies: each is put there in one step.
    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// A copy of a client that is as good as reading it, if there is one.
    pub(super) async fn kept_client(&self, id: &ClientId) -> Result<Option<Arc<RegisteredClient>>, Error> {
        let Some((copied, age)) = self.copies.client(id) else { return Ok(None) };
        let good = age < RENEW || (age < LIFE && copied.version == self.recent_versions().await?.clients);
        Ok(good.then_some(copied.client))
    }

    /// Versions that were the store's at some moment less than [`TRUST`] ago.
    pub(super) async fn recent_versions(&self) -> Result<Versions, Error> {
        let copies = &*self.copies;
        if let Some(versions) = copies.known(RENEW) {
            return Ok(versions);
        }
        if let Some(versions) = copies.known(TRUST) {
            let Ok(turn) = copies.asking.try_lock() else { return Ok(versions) };
            return self.ask_versions(turn).await.or_else(|error| copies.known(TRUST).ok_or(error));
        }
        self.versions_since(TRUST).await
    }

    /// Versions that are the store's at some moment from now on.
    pub(super) async fn versions_now(&self) -> Result<Versions, Error> {
        self.versions_since(Duration::ZERO).await
    }

    /// Versions known for less than `age`, or asked for from now on. Of those who want them at the same time one asks,
    /// and no second before the first has its answer.
    async fn versions_since(&self, age: Duration) -> Result<Versions, Error> {
        let copies = &*self.copies;
        let (asked, failed) = (copies.asked.load(Ordering::SeqCst), copies.failed.load(Ordering::SeqCst));
        let turn = copies.asking.lock().await;
        match copies.known(age).or_else(|| copies.known_since(asked)) {
            Some(versions) => Ok(versions),
            None if copies.failed.load(Ordering::SeqCst) != failed => Err(shared_failure()),
            None => self.ask_versions(turn).await,
        }
    }

    async fn ask_versions(&self, _turn: MutexGuard<'_, ()>) -> Result<Versions, Error> {
        let copies = &*self.copies;
        let asked = copies.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let moment = copies.moment();
        let answer = self.read_versions().await;
        match &answer {
            Ok(versions) => {
                let mut kept = copies.write();
                if kept.changes == moment.changes {
                    kept.versions = Some(Known { versions: *versions, at: moment.at, asked });
                }
            }
            Err(_) => {
                copies.failed.fetch_add(1, Ordering::SeqCst);
            }
        }
        answer
    }

    async fn read_versions(&self) -> Result<Versions, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(&mut link, VersionRow, "SELECT name, value FROM versions")?;
        let of = |name: &str| {
            let row = rows.iter().find(|row| row.name == name);
            row.map(|row| row.value).ok_or_else(|| Error::fault("a version is missing"))
        };
        Ok(Versions { clients: of("clients")?, signing_keys: of("signing_keys")? })
    }
}

/// Who waited for another's question shares its failure: a queue of those who try for themselves would be no better off.
fn shared_failure() -> Error {
    Error::Unavailable("the database did not answer another request".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixTime;

    fn client(id: &str) -> Arc<RegisteredClient> {
        let metadata = format!(r#"{{"client_id":"{id}","client_name":"Shop"}}"#);
        Arc::new(super::super::clients::registered(&metadata, Vec::new(), 0, 0).unwrap())
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let copies = Copies::new(Clock::manual(UnixTime(0)));
        let before = copies.moment();
        drop(copies.change());
        copies.keep(&client("shop"), 1, &before);
        assert_eq!(copies.len(), 0);
        copies.keep(&client("shop"), 2, &copies.moment());
        assert_eq!(copies.len(), 1);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let copies = Copies::new(Clock::manual(UnixTime(0)));
        for id in 0..CAPACITY + 10 {
            copies.keep(&client(&id.to_string()), 1, &copies.moment());
        }
        assert_eq!(copies.len(), CAPACITY);
        let latest = (CAPACITY + 9).to_string();
        assert!(copies.client(&latest.as_str().into()).is_some());
    }
}
