//! What was issued to a relying party on a person's behalf.

use serde::{Deserialize, Serialize};

use super::session::Authentication;
use super::{AccountId, ClientId, FamilyId, SessionId, UnixTime};

/// The `sub` a sector knows a person by: a stored row, so that it survives a merge and is never reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(pub String);

/// Who may know a person by the same `sub` [OIDC Core §8.1]: `public`, or the host of a pairwise sector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sector(pub String);

impl Sector {
    /// The sector of all clients with `subject_type` `public`.
    pub fn public() -> Self {
        Self("public".to_owned())
    }
}

/// All tokens that descend from one authorization: revoking it stops every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its identifier; access tokens carry it.
    pub id: FamilyId,
    /// Whose data it is about.
    pub account: AccountId,
    /// To whom it was issued.
    pub client: ClientId,
    /// The session it came from; `None` once that session ended under `offline_access`.
    pub session: Option<SessionId>,
    /// The scopes granted.
    pub scope: Vec<String>,
    /// How the person had signed in.
    pub authentication: Authentication,
    /// The request's nonce.
    pub nonce: Option<String>,
    /// The request's `claims` parameter as JSON text [OIDC Core §5.5].
    pub claims: Option<String>,
    /// When it was issued.
    pub created_at: UnixTime,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
}
