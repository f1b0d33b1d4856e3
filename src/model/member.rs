//! Memberships of loyalty programmes.

use serde::{Deserialize, Serialize};

use super::{AccountId, MembershipId, ProgrammeId, UnixTime};

/// How well it is proven that the number belongs to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofLevel {
    /// Knowledge that others may share: name, number, birth date.
    Low,
    /// A code to a contact the host holds, or the member's PIN.
    Substantial,
    /// The host's own login, or staff who saw a document.
    High,
}

/// How a number was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How well.
    pub level: ProofLevel,
    /// By what: `kba`, `pin`, `otp`.
    pub method: String,
    /// When.
    pub at: UnixTime,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipState {
    /// In force.
    Active,
    /// Set aside by the host or a dispute: nothing is released.
    Frozen,
    /// Unlinked or closed.
    Closed,
}

/// A member number linked to an account. Unique while active per (programme, number).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Its identifier.
    pub id: MembershipId,
    /// Whose it is.
    pub account: AccountId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The canonical number; encrypted at rest, found by a blind index.
    pub number: String,
    /// The host's own identifier of the member.
    pub member_ref: String,
    /// How it was proven.
    pub proof: Proof,
    /// Whether it is in force.
    pub state: MembershipState,
    /// What the host last said.
    pub facts: MemberFacts,
    /// When it was linked.
    pub linked_at: UnixTime,
}

/// What the loyalty host says of a member, with the time it said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// The tier's code, e.g. `gold`.
    pub tier: Option<String>,
    /// The tier's rank, higher is better.
    pub tier_rank: Option<u32>,
    /// The day the tier ends, `YYYY-MM-DD`.
    pub tier_expires: Option<String>,
    /// The member's status at the host, e.g. `active`.
    pub status: Option<String>,
    /// Pooled or own balances.
    pub balances: Vec<Balance>,
    /// When status and tier were read.
    pub as_of: Option<UnixTime>,
    /// When balances were read.
    pub balances_as_of: Option<UnixTime>,
    /// The host's entity tag, for conditional reads.
    pub etag: Option<String>,
}

/// An amount of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// E.g. `mile`.
    pub unit: String,
    /// How many.
    pub amount: i64,
}
