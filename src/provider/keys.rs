//! The signing keys in memory, kept in step with the store and their schedule [OIDC Core §10.1].

use std::sync::{Arc, RwLock};

use serde::Serialize;

use crate::jose::{self, Action, Alg, KeyRing, Rotation, SigningKey};
use crate::model::key::StoredKey;
use crate::model::{Fault, UnixTime};
use crate::store::{self, Store};

/// Tries to agree with other nodes before the next round is left to it.
const ATTEMPTS: usize = 5;

/// The signing keys. Cheap to clone; all clones see the same ring.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    algs: Arc<[Alg]>,
    rotation: Rotation,
    ring: Arc<RwLock<Arc<KeyRing>>>,
}

impl Keys {
    /// Loads the keys, creating those the schedule calls for.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer or holds a key that cannot be read.
    pub async fn load(store: Store, algs: &[Alg], rotation: Rotation, now: UnixTime) -> Result<Self, Fault> {
        let ring = Arc::new(RwLock::new(Arc::new(KeyRing::default())));
        let keys = Self { store, algs: algs.into(), rotation, ring };
        keys.follow_schedule(now).await?;
        Ok(keys)
    }

    /// The keys as they are now.
    pub fn ring(&self) -> Arc<KeyRing> {
        // A poisoned lock still holds a whole ring: it is only ever replaced by assignment.
        self.ring.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
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
        let stored = self.store.signing_keys().await?;
        let ring = KeyRing::new(&stored).map_err(|error| Fault::new("read signing keys", error))?;
        *self.ring.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    /// Signs `claims` with the active key of `alg`.
    ///
    /// # Errors
    /// A [`Fault`] when there is no such key.
    pub fn sign(&self, alg: Alg, typ: &str, claims: &impl Serialize, now: UnixTime) -> Result<String, Fault> {
        let ring = self.ring();
        let key = ring.signer(alg, now).ok_or_else(|| Fault::new("find a signing key", "no active key"))?;
        jose::sign(key, typ, claims).map_err(|error| Fault::new("sign", error))
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
