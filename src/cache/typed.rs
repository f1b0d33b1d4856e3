//! The cache as the rooms above see it: typed records over a backend of bytes.

use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::memory::Memory;
use super::redis::Redis;
use super::slot::{Slot, counter_path};
use crate::jose::Sealer;
use crate::model::{Clock, Secret};

#[derive(Clone, Debug)]
enum Backend {
    Memory(Memory),
    Redis(Redis),
}

/// Short-lived records. Clones share the same records.
#[derive(Clone, Debug)]
pub struct Cache {
    backend: Backend,
    /// Seals what is written outside of this process.
    sealer: Option<Sealer>,
}

/// A counter about to be advanced by one.
#[derive(Clone, Copy, Debug)]
pub struct Tick<'a> {
    /// What is counted.
    pub name: &'static str,
    /// Whose it is.
    pub key: &'a str,
    /// Seconds from the first count until the counter is back at zero.
    pub window_seconds: i64,
}

/// Runs the same call on whichever backend there is.
macro_rules! on {
    ($cache:expr, $backend:ident => $call:expr) => {{
        crate::trips::cache();
        match &$cache.backend {
            Backend::Memory($backend) => $call,
            Backend::Redis($backend) => $call.await,
        }
    }};
}

impl Cache {
    /// Records in this process: for one node, for the demo and for tests.
    pub fn memory(clock: Clock) -> Self {
        Self { backend: Backend::Memory(Memory::new(clock)), sealer: None }
    }

    /// Records in the Redis at `url`, 6.2 or newer, shared by all nodes: one server (`redis://`, `rediss://` with TLS),
    /// a cluster (`redis+cluster://HOST,HOST`) or the primary that sentinels name (`redis+sentinel://HOST,HOST/NAME`).
    /// Records of sealed slots are sealed by `sealer`, which all nodes have. Fails when it does not answer now; later it
    /// may come and go.
    pub async fn redis(url: &Secret<String>, sealer: Sealer, clock: Clock) -> Result<Self, Error> {
        Ok(Self { backend: Backend::Redis(Redis::connect(url, clock).await?), sealer: Some(sealer) })
    }

    /// Whether `url` is one that [`redis`](Self::redis) understands.
    pub fn is_redis(url: &str) -> bool {
        super::redis::is_address(url)
    }

    /// Keeps `value` under `key`, in place of what was there.
    pub async fn put<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<(), Error> {
        let (path, bytes) = self.written(slot, key, value)?;
        on!(self, backend => backend.put(&path, bytes, slot.ttl_seconds()))
    }

    /// Keeps `value` under `key` unless a record is there; says whether it did. Of many at once, one is told `true`.
    pub async fn put_new<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<bool, Error> {
        let (path, bytes) = self.written(slot, key, value)?;
        on!(self, backend => backend.put_new(&path, bytes, slot.ttl_seconds()))
    }

    /// Replaces the record of `key` if there is one, without prolonging its life; says whether there was one.
    pub async fn replace<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<bool, Error> {
        let (path, bytes) = self.written(slot, key, value)?;
        on!(self, backend => backend.replace(&path, bytes))
    }

    /// The record of `key`.
    pub async fn get<T: DeserializeOwned>(&self, slot: &Slot<T>, key: &str) -> Result<Option<T>, Error> {
        let path = slot.path(key);
        let held = on!(self, backend => backend.get(&path))?;
        self.read(slot, &path, held)
    }

    /// The record of `key`, which is gone afterwards. Of many at once, one gets it.
    pub async fn take<T: DeserializeOwned>(&self, slot: &Slot<T>, key: &str) -> Result<Option<T>, Error> {
        let path = slot.path(key);
        let held = on!(self, backend => backend.take(&path))?;
        self.read(slot, &path, held)
    }

    /// Forgets the record of `key`.
    pub async fn remove<T>(&self, slot: &Slot<T>, key: &str) -> Result<(), Error> {
        let path = slot.path(key);
        on!(self, backend => backend.remove(&path))
    }

    /// Adds one to the counter `name` of `key` and gives the sum. The first count opens a window of
    /// `window_seconds` after which the counter is back at zero.
    pub async fn count(&self, name: &'static str, key: &str, window_seconds: i64) -> Result<u64, Error> {
        let path = counter_path(name, key);
        on!(self, backend => backend.count(&path, window_seconds.max(1)))
    }

    /// Adds one to each of these counters, in one go, and gives the sums in their order.
    pub async fn count_all(&self, ticks: &[Tick<'_>]) -> Result<Vec<u64>, Error> {
        crate::trips::cache();
        let ticks = ticks.iter().map(|tick| (counter_path(tick.name, tick.key), tick.window_seconds.max(1)));
        match &self.backend {
            Backend::Memory(memory) => ticks.map(|(path, window)| memory.count(&path, window)).collect(),
            Backend::Redis(redis) => {
                // Sent one after the other without a wait between them; a cluster has them on several nodes.
                let counts = ticks.map(|(path, window)| async move { redis.count(&path, window).await });
                join_all(counts).await.into_iter().collect()
            }
        }
    }

    /// The counter `name` of `key` as it stands.
    pub async fn peek_count(&self, name: &'static str, key: &str) -> Result<u64, Error> {
        let path = counter_path(name, key);
        on!(self, backend => backend.get(&path))?.map_or(Ok(0), |bytes| decode(&bytes))
    }

    /// Sets the counter `name` of `key` back to zero.
    pub async fn reset_count(&self, name: &'static str, key: &str) -> Result<(), Error> {
        let path = counter_path(name, key);
        on!(self, backend => backend.remove(&path))
    }

    /// Whether the cache answers; for readiness probes.
    pub async fn ping(&self) -> Result<(), Error> {
        match &self.backend {
            Backend::Memory(_) => Ok(()),
            Backend::Redis(redis) => redis.ping().await,
        }
    }

    /// Where a record lies, and what lies there.
    fn written<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<(String, Vec<u8>), Error> {
        let path = slot.path(key);
        let bytes = serde_json::to_vec(value).map_err(|error| Error::Fault(Box::new(error)))?;
        match &self.sealer {
            Some(sealer) if slot.is_sealed() => {
                // Under its path: a record of one kind or key is nothing in the place of another.
                let held = sealer.seal_bytes(&path, &bytes).map_err(|error| Error::Fault(Box::new(error)))?;
                Ok((path, held))
            }
            _ => Ok((path, bytes)),
        }
    }

    /// The record in what lies at a path. One sealed under another master key is none: the person begins again.
    fn read<T: DeserializeOwned>(&self, slot: &Slot<T>, path: &str, held: Option<Vec<u8>>) -> Result<Option<T>, Error> {
        let content = match &self.sealer {
            Some(sealer) if slot.is_sealed() => held.and_then(|held| sealer.open_bytes(path, &held)),
            _ => held,
        };
        content.map(|bytes| decode(&bytes)).transpose()
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Fault(Box::new(error)))
}
