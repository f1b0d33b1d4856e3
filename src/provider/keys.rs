//! The signing keys in memory, kept in step with the store and their schedule [OIDC Core §10.1].

use std::num::NonZero;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::jose::{self, Action, Alg, Claims, Expected, KeyRing, Rejected, Rotation, SigningKey};
use crate::model::key::StoredKey;
use crate::model::{Fault, UnixTime};
use crate::store::{self, Store};

/// Tries to agree with other nodes before the next round is left to it.
const ATTEMPTS: usize = 5;
/// How long a document waits for the latest keys.
const PATIENCE: Duration = Duration::from_secs(1);

/// The signing keys. Cheap to clone; all clones see the same ring.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    algs: Arc<[Alg]>,
    rotation: Rotation,
    held: Arc<RwLock<Held>>,
    /// Held by whoever reads the keys.
    reading: Arc<Mutex<()>>,
    /// Places for slow signatures, as many as there are processors.
    signing: Arc<Semaphore>,
}

/// A ring and the version of the store's keys it was made of.
#[derive(Clone, Debug)]
struct Held {
    ring: Arc<KeyRing>,
    version: Option<i64>,
}

impl Keys {
    /// Loads the keys, creating those the schedule calls for.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer or holds a key that cannot be read.
    pub async fn load(store: Store, algs: &[Alg], rotation: Rotation, now: UnixTime) -> Result<Self, Fault> {
        let held = Arc::new(RwLock::new(Held { ring: Arc::default(), version: None }));
        let processors = available_parallelism().map_or(1, NonZero::get);
        let signing = Arc::new(Semaphore::new(processors));
        let keys = Self { store, algs: algs.into(), rotation, held, reading: Arc::default(), signing };
        keys.follow_schedule(now).await?;
        Ok(keys)
    }

    /// The keys as they were read last.
    pub fn ring(&self) -> Arc<KeyRing> {
        self.held().ring
    }

    /// The keys as they were less than a second ago, whichever node changed them.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer or a key cannot be read.
    pub async fn current(&self) -> Result<Arc<KeyRing>, Fault> {
        let version = self.store.recent_keys_version().await?;
        self.at_version(version).await
    }

    /// Brings [`ring`](Self::ring) up to date for a document that is better old than missing: a store that is slow or
    /// silent is not waited for.
    pub async fn look(&self) {
        match timeout(PATIENCE, self.current()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the keys are published as they were read last"),
            Err(_) => tracing::debug!("the keys are published as they were read last"),
        }
    }

