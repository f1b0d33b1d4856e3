//! Addresses and numbers a person can be reached at.

use serde::{Deserialize, Serialize};

use super::{AccountId, ContactId, UnixTime};

/// What a contact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// A mailbox.
    Email,
    /// A telephone number in E.164 form.
    Phone,
}

impl ContactKind {
    /// The name stored and logged.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// An address of an account. At most one account holds a value verified; an unverified one owns nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its identifier.
    pub id: ContactId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is.
    pub kind: ContactKind,
    /// The canonical value; encrypted at rest, found by a blind index.
    pub value: String,
    /// When control of it was proven to us; `None` while it was not.
    pub verified_at: Option<UnixTime>,
    /// When it was added.
    pub created_at: UnixTime,
}
