//! What hosts answer, believed only as far as it holds together.

use serde::Deserialize;

use crate::model::UnixTime;
use crate::model::member::{Balance, ProofLevel};

/// The largest amount a balance may have: what every JSON reader still holds exactly.
const LARGEST_AMOUNT: i64 = 9_007_199_254_740_991;

/// An answer with a meaning of its own beyond its JSON types.
pub(super) trait Checked {
    /// What is wrong with it, if anything.
    fn fault(&self) -> Option<&'static str>;
}

/// A challenge under way at the host.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Challenge {
    #[serde(rename = "challenge_id")]
    pub id: String,
    pub hint: Option<String>,
    pub expires_in: i64,
}

impl Checked for Challenge {
    fn fault(&self) -> Option<&'static str> {
        if !is_reference(&self.id) {
            Some("challenge_id is not safe in a path")
        } else if !self.hint.as_deref().is_none_or(|hint| is_text(hint, 64)) {
            Some("hint is no short text")
        } else if !(1..=3600).contains(&self.expires_in) {
            Some("expires_in is out of range")
        } else {
            None
        }
    }
}

/// What became of an answer to a challenge.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Verification {
    pub verified: bool,
    pub level: Option<ProofLevel>,
    pub member_ref: Option<String>,
    pub attempts_left: Option<u32>,
}

impl Checked for Verification {
    fn fault(&self) -> Option<&'static str> {
        match (self.verified, &self.member_ref) {
            (true, None) => Some("verified without a member_ref"),
            (true, Some(_)) if self.level.is_none() => Some("verified without a level"),
            (true, Some(member_ref)) if !is_reference(member_ref) => Some("member_ref is not safe in a path"),
            (false, Some(_)) => Some("member_ref without being verified"),
            _ => None,
        }
    }
}

/// A member's standing.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Standing {
    pub member_ref: String,
    pub status: Status,
    pub tier: Option<String>,
    pub tier_expires: Option<String>,
}

/// A member's status at the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::membership) enum Status {
    Active,
    Frozen,
    Closed,
}

impl Status {
    pub(in crate::membership) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

impl Checked for Standing {
    fn fault(&self) -> Option<&'static str> {
        let is_day = |day: &str| day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
        if !self.tier.as_deref().is_none_or(is_code) {
            Some("tier is no code")
        } else if !self.tier_expires.as_deref().is_none_or(is_day) {
            Some("tier_expires is no day")
        } else {
            None
        }
    }
}

/// What is on a member's account.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Balances {
    pub member_ref: String,
    #[serde(rename = "balances")]
    pub amounts: Vec<Balance>,
    as_of: String,
}

impl Balances {
    /// When the host read them: never later than now, whatever its clock says.
    pub(in crate::membership) fn as_of(&self, now: UnixTime) -> UnixTime {
        self.as_of.parse::<jiff::Timestamp>().map_or(now, |moment| UnixTime(moment.as_second()).min(now))
    }
}

impl Checked for Balances {
    fn fault(&self) -> Option<&'static str> {
        if self.as_of.parse::<jiff::Timestamp>().is_err() {
            Some("as_of is no moment")
        } else if self.amounts.len() > 16 {
            Some("too many balances")
        } else if self.amounts.iter().any(|it| !(0..=LARGEST_AMOUNT).contains(&it.amount)) {
            Some("an amount is out of range")
        } else if self.amounts.iter().any(|it| !is_code(&it.unit)) {
            Some("a unit is no code")
        } else {
            None
        }
    }
}

/// A page of the feed.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Changes {
    #[serde(rename = "changes")]
    pub entries: Vec<Change>,
    pub cursor: String,
    pub more: bool,
}

/// One entry of the feed: that somebody changed. How is read from the member.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Change {
    pub member_ref: String,
}

impl Checked for Changes {
    fn fault(&self) -> Option<&'static str> {
        if self.entries.len() > 1000 {
            Some("too many changes on a page")
        } else if !is_text(&self.cursor, 512) {
            Some("cursor is no short text")
        } else if self.entries.iter().any(|change| !is_reference(&change.member_ref)) {
            Some("member_ref is not safe in a path")
        } else {
            None
        }
    }
}

/// What a host says it offers.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Capabilities {
    pub programmes: Vec<Offered>,
    #[serde(default)]
    pub changes: bool,
}

