//! Password hashes, computed on a bounded pool so that they cannot starve everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use tokio::sync::Semaphore;

use crate::model::{Fault, Random, Secret};

/// Memory in KiB, passes and lanes of new hashes (OWASP's argon2id minimum).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// The most an imported hash may demand of this machine.
const IMPORTED_COST: (u32, u32, u32) = (128 * 1024, 10, 4);

/// Why a hash was not computed.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// Too many wait already: the caller may try again in a moment.
    #[error("the hashing queue is full")]
    Busy,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hasher {
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    limit: usize,
    random: Random,
    /// What unknown people are checked against, so that they take as long as known ones.
    decoy: Arc<String>,
}

impl Hasher {
    /// A pool of `threads` hashes at a time and `queue` waiting.
    ///
    /// # Errors
    /// A [`Fault`] when hashing does not work at all.
    pub fn new(threads: usize, queue: usize, random: Random) -> Result<Self, Fault> {
        let decoy = hash(random.token().expose(), &random)?;
        Ok(Self {
            slots: Arc::new(Semaphore::new(threads.max(1))),
            waiting: Arc::new(AtomicUsize::new(0)),
            limit: queue.max(1),
            random,
            decoy: Arc::new(decoy),
        })
    }

    /// How many wait or are being computed, for the metrics.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Hashes a normalised password into a PHC string.
    ///
    /// # Errors
    /// [`HashingError::Busy`], or a [`Fault`].
    pub async fn hash(&self, password: Secret<String>) -> Result<String, HashingError> {
        let random = self.random.clone();
        self.run(move || hash(password.expose(), &random)).await
    }

    /// Whether the password fits the PHC string; without one, takes as long and says no.
    ///
    /// # Errors
    /// [`HashingError::Busy`], or a [`Fault`].
    pub async fn verify(&self, password: Secret<String>, phc: Option<Secret<String>>) -> Result<bool, HashingError> {
        let decoy = self.decoy.clone();
        self.run(move || {
            let known = phc.is_some();
            let phc = phc.as_ref().map_or(decoy.as_str(), |phc| phc.expose().as_str());
            Ok(verify(password.expose(), phc) && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Place::take(&self.waiting, self.limit).ok_or(HashingError::Busy)?;
        let slot = self.slots.clone().acquire_owned().await.map_err(|error| Fault::new("hash a password", error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, slot);
            work()
        });
        Ok(done.await.map_err(|error| Fault::new("hash a password", error))??)
    }
}

/// A place in the queue, given back also when the caller goes away.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let place = Self(waiting.clone());
        (waiting.fetch_add(1, Ordering::SeqCst) < limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn hash(password: &str, random: &Random) -> Result<String, Fault> {
    let (memory, passes, lanes) = COST;
    let params =
        Params::new(memory, passes, lanes, None).map_err(|error| Fault::new("hash a password", error.to_string()))?;
    let salt = BASE64_STANDARD_NO_PAD.encode(random.bytes::<16>());
    let salt = Salt::from_b64(&salt).map_err(|error| Fault::new("hash a password", error.to_string()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Fault::new("hash a password", error.to_string()))
}

fn verify(password: &str, phc: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(phc) else { return false };
    let Ok(params) = Params::try_from(&parsed) else { return false };
    let (memory, passes, lanes) = IMPORTED_COST;
    if params.m_cost() > memory || params.t_cost() > passes || params.p_cost() > lanes {
        return false;
    }
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::from(text)
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = Hasher::new(2, 8, Random::new()).unwrap();
        let phc = hasher.hash(secret("correct horse battery")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify(secret("correct horse battery"), Some(phc.as_str().into())).await.unwrap());
        assert!(!hasher.verify(secret("correct horse batterx"), Some(phc.as_str().into())).await.unwrap());
        assert!(!hasher.verify(secret("correct horse battery"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_empties_again() {
        let hasher = Hasher::new(1, 1, Random::new()).unwrap();
        let (one, two) = tokio::join!(hasher.hash(secret("a")), hasher.hash(secret("b")));
        assert!(one.is_ok() != two.is_ok());
        assert!(matches!(one.and(two), Err(HashingError::Busy)));
        assert_eq!(hasher.queued(), 0);
        assert!(hasher.hash(secret("c")).await.is_ok());
    }

    #[test]
    fn an_imported_hash_cannot_demand_the_whole_machine() {
        assert!(!verify("x", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b27pg"));
        assert!(!verify("x", "not a hash"));
    }
}
