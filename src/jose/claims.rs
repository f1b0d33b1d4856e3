//! The claims of a verified token [RFC 7519 §4].

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Rejected;
use crate::model::UnixTime;

/// What a trusted sender said. Registered claims have their registered JSON types.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

const TEXTS: [&str; 6] = ["iss", "sub", "jti", "nonce", "azp", "sid"];
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

impl Claims {
    /// Refuses registered claims of the wrong type: a claim that cannot be read is not a claim that is absent.
    pub(super) fn new(members: Map<String, Value>) -> Result<Self, Rejected> {
        for name in TEXTS {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(Rejected::Claim(name));
            }
        }
        for name in DATES {
            if members.get(name).is_some_and(|value| numeric_date(value).is_none()) {
                return Err(Rejected::Claim(name));
            }
        }
        if members.get("aud").is_some_and(|value| audiences(value).is_none()) {
            return Err(Rejected::Claim("aud"));
        }
        Ok(Self(members))
    }

    /// A claim of any type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim of type string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim of type `NumericDate`, in whole seconds.
    pub fn date(&self, name: &str) -> Option<UnixTime> {
        numeric_date(self.0.get(name)?)
    }

    /// Claim `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Claim `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Claim `jti`.
    pub fn jti(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Claim `exp`.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.date("exp")
    }

    /// Claim `aud`, one or many; empty when absent.
    pub fn audiences(&self) -> Vec<&str> {
        self.0.get("aud").and_then(audiences).unwrap_or_default()
    }

    /// All claims as a type of the caller's; `None` when they do not fit it.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(Value::Object(self.0.clone())).ok()
    }

    /// All claims.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Seconds since 1970; fractions are allowed [RFC 7519 §2] and cut off.
fn numeric_date(value: &Value) -> Option<UnixTime> {
    // Beyond this lies the year 30 million, and arithmetic that overflows.
    const LIMIT: i64 = 1_000_000_000_000_000;
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        #[allow(clippy::cast_possible_truncation)]
        None => match value.as_f64() {
            Some(seconds) if seconds.abs() < 1e15 => seconds.floor() as i64,
            _ => return None,
        },
    };
    (0..LIMIT).contains(&seconds).then_some(UnixTime(seconds))
}

fn audiences(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) if !many.is_empty() => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