/// One programme of a host.
#[derive(Debug, Deserialize)]
pub(in crate::membership) struct Offered {
    pub code: String,
    pub proofs: Vec<String>,
    #[serde(default)]
    pub tiers: Vec<String>,
}

impl Checked for Capabilities {
    fn fault(&self) -> Option<&'static str> {
        (self.programmes.len() > 64).then_some("too many programmes")
    }
}

/// The only part of a problem document that decides anything [RFC 9457 §3.1.1].
#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default, rename = "type")]
    pub kind: String,
}

fn is_reference(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-'))
}

fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

fn is_text(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault<T: Checked + serde::de::DeserializeOwned>(json: &str) -> Option<String> {
        match serde_json::from_str::<T>(json) {
            Ok(answer) => answer.fault().map(str::to_owned),
            Err(error) => Some(error.to_string()),
        }
    }

    #[test]
    fn sound_answers_pass_and_unknown_members_are_ignored() {
        assert_eq!(fault::<Challenge>(r#"{"challenge_id":"ch_1","hint":"•••12","expires_in":300,"x":[1]}"#), None);
        assert_eq!(fault::<Verification>(r#"{"verified":false,"attempts_left":2}"#), None);
        assert_eq!(fault::<Verification>(r#"{"verified":true,"level":"low","member_ref":"m1"}"#), None);
        assert_eq!(fault::<Standing>(r#"{"member_ref":"m1","status":"active","tier":null}"#), None);
        assert_eq!(fault::<Balances>(r#"{"member_ref":"m","as_of":"2026-01-01T00:00:00Z","balances":[]}"#), None);
        assert_eq!(fault::<Changes>(r#"{"changes":[],"cursor":"c1","more":false}"#), None);
    }

    #[test]
    fn unsound_answers_do_not() {
        for json in [
            r#"{"challenge_id":"../members","expires_in":300}"#,
            r#"{"challenge_id":"..","expires_in":300}"#,
            r#"{"challenge_id":"a?b","expires_in":300}"#,
            r#"{"challenge_id":"a","expires_in":0}"#,
            r#"{"challenge_id":"a","expires_in":"300"}"#,
            r#"{"challenge_id":"a","expires_in":300,"hint":"a\nb"}"#,
        ] {
            assert!(fault::<Challenge>(json).is_some(), "{json}");
        }
        for json in [
            r#"{"verified":"true","level":"low","member_ref":"m"}"#,
            r#"{"verified":true}"#,
            r#"{"verified":true,"level":"low","member_ref":"m/../x"}"#,
            r#"{"verified":true,"member_ref":"m"}"#,
            r#"{"verified":true,"level":"supreme","member_ref":"m"}"#,
            r#"{"verified":false,"member_ref":"m"}"#,
        ] {
            assert!(fault::<Verification>(json).is_some(), "{json}");
        }
        for json in [
            r#"{"member_ref":"m","status":"alive"}"#,
            r#"{"member_ref":"m","status":"active","tier":7}"#,
            r#"{"member_ref":"m","status":"active","tier":"<b>"}"#,
            r#"{"member_ref":"m","status":"active","tier_expires":"soon"}"#,
        ] {
            assert!(fault::<Standing>(json).is_some(), "{json}");
        }
        for json in [
            r#"{"member_ref":"m","as_of":"2026-01-01T00:00:00Z","balances":[{"unit":"mile","amount":-1}]}"#,
            r#"{"member_ref":"m","as_of":"2026-01-01T00:00:00Z","balances":[{"unit":"mile","amount":1.5}]}"#,
            r#"{"member_ref":"m","as_of":"2026-01-01T00:00:00Z","balances":[{"unit":"mile","amount":1e300}]}"#,
            r#"{"member_ref":"m","as_of":"yesterday","balances":[]}"#,
        ] {
            assert!(fault::<Balances>(json).is_some(), "{json}");
        }
    }

    #[test]
    fn balances_are_never_from_the_future() {
        let balances: Balances =
            serde_json::from_str(r#"{"member_ref":"m","as_of":"2999-01-01T00:00:00Z","balances":[]}"#).unwrap();
        assert_eq!(balances.as_of(UnixTime(5)), UnixTime(5));
    }
}
