//! Logins at upstream providers.

use serde::{Deserialize, Serialize};

use super::{AccountId, ConnectionId, IdentityId, Secret, UnixTime};

/// The key of a login at an upstream provider: never an e-mail address, never the `sub` alone [OIDC Core §5.7].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdentityKey {
    /// The configured connection.
    pub connection: ConnectionId,
    /// The issuer that vouches for the subject.
    pub issuer: String,
    /// The provider's identifier of the person.
    pub subject: String,
}

/// A login at an upstream provider, linked to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its identifier.
    pub id: IdentityId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is known by upstream.
    pub key: IdentityKey,
    /// A name to tell it by on the account page, e.g. the upstream e-mail address or nickname.
    pub label: Option<String>,
    /// When it was linked.
    pub linked_at: UnixTime,
    /// When it last signed in.
    pub last_used_at: UnixTime,
}

/// Tokens an upstream provider gave us; encrypted at rest.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTokens {
    /// For calls to the provider.
    pub access_token: Option<Secret<String>>,
    /// To renew it.
    pub refresh_token: Option<Secret<String>>,
    /// When the access token ends.
    pub expires_at: Option<UnixTime>,
}
