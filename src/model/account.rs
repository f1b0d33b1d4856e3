//! A person, and what is known about them.

use serde::{Deserialize, Serialize};

use super::{AccountId, Locale, UnixTime};

/// How much we know of a person; claim `urn:comity:stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// An address was typed, not yet proven.
    LiteUnverified,
    /// A name and a proven address.
    Lite,
    /// Terms accepted and a login method of their own.
    Registered,
    /// Registered, with at least one active membership.
    Member,
}

impl Stage {
    /// The claim's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LiteUnverified => "lite_unverified",
            Self::Lite => "lite",
            Self::Registered => "registered",
            Self::Member => "member",
        }
    }
}

/// Whether an account may be used at all; orthogonal to its [`Stage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Active,
    /// Switched off by staff: no sign-in, no token.
    Suspended,
    /// Merged into another account.
    Merged,
    /// Deleted; only the row remains so that its subjects are never reused.
    Erased,
}

/// One person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier inside the house.
    pub id: AccountId,
    /// How much we know.
    pub stage: Stage,
    /// Whether it may be used.
    pub status: Status,
    /// The language of mails and of pages without a better hint.
    pub locale: Locale,
    /// The IANA time zone dates are judged in, e.g. `Asia/Seoul`.
    pub zoneinfo: String,
    /// When it was created.
    pub created_at: UnixTime,
    /// When any of its claims last changed (claim `updated_at`).
    pub updated_at: UnixTime,
}

/// How well an attribute's value is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Somebody said so.
    Unverified,
    /// Proven to us, or asserted by a source with authority over it.
    Verified,
}

/// One value of one attribute from one source. Names are OIDC claim names (`name`, `birthdate`, …; with a language
/// tag where one applies, OIDC Core §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The claim name.
    pub name: String,
    /// The value; encrypted at rest under the account's own key.
    pub value: serde_json::Value,
    /// Who said so: `user`, `connection:kakao`, `loyalty:skyway`, `import`.
    pub source: String,
    /// How well it is proven.
    pub verification: Verification,
    /// When the source said so.
    pub observed_at: UnixTime,
}
