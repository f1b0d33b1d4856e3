//! What is made of a value on its way out, so that a client learns what it needs and no more.

use std::str::FromStr;

use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;
use serde_json::Value;

use super::age::age_over;
use super::evaluate::Facts;
use super::shape::shaped;
use super::source::Source;
use crate::model::UnixTime;
use crate::model::client::Client;
use crate::model::digest::{b64, hmac_sha256};
use crate::policy::identifier::mask;

/// What is made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Transform {
    /// `age_over(n)`: whether a birth date lies at least n years back.
    AgeOver(u8),
    /// `year_only`: the year of a birth date.
    YearOnly,
    /// `country_only`: the country of an address.
    CountryOnly,
    /// `tier_only`: programme and tier of each membership.
    TierOnly,
    /// `bucket(n)`: a number, or each balance, rounded down to a multiple of n.
    Bucket(u32),
    /// `mask`: a text or member number with all but its end hidden.
    Mask,
    /// `exists`: true when there is a value.
    Exists,
    /// `email_domain`: what follows the `@`.
    EmailDomain,
    /// `pairwise_hash`: a keyed hash no other sector can match.
    PairwiseHash,
}

/// The text names no transform.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a transform: {0:?}")]
pub struct InvalidTransform(String);

impl FromStr for Transform {
    type Err = InvalidTransform;
    fn from_str(text: &str) -> Result<Self, InvalidTransform> {
        let (name, argument) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, argument)) => (name, argument.trim().parse::<u32>().ok().filter(|number| *number > 0)),
            None => (text, None),
        };
        let bare = !text.contains('(');
        match (name, argument) {
            ("age_over", Some(years @ 1..=150)) => u8::try_from(years).ok().map(Self::AgeOver),
            ("bucket", Some(size)) => Some(Self::Bucket(size)),
            ("year_only", None) if bare => Some(Self::YearOnly),
            ("country_only", None) if bare => Some(Self::CountryOnly),
            ("tier_only", None) if bare => Some(Self::TierOnly),
            ("mask", None) if bare => Some(Self::Mask),
            ("exists", None) if bare => Some(Self::Exists),
            ("email_domain", None) if bare => Some(Self::EmailDomain),
            ("pairwise_hash", None) if bare => Some(Self::PairwiseHash),
            _ => None,
        }
        .ok_or_else(|| InvalidTransform(text.to_owned()))
    }
}

impl TryFrom<String> for Transform {
    type Error = InvalidTransform;
    fn try_from(text: String) -> Result<Self, InvalidTransform> {
        text.parse()
    }
}

/// What a transform may need besides the value.
pub(super) struct Surroundings<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) client: &'a Client,
    pub(super) claim: &'a str,
    pub(super) zones: &'a TimeZoneDatabase,
    pub(super) now: UnixTime,
}

impl Transform {
    /// Whether it can make anything of what the source yields.
    pub(super) const fn suits(self, source: &Source) -> bool {
        match source {
            Source::Loyalty(_) => matches!(self, Self::TierOnly | Self::Bucket(_) | Self::Mask | Self::Exists),
            Source::Profile(_) => !matches!(self, Self::TierOnly),
            Source::Email => matches!(self, Self::Mask | Self::Exists | Self::EmailDomain | Self::PairwiseHash),
            Source::PhoneNumber => matches!(self, Self::Mask | Self::Exists | Self::PairwiseHash),
            _ => false,
        }
    }

    /// Applies it to a single value; `None` when the value has no such form.
    pub(super) fn apply(self, value: &Value, around: &Surroundings<'_>) -> Option<Value> {
        let text = value.as_str();
        match self {
            Self::AgeOver(years) => {
                let born = shaped("birthdate", value.clone())?;
                age_over(years, born.as_str()?, &around.facts.account.zoneinfo, around.zones, around.now)
                    .map(Value::from)
            }
            Self::YearOnly => {
                let born = shaped("birthdate", value.clone())?;
                born.as_str()?.get(..4).filter(|year| *year != "0000").map(Value::from)
            }
            Self::CountryOnly => value.get("country")?.as_str().map(Value::from),
            Self::TierOnly => None,
            Self::Bucket(size) => value.as_i64().map(|number| bucket(number, size).into()),
            Self::Mask => text.map(|text| mask(text).into()),
            Self::Exists => shaped("", value.clone()).map(|_| true.into()),
            Self::EmailDomain => text?.rsplit_once('@').map(|(_, domain)| domain.into()),
            Self::PairwiseHash => {
                let message = format!("{}\0{}\0{value}", around.client.sector().0, around.claim);
                Some(b64(&hmac_sha256(around.facts.pairwise_key?, message.as_bytes())).into())
            }
        }
    }
}

/// The greatest multiple of `size` that is not above the number.
pub(super) fn bucket(number: i64, size: u32) -> i64 {
    let size = i64::from(size.max(1));
    number.saturating_sub(number.rem_euclid(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_read() {
        assert_eq!("age_over(18)".parse(), Ok(Transform::AgeOver(18)));
        assert_eq!("bucket(1000)".parse(), Ok(Transform::Bucket(1000)));
        assert_eq!("mask".parse(), Ok(Transform::Mask));
        for text in [
            "",
            "age_over",
            "age_over()",
            "age_over(0)",
            "age_over(151)",
            "age_over(-1)",
            "age_over(18",
            "mask()",
            "mask(3)",
            "bucket(0)",
            "bucket(x)",
            "Mask",
            "eval(1)",
        ] {
            assert!(text.parse::<Transform>().is_err(), "{text}");
        }
    }

    #[test]
    fn buckets_round_down() {
        for (number, expected) in [(0, 0), (999, 0), (1000, 1000), (18_250, 18_000), (-1, -1000), (i64::MIN, i64::MIN)]
        {
            assert_eq!(bucket(number, 1000), expected);
        }
    }
}
