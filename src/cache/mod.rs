//! L2 — short-lived records: what a restart may forget (pending logins, one-time codes, throttles, seen `jti`s).
//!
//! A record lives in a typed [`Slot`] and dies after the slot's time to live. Everything that must happen once
//! happens in one atomic step: [`Cache::take`], [`Cache::put_new`], [`Cache::count`]. An [`Error`] means nobody
//! knows: callers refuse, they never go on as if the record were absent.
//!
//! Never here: what must survive a restart (that is `store`), and any meaning of the records.
//! A new kind of record is a `const` [`Slot`] in the room that owns it. A new backend is one file beside
//! `memory` and one arm in `typed`; `conformance` says when it is done. Only `redis` names that crate.

#[cfg(test)]
mod conformance;
mod error;
mod memory;
mod redis;
mod slot;
mod typed;

pub use error::Error;
pub use slot::Slot;
pub use typed::{Cache, Tick};
