//! L3 — people: how they sign in, how an account comes to be, and what its owner may change.
//!
//! It decides nothing about relying parties and knows no upstream provider: a finished upstream login arrives as an
//! [`Arrival`]. Whoever has proven only part of what is needed is a [`Continuation`], a different type from a
//! session, kept on our side under the transaction's id.
//!
//! A new way to prove oneself is a file here that ends in [`Accounts::enter`].

mod arrival;
#[cfg(test)]
mod bench;
mod contacts;
mod continuation;
mod details;
mod email_code;
mod entry;
mod hashing;
mod limits;
mod owner;
mod passwords;
mod sever;
mod sign_up;
mod wish;

use std::sync::Arc;

use crate::cache::Cache;
use crate::jose::Sealer;
use crate::model::{Clock, Locale, Random};
use crate::policy::linking::LinkingPolicy;
use crate::store::Store;

pub use arrival::{Arrival, Arrived};
pub use contacts::{AddressCode, AddressProven, may_go};
pub use continuation::Continuation;
pub use details::{Details, Saved};
pub use email_code::{CodeAnswer, CodeSent, LinkTarget, SentCode};
pub use entry::{Entered, Entry};
pub use hashing::{Hasher, HashingError};
pub use limits::TooMany;
pub use owner::{Linking, Removal};
pub use passwords::{PasswordAnswer, PasswordSet};
pub use sever::{Severed, ways_in};
pub use sign_up::{SignUp, SignedUp};
pub use wish::Wish;

/// What an operator decided about signing in.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether passwords may be set and used.
    pub passwords: bool,
    /// Seconds an e-mailed code or link works.
    pub code_seconds: u64,
    /// Wrong tries an e-mailed code survives.
    pub code_tries: u64,
    /// Codes one mailbox is sent in an hour.
    pub codes_per_hour: u64,
    /// Attempts one network address may make in a minute.
    pub attempts_per_minute: u64,
    /// Seconds a session lives unused.
    pub session_idle_seconds: i64,
    /// Seconds a session lives at most.
    pub session_absolute_seconds: i64,
    /// Seconds a proof is fresh enough for a sensitive change.
    pub step_up_seconds: i64,
    /// How first upstream logins are linked.
    pub linking: LinkingPolicy,
    /// The time zone of those who never told theirs.
    pub zoneinfo: String,
    /// The language of those who named none.
    pub locale: Locale,
    /// The documents an account needs, as shown.
    pub documents: Vec<Document>,
}

/// A document in force, in all its languages.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its identifier.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Whether an account needs it.
    pub required: bool,
    /// Titles by language.
    pub title: std::collections::BTreeMap<Locale, String>,
    /// Texts by language.
    pub text: std::collections::BTreeMap<Locale, String>,
}

impl Document {
    /// Title and text in `locale`, or in `fallback` where there is none.
    pub fn in_locale(&self, locale: &Locale, fallback: &Locale) -> (&str, &str) {
        let title = self.title.get(locale).or_else(|| self.title.get(fallback)).map_or("", String::as_str);
        let text = self.text.get(locale).or_else(|| self.text.get(fallback)).map_or("", String::as_str);
        (title, text)
    }
}

/// Everything the room is built from.
#[derive(Debug)]
pub struct Parts {
    /// What the operator decided.
    pub policy: Policy,
    /// Durable records.
    pub store: Store,
    /// Short-lived records.
    pub cache: Cache,
    /// Seals what waits in the cache.
    pub sealer: Sealer,
    /// Computes password hashes, boundedly.
    pub hasher: Hasher,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// The room. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Parts>);

impl Accounts {
    /// Puts the room together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What the operator decided.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }
}
