//! Connections to keep. sqlx's own pool asks the server after each use whether the connection is still well; this one
//! says nothing on the wire but what it is asked to, and knows whom it speaks to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::search::{Missed, Search};
use crate::model::Random;
use crate::store::db::jittered;
use crate::store::error::Error;

/// For how long a server is believed to be what it said it was.
const TRUST: Duration = Duration::from_secs(5);
/// A connection that nobody needed for so long is closed.
const IDLE: Duration = Duration::from_secs(600);
/// No connection lasts longer: servers keep memory for each, and names may come to stand for other addresses.
const LIFE: Duration = Duration::from_secs(1800);
/// Between searches for another host, however many statements fail.
const RECONSIDER: Duration = Duration::from_millis(500);
/// Between attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections to the one host of several that is wanted.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    search: Search,
    size: u32,
    permits: Arc<Semaphore>,
    /// The one used last is taken first; the others grow old.
    idle: Mutex<VecDeque<Idle>>,
    /// Connections of an earlier epoch are not used again.
    epoch: AtomicU64,
    /// Connections that have not been looked at since the latest doubt are looked at first.
    doubts: AtomicU64,
    random: Random,
}

struct Idle {
    since: Instant,
    seat: Arc<AsyncMutex<Seat>>,
}

/// A connection, and why it is believed in.
struct Seat {
    connection: PgConnection,
    born: Instant,
    looked: Instant,
    epoch: u64,
    doubts: u64,
}

impl Pool {
    pub(super) fn new(search: Search, size: u32, random: Random) -> Self {
        let size = size.max(1);
        let permits = Arc::new(Semaphore::new(size as usize));
        let (idle, epoch, doubts) = (Mutex::default(), AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { search, size, permits, idle, epoch, doubts, random }))
    }

    /// A connection, within `patience`.
    pub(super) async fn lend(&self, patience: Duration) -> Result<Lent, Error> {
        match timeout(patience, self.lend_at_last(patience)).await {
            Ok(lent) => lent,
            Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed))),
        }
    }

    async fn lend_at_last(&self, patience: Duration) -> Result<Lent, Error> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await;
        let permit = permit.map_err(|closed| Error::Unavailable(Box::new(closed)))?;
        while let Some(seat) = self.take_idle() {
            let mut seat = seat.lock_owned().await;
            // What happens now and then has its room on the heap: every unit of work carries what is left here.
            if self.trusts(&seat) || Box::pin(self.vouch_for(&mut seat)).await {
                return Ok(Lent { seat, pool: self.clone(), _permit: permit, spoiled: false });
            }
        }
        let seat = Arc::new(AsyncMutex::new(Box::pin(self.connect(patience)).await?)).lock_owned().await;
        Ok(Lent { seat, pool: self.clone(), _permit: permit, spoiled: false })
    }

    /// Tries until it works, unless nothing has worked for longer than anybody waits: then who asks is told at once.
    async fn connect(&self, patience: Duration) -> Result<Seat, Error> {
        loop {
            let (epoch, doubts) = (self.0.epoch.load(Ordering::Acquire), self.0.doubts.load(Ordering::Acquire));
            match self.0.search.connect().await {
                Ok(connection) => {
                    let now = Instant::now();
                    return Ok(Seat { connection, born: now, looked: now, epoch, doubts });
                }
                Err(Missed { error: Error::Unavailable(_), lasting }) if lasting < patience => {
                    sleep(jittered(&self.0.random, PAUSE)).await;
                }
                Err(missed) => return Err(missed.error),
            }
        }
    }

    fn take_idle(&self) -> Option<Arc<AsyncMutex<Seat>>> {
        self.idle().pop_back().map(|idle| idle.seat)
    }

    /// Whether a connection was looked at lately, and no doubt has come up since.
    fn trusts(&self, seat: &Seat) -> bool {
        seat.epoch == self.0.epoch.load(Ordering::Acquire)
            && seat.doubts == self.0.doubts.load(Ordering::Acquire)
            && seat.looked.elapsed() < TRUST
    }

    /// Looks whether a connection still leads where it should.
    async fn vouch_for(&self, seat: &mut Seat) -> bool {
        let (epoch, doubts) = (self.0.epoch.load(Ordering::Acquire), self.0.doubts.load(Ordering::Acquire));
        let now = Instant::now();
        if seat.epoch != epoch || now.duration_since(seat.born) > LIFE {
            return false;
        }
        match self.0.search.look(&mut seat.connection).await {
            Ok(role) if self.0.search.is_wanted(role) => {
                (seat.looked, seat.doubts) = (now, doubts);
                self.look_around(TRUST);
                true
            }
            _ => {
                // The others are in the same case most likely, and each would cost the same wait.
                self.condemn();
                false
            }
        }
    }

    /// Uses no connection again that there is now, and searches anew.
    fn condemn(&self) {
        self.0.search.forget();
        self.0.epoch.fetch_add(1, Ordering::AcqRel);
        self.idle().clear();
    }

    /// Searches for a better host in the background; goes over to it.
    fn look_around(&self, pause: Duration) {
        if !self.0.search.has_choice() {
            return;
        }
        let pool = self.clone();
        tokio::spawn(async move {
            if pool.0.search.look_around(pause).await {
                pool.0.epoch.fetch_add(1, Ordering::AcqRel);
                pool.idle().clear();
            }
        });
    }

    /// Waits for what is lent, and closes all.
    pub(super) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.size).await;
        self.0.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            if let Some(seat) = Arc::into_inner(idle.seat) {
                let _ = seat.into_inner().connection.close().await;
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A borrowed connection; goes back when dropped, unless it is spoiled.
pub(super) struct Lent {
    seat: OwnedMutexGuard<Seat>,
    pool: Pool,
    spoiled: bool,
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.seat.connection
    }

    /// Closes the connection when it is given back: what was begun on it ends with it.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// The connection broke, nothing came back on it, or the server says it does not write: the others are looked at
    /// before they are used, and another host may have taken over.
    pub(super) fn doubt(&mut self) {
        self.spoiled = true;
        self.pool.0.doubts.fetch_add(1, Ordering::AcqRel);
        self.pool.look_around(RECONSIDER);
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.spoiled || self.seat.epoch != self.pool.0.epoch.load(Ordering::Acquire) {
            return;
        }
        let since = Instant::now();
        let seat = Arc::clone(OwnedMutexGuard::mutex(&self.seat));
        let mut idle = self.pool.idle();
        idle.push_back(Idle { since, seat });
        let oldest = idle.front().filter(|oldest| since.duration_since(oldest.since) > IDLE);
        let surplus = if oldest.is_some() { idle.pop_front() } else { None };
        drop(idle);
        drop(surplus);
    }
}
