//! Ways in which a host can be wrong.

use serde_json::{Value, json};

/// A misbehaviour switched on by a test or the back office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Members of the wrong JSON type.
    WrongTypes,
    /// Somebody else's `member_ref`.
    OtherMember,
    /// Balances below zero.
    NegativePoints,
    /// A tier the programme does not have.
    UnknownTier,
    /// A proof level the method cannot give.
    LevelTooHigh,
    /// `verified` without saying who.
    NoMemberRef,
    /// Two megabytes.
    HugeBody,
    /// Half a document.
    InvalidJson,
    /// A thousand arrays in one another.
    DeepJson,
    /// A page where JSON belongs.
    Html,
}

impl Lie {
    /// Every lie, for tables of tests.
    pub const ALL: [Self; 10] = [
        Self::WrongTypes,
        Self::OtherMember,
        Self::NegativePoints,
        Self::UnknownTier,
        Self::LevelTooHigh,
        Self::NoMemberRef,
        Self::HugeBody,
        Self::InvalidJson,
        Self::DeepJson,
        Self::Html,
    ];

    /// The content type the lie is told under.
    pub(super) const fn content_type(self) -> &'static str {
        if matches!(self, Self::Html) { "text/html" } else { "application/json" }
    }

    /// The body sent instead of the honest one.
    pub(super) fn tell(self, honest: &[u8]) -> Vec<u8> {
        match self {
            Self::HugeBody => vec![b' '; 2 * 1024 * 1024],
            Self::InvalidJson => honest.iter().take(honest.len() / 2).copied().collect(),
            Self::DeepJson => "[".repeat(1000).into_bytes(),
            Self::Html => b"<!doctype html><title>200 OK</title>".to_vec(),
            _ => serde_json::from_slice(honest).map_or_else(
                |_| honest.to_vec(),
                |mut body: Value| {
                    self.distort(&mut body);
                    body.to_string().into_bytes()
                },
            ),
        }
    }

    fn distort(self, body: &mut Value) {
        let Some(object) = body.as_object_mut() else { return };
        let mut put = |name: &str, value: Value| {
            if let Some(member) = object.get_mut(name) {
                *member = value;
            }
        };
        match self {
            Self::WrongTypes => {
                for name in ["status", "challenge_id", "changes", "programmes"] {
                    put(name, json!(7));
                }
                put("verified", json!("true"));
                put("balances", json!([{ "unit": "mile", "amount": "many" }]));
            }
            Self::OtherMember => put("member_ref", json!("m_somebody_else")),
            Self::NegativePoints => put("balances", json!([{ "unit": "mile", "amount": -18_250, "expiring": [] }])),
            Self::UnknownTier => put("tier", json!("emperor")),
            Self::LevelTooHigh => put("level", json!("high")),
            Self::NoMemberRef => {
                object.remove("member_ref");
            }
            Self::HugeBody | Self::InvalidJson | Self::DeepJson | Self::Html => {}
        }
    }
}
