//! Records in this process: a map in shards, bounded in bytes, swept of the expired as it is written to.
//!
//! Kinds of records share the bytes so that no flood of one kind keeps the others out: a kind may hold as much as is still
//! free, and no more. One flood ends at half of it, a second at half of the rest, and there is always room for a kind that
//! has none.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use crate::model::{Clock, UnixTime};

const SHARDS: usize = 64;
const CAPACITY_BYTES: usize = 256 * 1024 * 1024;
const SWEEP_EVERY_SECONDS: i64 = 30;
/// What an entry costs beside its key and value: map slot, two allocations.
const ENTRY_OVERHEAD_BYTES: usize = 96;

#[derive(Clone)]
pub(super) struct Memory(Arc<Map>);

struct Map {
    clock: Clock,
    shards: [Mutex<Shard>; SHARDS],
    capacity: usize,
    hasher: RandomState,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<String, Entry>,
    bytes: usize,
    bytes_by_kind: HashMap<String, usize>,
    swept_at: UnixTime,
}

struct Entry {
    value: Vec<u8>,
    expires_at: UnixTime,
}

// Both backends answer alike, also where this one cannot fail.
#[allow(clippy::unnecessary_wraps)]
impl Memory {
    pub(super) fn new(clock: Clock) -> Self {
        Self::with_capacity(clock, CAPACITY_BYTES)
    }

    fn with_capacity(clock: Clock, bytes: usize) -> Self {
        Self(Arc::new(Map {
            clock,
            shards: std::array::from_fn(|_| Mutex::default()),
            capacity: bytes / SHARDS,
            hasher: RandomState::new(),
        }))
    }

    pub(super) fn put(&self, path: &str, value: Vec<u8>, ttl: i64) -> Result<(), Error> {
        let now = self.0.clock.now();
        self.shard(path).insert(path, Entry { value, expires_at: now + ttl }, now, self.0.capacity)
    }

    pub(super) fn put_new(&self, path: &str, value: Vec<u8>, ttl: i64) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let mut shard = self.shard(path);
        if shard.live(path, now).is_some() {
            return Ok(false);
        }
        shard.insert(path, Entry { value, expires_at: now + ttl }, now, self.0.capacity)?;
        Ok(true)
    }

    pub(super) fn replace(&self, path: &str, value: Vec<u8>) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let mut shard = self.shard(path);
        let Some(expires_at) = shard.live(path, now).map(|entry| entry.expires_at) else { return Ok(false) };
        shard.insert(path, Entry { value, expires_at }, now, self.0.capacity)?;
        Ok(true)
    }

    pub(super) fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let now = self.0.clock.now();
        Ok(self.shard(path).live(path, now).map(|entry| entry.value.clone()))
    }

    pub(super) fn take(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let now = self.0.clock.now();
        Ok(self.shard(path).remove(path).filter(|entry| entry.expires_at > now).map(|entry| entry.value))
    }

    pub(super) fn remove(&self, path: &str) -> Result<(), Error> {
        self.shard(path).remove(path);
        Ok(())
    }

    pub(super) fn count(&self, path: &str, window: i64) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let mut shard = self.shard(path);
        let (sum, expires_at) = match shard.live(path, now) {
            Some(entry) => (number(&entry.value).saturating_add(1), entry.expires_at),
            None => (1, now + window),
        };
        shard.insert(path, Entry { value: sum.to_string().into_bytes(), expires_at }, now, self.0.capacity)?;
        Ok(sum)
    }

    fn shard(&self, path: &str) -> MutexGuard<'_, Shard> {
        let [low, ..] = self.0.hasher.hash_one(path).to_le_bytes();
        let [first, ..] = &self.0.shards;
        let shard = self.0.shards.get(usize::from(low) % SHARDS).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Shard {
    fn live(&self, path: &str, now: UnixTime) -> Option<&Entry> {
        self.entries.get(path).filter(|entry| entry.expires_at > now)
    }

    fn insert(&mut self, path: &str, entry: Entry, now: UnixTime, capacity: usize) -> Result<(), Error> {
        let cost = cost(path, &entry);
        let idle = now.since(self.swept_at);
        // A full shard is swept at most once a second: sweeping is linear, and the flood that filled it goes on.
        if idle >= SWEEP_EVERY_SECONDS || (idle > 0 && !self.has_room(path, cost, capacity)) {
            self.sweep(now);
        }
        // Evicting would un-see a `jti` or forgive a counter, so a full shard refuses and keeps what it has.
        if !self.has_room(path, cost, capacity) {
            return Err(Error::Full);
        }
        self.remove(path);
        self.bytes += cost;
        match self.bytes_by_kind.get_mut(kind(path)) {
            Some(bytes) => *bytes += cost,
            None => drop(self.bytes_by_kind.insert(kind(path).to_owned(), cost)),
        }
        self.entries.insert(path.to_owned(), entry);
        Ok(())
    }

    /// Whether an entry of `cost` may lie at `path`. What is there already may grow as long as there is any room.
    fn has_room(&self, path: &str, cost: usize, capacity: usize) -> bool {
        let before = self.entries.get(path).map(|entry| self::cost(path, entry));
        let Some(free) = capacity.checked_sub(self.bytes + cost - before.unwrap_or_default()) else { return false };
        before.is_some() || self.bytes_by_kind.get(kind(path)).copied().unwrap_or_default() + cost <= free
    }

    fn remove(&mut self, path: &str) -> Option<Entry> {
        let (path, entry) = self.entries.remove_entry(path)?;
        let cost = cost(&path, &entry);
        self.bytes -= cost;
        if let Some(bytes) = self.bytes_by_kind.get_mut(kind(&path)) {
            *bytes -= cost;
        }
        Some(entry)
    }

    fn sweep(&mut self, now: UnixTime) {
        self.entries.retain(|_, entry| entry.expires_at > now);
        self.bytes = 0;
        self.bytes_by_kind.values_mut().for_each(|bytes| *bytes = 0);
        for (path, entry) in &self.entries {
            let cost = cost(path, entry);
            self.bytes += cost;
            if let Some(bytes) = self.bytes_by_kind.get_mut(kind(path)) {
                *bytes += cost;
            }
        }
        self.swept_at = now;
        if self.entries.len() * 4 < self.entries.capacity() {
            self.entries.shrink_to_fit();
        }
    }
}

