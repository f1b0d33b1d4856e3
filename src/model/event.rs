//! What happened, for those who must hear of it.

use serde_json::Value;

use super::{AccountId, EventId, UnixTime};

/// One entry of the outbox: written in the transaction of the change it tells of. It names things, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identifier; stable over redeliveries.
    pub id: EventId,
    /// What happened, e.g. `membership.linked`.
    pub kind: String,
    /// To whom.
    pub account: Option<AccountId>,
    /// Position among the events of that account, from 1, without gaps.
    pub sequence: i64,
    /// Details without personal data.
    pub data: Value,
    /// When.
    pub occurred_at: UnixTime,
}
