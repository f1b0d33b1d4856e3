//! The misbehaviour a test can ask for.

use std::mem::discriminant;

use serde::{Deserialize, Serialize};

/// A group of paths a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The authorization endpoint and its pages.
    Authorize,
    /// The token endpoint.
    Token,
    /// Whatever tells about the user.
    UserInfo,
    /// The published keys.
    Jwks,
    /// The discovery document.
    Discovery,
    /// Revocation and unlinking.
    Revoke,
    /// All the rest.
    Other,
}

/// One deviation from a plain successful sign-in; in force until unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Each authorization request is answered as if the user had pressed cancel.
    Cancel,
    /// With a live session and consent the user is sent back without a tap.
    Silent,
    /// The accounts have no email address.
    NoEmail,
    /// The email address was never verified.
    UnverifiedEmail,
    /// The user keeps the email to himself, whatever box was ticked.
    EmailRefused,
    /// Booleans arrive as `"true"` and `"false"`.
    StringBooleans,
    /// Apple only: booleans arrive as booleans (there, text is what usually comes).
    PlainBooleans,
    /// Apple: the name is sent although this is not the first authorization.
    FirstLogin,
    /// Apple: the name is withheld although this is the first authorization.
    LaterLogin,
    /// The token endpoint takes each code for expired.
    ExpiredCode,
    /// The token endpoint takes each code for used.
    ReusedCode,
    /// The ID token names another issuer.
    WrongIssuer,
    /// Google: the issuer is the bare host name.
    BareIssuer,
    /// The ID token is meant for another application.
    WrongAudience,
    /// The ID token carries another nonce.
    WrongNonce,
    /// The ID token lacks the nonce that was sent.
    MissingNonce,
    /// The ID token expired an hour ago.
    ExpiredIdToken,
    /// The ID token is unsigned.
    AlgNone,
    /// The ID token is signed HS256 with the published key as secret.
    HsConfusion,
    /// Keys were rotated: a new `kid` signs, the old one is still published.
    RotatedKey,
    /// A key that was never published signs.
    UnpublishedKey,
    /// LINE: automatic login fails, answering with an invalid code and a foreign state unless it is disabled.
    AutoLoginFailure,
    /// The endpoint answers with this HTTP status.
    Fail {
        /// Where.
        endpoint: Endpoint,
        /// E.g. 503.
        status: u16,
    },
    /// The endpoint takes its time.
    Slow {
        /// Where.
        endpoint: Endpoint,
        /// How long.
        milliseconds: u64,
    },
    /// The endpoint answers with ten megabytes of valid JSON.
    Huge {
        /// Where.
        endpoint: Endpoint,
    },
}

impl Quirk {
    const fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Fail { endpoint, .. } | Self::Slow { endpoint, .. } | Self::Huge { endpoint } => Some(*endpoint),
            _ => None,
        }
    }

    /// Whether both are the same switch, perhaps in another position.
    pub(super) fn is_same_switch(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other) && self.endpoint() == other.endpoint()
    }
}
