//! The cache as the rooms above see it: typed records over a backend of bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::memory::Memory;
use super::redis::Redis;
use super::slot::{Slot, counter_path};
use crate::model::{Clock, Secret};

#[derive(Clone, Debug)]
enum Backend {
    Memory(Memory),
    Redis(Redis),
}

/// Short-lived records. Clones share the same records.
#[derive(Clone, Debug)]
pub struct Cache(Backend);

/// Runs the same call on whichever backend there is.
macro_rules! on {
    ($cache:expr, $backend:ident => $call:expr) => {{
        crate::trips::cache();
        match &$cache.0 {
            Backend::Memory($backend) => $call,
            Backend::Redis($backend) => $call.await,
        }
    }};
}

impl Cache {
    /// Records in this process: for one node, for the demo and for tests.
    pub fn memory(clock: Clock) -> Self {
        Self(Backend::Memory(Memory::new(clock)))
    }

    /// Records in the Redis at `url`, 6.2 or newer, shared by all nodes: one server (`redis://`, `rediss://` with TLS),
    /// a cluster (`redis+cluster://HOST,HOST`) or the primary that sentinels name (`redis+sentinel://HOST,HOST/NAME`).
    /// Fails when it does not answer now; later it may come and go.
    pub async fn redis(url: &Secret<String>, clock: Clock) -> Result<Self, Error> {
        Ok(Self(Backend::Redis(Redis::connect(url, clock).await?)))
    }

    /// Whether `url` is one that [`redis`](Self::redis) understands.
    pub fn is_redis(url: &str) -> bool {
        super::redis::is_address(url)
    }

    /// Keeps `value` under `key`, in place of what was there.
    pub async fn put<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<(), Error> {
        let (path, bytes) = (slot.path(key), encode(value)?);
        on!(self, backend => backend.put(&path, bytes, slot.ttl_seconds()))
    }

    /// Keeps `value` under `key` unless a record is there; says whether it did. Of many at once, one is told `true`.
    pub async fn put_new<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<bool, Error> {
        let (path, bytes) = (slot.path(key), encode(value)?);
        on!(self, backend => backend.put_new(&path, bytes, slot.ttl_seconds()))
    }

    /// Replaces the record of `key` if there is one, without prolonging its life; says whether there was one.
    pub async fn replace<T: Serialize>(&self, slot: &Slot<T>, key: &str, value: &T) -> Result<bool, Error> {
        let (path, bytes) = (slot.path(key), encode(value)?);
        on!(self, backend => backend.replace(&path, bytes))
    }

    /// The record of `key`.
    pub async fn get<T: DeserializeOwned>(&self, slot: &Slot<T>, key: &str) -> Result<Option<T>, Error> {
        let path = slot.path(key);
        on!(self, backend => backend.get(&path))?.map(|bytes| decode(&bytes)).transpose()
    }

    /// The record of `key`, which is gone afterwards. Of many at once, one gets it.
    pub async fn take<T: DeserializeOwned>(&self, slot: &Slot<T>, key: &str) -> Result<Option<T>, Error> {
        let path = slot.path(key);
        on!(self, backend => backend.take(&path))?.map(|bytes| decode(&bytes)).transpose()
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
        match &self.0 {
            Backend::Memory(_) => Ok(()),
            Backend::Redis(redis) => redis.ping().await,
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Fault(Box::new(error)))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Fault(Box::new(error)))
}
