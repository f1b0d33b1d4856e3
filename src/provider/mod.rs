//! L3 — the OpenID Provider: what relying parties speak to.
//!
//! It turns requests into outcomes and never sees HTTP, cookies or HTML; `web` does the mapping. Errors before a
//! trusted callback exists are [`authorize::Outcome::Page`], afterwards they go to the client.
//! Sign-in, consent and terms do not route to each other: each re-enters [`Provider::resume`].
//!
//! A new grant is a file in `grants/` and its entry there; a new prompt rule an arm in `authorize/decide.rs`; a new
//! client authentication method an arm in `client_auth.rs`. Discovery is generated from the same lists.

pub mod access_token;
pub mod authorize;
#[cfg(test)]
mod bench;
pub mod client_auth;
pub mod discovery;
pub mod explain;
pub mod grants;
pub mod introspect;
pub mod issue;
pub mod keys;
pub mod logout;
pub mod origins;
pub mod paths;
pub mod release;
pub mod revoke;
pub mod userinfo;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::cache::Cache;
use crate::jose::Sealer;
use crate::model::client::Client;
use crate::model::{ClientId, Clock, Fault, ProgrammeId, Random};
use crate::policy::release::ReleaseRules;
use crate::protocol::Refused;
use crate::store::Store;

/// How long what it issues lives, in seconds.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// Authorization codes.
    pub code: u64,
    /// Access tokens.
    pub access: i64,
    /// ID tokens.
    pub id: i64,
    /// Refresh tokens, from first issue.
    pub refresh: i64,
    /// Refresh tokens, unused.
    pub refresh_idle: i64,
}

/// A document version people must have accepted.
#[derive(Clone, Debug)]
pub struct RequiredDocument {
    /// Its identifier.
    pub id: String,
    /// The version in force.
    pub version: u32,
}

/// Tells which programmes' hosts do not answer at the moment.
#[derive(Clone)]
pub struct HostWatch(pub Arc<dyn Fn() -> BTreeSet<ProgrammeId> + Send + Sync>);

impl fmt::Debug for HostWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((self.0)()).finish()
    }
}

/// Everything the provider is built from.
#[derive(Debug)]
pub struct Parts {
    /// The issuer identifier, without a trailing slash.
    pub issuer: String,
    /// How long what it issues lives.
    pub lifetimes: Lifetimes,
    /// Which scopes release which claims.
    pub rules: Arc<ReleaseRules>,
    /// The documents people must have accepted.
    pub documents: Vec<RequiredDocument>,
    /// Tells which loyalty hosts are down, for what they said last is marked stale then.
    pub hosts: HostWatch,
    /// Languages there are pages in.
    pub ui_locales: Vec<String>,
    /// Signing keys.
    pub keys: keys::Keys,
    /// Makes values that mean something to one client only.
    pub pairwise_key: [u8; 32],
    /// Seals opaque tokens.
    pub sealer: Sealer,
    /// Where public clients live.
    pub origins: origins::Origins,
    /// Durable records.
    pub store: Store,
    /// Short-lived records.
    pub cache: Cache,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// The OpenID Provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Parts>);

impl Provider {
    /// Puts the provider together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// A client in use.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        let registered = self.0.store.client(id).await?;
        Ok(registered.map(|registered| Arc::clone(&registered.client)).filter(|client| !client.disabled))
    }

    /// Which scopes release which claims.
    pub fn rules(&self) -> &ReleaseRules {
        &self.0.rules
    }

    /// The signing keys.
    pub fn keys(&self) -> &keys::Keys {
        &self.0.keys
    }
}

/// Why a request to an endpoint for machines has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault: a standard code with fixed text.
    #[error("refused: {0:?}")]
    Refused(Refused),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<crate::cache::Error> for Error {
    fn from(error: crate::cache::Error) -> Self {
        Self::Fault(error.into())
    }
}
