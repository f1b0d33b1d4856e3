//! Slots: which kind of record, and how long it lives.

use std::fmt;
use std::marker::PhantomData;

use crate::model::digest::sha256_b64;

/// One kind of record: its name (unique in the house, it keeps kinds apart) and its time to live.
pub struct Slot<T> {
    name: &'static str,
    ttl_seconds: i64,
    is_sealed: bool,
    record: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    /// A slot whose records live for `ttl_seconds`.
    pub const fn new(name: &'static str, ttl_seconds: i64) -> Self {
        Self { name, ttl_seconds, is_sealed: false, record: PhantomData }
    }

    /// A slot for personal data and secrets: what leaves the process can be read by nobody else, and not be changed.
    pub const fn sealed(name: &'static str, ttl_seconds: i64) -> Self {
        Self { name, ttl_seconds, is_sealed: true, record: PhantomData }
    }

    /// The same slot for a record that lives `ttl_seconds` (at least one), e.g. up to the `exp` of an assertion.
    pub const fn lasting(&self, ttl_seconds: i64) -> Self {
        Self { name: self.name, ttl_seconds, is_sealed: self.is_sealed, record: PhantomData }
    }

    pub(super) const fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// The time to live in seconds, at least one.
    pub const fn ttl_seconds(&self) -> i64 {
        if self.ttl_seconds < 1 { 1 } else { self.ttl_seconds }
    }

    /// Where the record of `key` lies. Keys are bearer secrets or personal data more often than not, so only their
    /// digest leaves the process; the slot's name in the path keeps one kind from being read as another.
    pub(super) fn path(&self, key: &str) -> String {
        let kind = if self.is_sealed { 's' } else { 'v' };
        format!("comity:{kind}:{}:{}", self.name, sha256_b64(key))
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("name", &self.name)
            .field("ttl_seconds", &self.ttl_seconds)
            .field("is_sealed", &self.is_sealed)
            .finish_non_exhaustive()
    }
}

/// Where the counter `name` of `key` lies; no slot's path looks like it.
pub(super) fn counter_path(name: &str, key: &str) -> String {
    format!("comity:n:{name}:{}", sha256_b64(key))
}
