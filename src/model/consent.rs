//! What a person agreed to.

use serde::{Deserialize, Serialize};

use super::{AccountId, ClientId, UnixTime};

/// A person's answer about one claim for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// May be released.
    Given,
    /// Must not be released; not asked again until it lapses or is essential.
    Declined,
    /// Was given once, taken back since.
    Withdrawn,
}

/// The current state of one answer: a projection of the append-only ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who answered.
    pub account: AccountId,
    /// For whom.
    pub client: ClientId,
    /// The scope the claim was asked under.
    pub scope: String,
    /// The claim.
    pub claim: String,
    /// The purpose it was asked for.
    pub purpose: String,
    /// The purpose's version the person saw.
    pub purpose_version: u32,
    /// The answer.
    pub decision: Decision,
    /// When.
    pub decided_at: UnixTime,
    /// When it must be asked anew.
    pub expires_at: Option<UnixTime>,
}

/// A terms document a person accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The document's identifier, e.g. `terms`.
    pub document: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of the very text shown, base64url.
    pub hash: String,
    /// The language it was shown in.
    pub locale: super::Locale,
    /// When.
    pub accepted_at: UnixTime,
}
