//! Signed-in browsers.

use serde::{Deserialize, Serialize};

use super::{AccountId, SessionId, UnixTime};

/// How a person proved who they are [RFC 8176], and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When it happened (claim `auth_time`).
    pub time: UnixTime,
    /// The methods used (claim `amr`): `pwd`, `otp`, `fed`.
    pub amr: Vec<String>,
    /// What they amount to (claim `acr`), e.g. `urn:comity:acr:1`.
    pub acr: String,
    /// The connection, when an upstream provider vouched.
    pub connection: Option<super::ConnectionId>,
}

/// A signed-in browser. Its cookie is a secret of which only the hash is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Public identifier (claim `sid`).
    pub id: SessionId,
    /// Who is signed in.
    pub account: AccountId,
    /// The latest proof.
    pub authentication: Authentication,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last used, to a few minutes.
    pub last_seen_at: UnixTime,
    /// When it ends whatever happens.
    pub expires_at: UnixTime,
    /// The browser as it named itself, for the list of sessions.
    pub user_agent: String,
}