    /// Believes a token of ours, or says why not. A key not known yet may be one another node has just made: the store
    /// is asked, by one at a time for all who met an unknown one.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer or a key cannot be read.
    pub async fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: UnixTime,
    ) -> Result<Result<Claims, Rejected>, Fault> {
        let ring = self.current().await?;
        let verdict = jose::verify(token, &*ring, expected, now);
        if !matches!(verdict, Err(Rejected::UnknownKey)) {
            return Ok(verdict);
        }
        let latest = self.at_version(self.store.keys_version().await?).await?;
        Ok(if Arc::ptr_eq(&ring, &latest) { verdict } else { jose::verify(token, &*latest, expected, now) })
    }

    /// Creates, retires and removes what is due, then reloads. Safe to run on several nodes at once: whoever decided on
    /// keys that have changed since decides anew.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn follow_schedule(&self, now: UnixTime) -> Result<(), Fault> {
        for _ in 0..ATTEMPTS {
            let seen = self.store.keys_version().await?;
            let stored = self.store.signing_keys().await?;
            let actions = jose::schedule(&stored, &self.algs, now, &self.rotation);
            match self.carry_out(actions, seen, now).await {
                Err(store::Error::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => break,
            }
        }
        self.reload().await
    }

    /// Forgets a key at once: what it signed is nobody's word any more, on no node a second from now. Where it signs, a
    /// successor takes over first. Gives whether there was such a key.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn remove(&self, kid: &str, now: UnixTime) -> Result<bool, Fault> {
        let stored = self.store.signing_keys().await?;
        let Some(key) = stored.iter().find(|key| key.kid == kid) else { return Ok(false) };
        if key.retired_at.is_none() && key.active_at <= now {
            let alg = key.alg.parse().map_err(|error| Fault::new("read signing keys", error))?;
            self.rotate(Some(alg), now).await?;
        }
        let removed = self.store.remove_signing_key(kid).await?;
        self.follow_schedule(now).await?;
        Ok(removed)
    }

    /// Replaces the signing key of `alg` (of all when `None`) at once; the old ones go on verifying. Gives the new ones.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn rotate(&self, alg: Option<Alg>, now: UnixTime) -> Result<Vec<String>, Fault> {
        let wanted = self.algs.iter().copied().filter(|each| alg.is_none_or(|alg| alg == *each));
        let actions = wanted.map(|alg| Action::Create { alg, active_at: now }).collect();
        let before: Vec<String> = self.store.signing_keys().await?.into_iter().map(|key| key.kid).collect();
        let seen = self.store.keys_version().await?;
        self.carry_out(actions, seen, now).await?;
        // The schedule retires what has a successor now.
        self.follow_schedule(now).await?;
        let after = self.store.signing_keys().await?;
        Ok(after.into_iter().map(|key| key.kid).filter(|kid| !before.contains(kid)).collect())
    }

    async fn carry_out(&self, actions: Vec<Action>, seen: i64, now: UnixTime) -> Result<(), store::Error> {
        let mut seen = seen;
        for action in actions {
            match action {
                Action::Create { alg, active_at } => {
                    let key = generate(alg, now, active_at).await?;
                    seen = self.store.add_signing_key(&key, seen).await?;
                }
                Action::Retire { kid, retired_at, remove_at } => {
                    self.store.retire_signing_key(&kid, retired_at, remove_at).await?;
                    seen = self.store.keys_version().await?;
                }
                Action::Remove { kid } => {
                    self.store.remove_signing_key(&kid).await?;
                    seen = self.store.keys_version().await?;
                }
            }
        }
        Ok(())
    }

    /// Reads the keys anew.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer or a key cannot be read.
    pub async fn reload(&self) -> Result<(), Fault> {
        let _turn = self.reading.lock().await;
        self.read().await.map(drop)
    }

    /// The keys of this version, or of a later one.
    async fn at_version(&self, version: i64) -> Result<Arc<KeyRing>, Fault> {
        let is_it = |held: &Held| held.version == Some(version);
        let held = self.held();
        if is_it(&held) {
            return Ok(held.ring);
        }
        let _turn = self.reading.lock().await;
        let held = self.held();
        if is_it(&held) { Ok(held.ring) } else { self.read().await }
    }

    /// Reads version and keys, in this order: should the keys change in between, the version looks older than they are,
    /// and they are read once more than needed.
    async fn read(&self) -> Result<Arc<KeyRing>, Fault> {
        let version = Some(self.store.keys_version().await?);
        let stored = self.store.signing_keys().await?;
        let ring = Arc::new(KeyRing::new(&stored).map_err(|error| Fault::new("read signing keys", error))?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held { ring: ring.clone(), version };
        Ok(ring)
    }

    // A poisoned lock still holds a whole ring: it is only ever replaced by assignment.
    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs `claims` with the active key of `alg`.
    ///
    /// A slow signature is made beside the threads that answer requests, not on them. Where 64 connections kept two
    /// processors busy with RS256, half of the requests for our keys waited 13 ms for their turn on those threads; so
    /// they wait 0.1 ms, and a signature costs the same. No more are made at once than there are processors: others would
    /// have to share those with all of them.
    ///
    /// # Errors
    /// A [`Fault`] when there is no such key, or the store does not answer.
    pub async fn sign(&self, alg: Alg, typ: &str, claims: &impl Serialize, now: UnixTime) -> Result<String, Fault> {
        let ring = self.current().await?;
        let key = ring.signer(alg, now).ok_or_else(|| Fault::new("find a signing key", "no active key"))?;
        let unsigned = jose::unsigned(key, typ, claims).map_err(|error| Fault::new("sign", error))?;
        if !unsigned.is_slow() {
            return unsigned.sign().map_err(|error| Fault::new("sign", error));
        }
        let place = self.signing.clone().acquire_owned().await.map_err(|error| Fault::new("sign", error))?;
        let signed = tokio::task::spawn_blocking(move || {
            let signed = unsigned.sign();
            drop(place);
            signed
        });
        let signed = signed.await.map_err(|error| Fault::new("sign", error))?;
        signed.map_err(|error| Fault::new("sign", error))
    }
}

/// Makes a key. RSA takes a moment of pure computation, which is not for the threads that answer requests.
async fn generate(alg: Alg, now: UnixTime, active_at: UnixTime) -> Result<StoredKey, store::Error> {
    let made = tokio::task::spawn_blocking(move || {
        let key = SigningKey::generate(alg, None)?;
        let pkcs8 = key.to_pkcs8()?;
        Ok::<_, jose::Error>((key, pkcs8))
    });
    let made = made.await.map_err(|error| store::Error::Fault(error.into()))?;
    let (key, pkcs8) = made.map_err(|error| store::Error::Fault(error.into()))?;
    Ok(StoredKey {
        kid: key.kid().to_owned(),
        alg: alg.to_string(),
        pkcs8,
        created_at: now,
        active_at,
        retired_at: None,
        remove_at: None,
    })
}