fn cost(path: &str, entry: &Entry) -> usize {
    path.len() + entry.value.len() + ENTRY_OVERHEAD_BYTES
}

/// The part of a path that says which kind of record it is of; the rest is a digest.
fn kind(path: &str) -> &str {
    path.rsplit_once(':').map_or("", |(kind, _)| kind)
}

fn number(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(memory: &Memory) -> (usize, usize) {
        memory
            .0
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap())
            .fold((0, 0), |(entries, bytes), shard| (entries + shard.entries.len(), bytes + shard.bytes))
    }

    #[test]
    fn the_expired_are_swept_by_later_writes() {
        let clock = Clock::manual(UnixTime(1_000));
        let memory = Memory::new(clock.clone());
        for number in 0..5_000 {
            memory.put(&format!("old:{number}"), vec![0; 32], 10).unwrap();
        }
        assert_eq!(held(&memory).0, 5_000);
        clock.advance(SWEEP_EVERY_SECONDS);
        for number in 0..2_000 {
            memory.put(&format!("new:{number}"), vec![0; 32], 10).unwrap();
        }
        assert_eq!(held(&memory).0, 2_000);
        for number in 0..2_000 {
            memory.remove(&format!("new:{number}")).unwrap();
        }
        assert_eq!(held(&memory), (0, 0));
    }

    #[test]
    fn a_full_memory_refuses_and_keeps_what_it_has() {
        let clock = Clock::manual(UnixTime(1_000));
        let memory = Memory::with_capacity(clock.clone(), SHARDS * 4_096);
        let mut kept = Vec::new();
        let full = (0..10_000).any(|number| {
            let path = format!("{number}");
            match memory.put_new(&path, vec![0; 64], 60) {
                Ok(true) => {
                    kept.push(path);
                    false
                }
                Ok(false) => panic!("{path} was never put"),
                Err(error) => matches!(error, Error::Full),
            }
        });
        assert!(full);
        assert!(matches!(memory.put(&kept[0], vec![0; 8_192], 60), Err(Error::Full)));
        assert!(kept.iter().all(|path| memory.get(path).unwrap().is_some()));
        clock.advance(60);
        memory.put("0", vec![0; 64], 60).unwrap();
    }

    /// Writes records of a kind until there is no room for more; gives how many there was room for.
    fn flood(memory: &Memory, kind: &str) -> usize {
        let mut written = 0;
        let mut refused = 0;
        for number in 0..100_000 {
            match memory.put(&format!("{kind}:{number}"), vec![0; 64], 60) {
                Ok(()) => written += 1,
                Err(_) => refused += 1,
            }
            if refused > SHARDS * 20 {
                break;
            }
        }
        assert!(refused > 0, "{kind} is never full");
        written
    }

    #[test]
    fn a_flood_of_one_kind_leaves_room_for_the_others() {
        let clock = Clock::manual(UnixTime(1_000));
        let memory = Memory::with_capacity(clock.clone(), SHARDS * 16_384);
        let (first, second) = (flood(&memory, "transaction"), flood(&memory, "attempts"));
        assert!(first > second && second > first / 3, "{first} {second}");
        for number in 0..200 {
            memory.put(&format!("code:{number}"), vec![0; 64], 60).unwrap();
        }
        // What is there goes on: a count is not lost in the flood, a transaction moves on.
        assert!(memory.count("attempts:0", 60).is_ok());
        memory.put("transaction:0", vec![1; 64], 60).unwrap();
        // When the flood has run off, so has its share.
        clock.advance(60);
        memory.put("sweep:0", vec![0; 64], 60).unwrap();
        assert!(flood(&memory, "attempts") >= first);
    }
}
