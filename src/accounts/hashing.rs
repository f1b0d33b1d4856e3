//! Password hashes, computed on threads of their own: few, of low priority, with a bounded queue before them, so that a
//! flood of passwords slows down passwords and nothing else.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use tokio::sync::oneshot;

use crate::model::{Fault, Random, Secret};

/// Memory in KiB, passes and lanes of new hashes (OWASP's argon2id minimum).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// The most an imported hash may demand of this machine.
const IMPORTED_COST: (u32, u32, u32) = (128 * 1024, 10, 4);

/// How much the threads let others go first, on the system's scale from -20 to 19: beside one that answers requests
/// such a thread gets a tenth of a processor, alone all of it.
const NICENESS: i32 = 10;

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

/// What a thread is given to do; it is told the decoy.
type Work = Box<dyn FnOnce(&str) + Send>;

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Pool>);

struct Pool {
    threads: usize,
    limit: usize,
    waiting: Arc<AtomicUsize>,
    /// The way to the threads, once the first password has come.
    door: Mutex<Option<Sender<Work>>>,
    random: Random,
}

impl Hasher {
    /// A pool of `threads` hashes at a time, though never all processors, and `queue` under way or waiting. The threads
    /// begin with the first password.
    pub fn new(threads: usize, queue: usize, random: Random) -> Self {
        let others = thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1));
        Self(Arc::new(Pool {
            threads: threads.min(others).max(1),
            limit: queue.max(1),
            waiting: Arc::new(AtomicUsize::new(0)),
            door: Mutex::new(None),
            random,
        }))
    }

    /// How many wait or are being computed, for the metrics.
    pub fn queued(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Hashes a normalised password into a PHC string.
    ///
    /// # Errors
    /// [`HashingError::Busy`], or a [`Fault`].
    pub async fn hash(&self, password: Secret<String>) -> Result<String, HashingError> {
        let random = self.0.random.clone();
        self.run(move |_| hash(password.expose(), &random)).await
    }

    /// Whether the password fits the PHC string; without one, takes as long and says no.
    ///
    /// # Errors
    /// [`HashingError::Busy`], or a [`Fault`].
    pub async fn verify(&self, password: Secret<String>, phc: Option<Secret<String>>) -> Result<bool, HashingError> {
        self.run(move |decoy| {
            let known = phc.is_some();
            let phc = phc.as_ref().map_or(decoy, |phc| phc.expose().as_str());
            Ok(verify(password.expose(), phc) && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&str) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Place::take(&self.0.waiting, self.0.limit).ok_or(HashingError::Busy)?;
        let (answer, answered) = oneshot::channel();
        let work = move |decoy: &str| {
            // Whoever asked may have gone away while this waited.
            let done = (!answer.is_closed()).then(|| work(decoy));
            drop(place);
            if let Some(done) = done {
                let _ = answer.send(done);
            }
        };
        self.hand_over(Box::new(work))?;
        Ok(answered.await.map_err(|error| Fault::new("hash a password", error))??)
    }

    fn hand_over(&self, work: Work) -> Result<(), Fault> {
        let mut door = self.0.door.lock().unwrap_or_else(PoisonError::into_inner);
        let way = match &*door {
            Some(way) => way,
            None => door.insert(self.0.open()?),
        };
        way.send(work).map_err(|_| Fault::new("hash a password", "no thread is left"))
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("threads", &self.0.threads).field("queued", &self.queued()).finish()
    }
}

impl Pool {
    /// Starts the threads; they end when the way to them is gone.
    fn open(&self) -> Result<Sender<Work>, Fault> {
        let (way, work) = channel();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..self.threads {
            let (work, random) = (work.clone(), self.random.clone());
            let started = thread::Builder::new().name("password".to_owned()).spawn(move || toil(&work, &random));
            started.map_err(|error| Fault::new("start a thread for passwords", error))?;
        }
        Ok(way)
    }
}

/// The life of a thread.
fn toil(work: &Mutex<Receiver<Work>>, random: &Random) {
    // Where the system does not let us, passwords compete with everything else; their number stays bounded.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    // What unknown people are checked against, so that they take as long as known ones.
    let decoy = hash(random.token().expose(), random).unwrap_or_default();
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        // A thread lost to one password would be missing for all after it; whoever asked is told.
        let _ = catch_unwind(AssertUnwindSafe(|| next(&decoy)));
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
        let hasher = Hasher::new(2, 8, Random::new());
        let phc = hasher.hash(secret("correct horse battery")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify(secret("correct horse battery"), Some(phc.as_str().into())).await.unwrap());
        assert!(!hasher.verify(secret("correct horse batterx"), Some(phc.as_str().into())).await.unwrap());
        assert!(!hasher.verify(secret("correct horse battery"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_empties_again() {
        let hasher = Hasher::new(1, 1, Random::new());
        let (one, two) = tokio::join!(hasher.hash(secret("a")), hasher.hash(secret("b")));
        assert!(one.is_ok() != two.is_ok());
        assert!(matches!(one.and(two), Err(HashingError::Busy)));
        assert_eq!(hasher.queued(), 0);
        assert!(hasher.hash(secret("c")).await.is_ok());
    }

    #[tokio::test]
    async fn a_flood_is_bounded_and_holds_up_nobody_else() {
        let hasher = Hasher::new(1, 3, Random::new());
        let (open, door) = channel::<()>();
        // The first keeps the only thread busy until it is let go.
        let flood = {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.run(move |_| Ok(door.recv().is_err())).await })
        };
        while hasher.queued() < 1 {
            tokio::task::yield_now().await;
        }
        let patient = [(); 2].map(|()| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.verify(secret("x"), None).await })
        });
        while hasher.queued() < 3 {
            tokio::task::yield_now().await;
        }
        // Everything else goes on, on the very thread that takes passwords in; the next password is refused at once.
        for _ in 0..100 {
            assert!(matches!(hasher.verify(secret("x"), None).await, Err(HashingError::Busy)));
        }
        assert_eq!(hasher.queued(), 3);
        // One who goes away gives the place back when its turn comes, without a hash being computed.
        let [gone, stays] = patient;
        gone.abort();
        drop(open);
        assert!(flood.await.unwrap().unwrap());
        assert!(!stays.await.unwrap().unwrap());
        assert_eq!(hasher.queued(), 0);
    }

    #[tokio::test]
    async fn a_thread_survives_what_it_is_given() {
        let hasher = Hasher::new(1, 8, Random::new());
        let broken = hasher.run(|_| -> Result<(), Fault> { panic!("broken") }).await;
        assert!(matches!(broken, Err(HashingError::Fault(_))));
        assert!(hasher.hash(secret("a")).await.is_ok());
        assert_eq!(hasher.queued(), 0);
    }

    #[test]
    fn an_imported_hash_cannot_demand_the_whole_machine() {
        assert!(!verify("x", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b27pg"));
        assert!(!verify("x", "not a hash"));
    }
}
