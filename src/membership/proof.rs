//! The ways to prove a number, and what people answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::model::Secret;
use crate::model::member::ProofLevel;

/// A way to prove that a number belongs to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code the host sends to the contact it holds.
    Otp,
    /// The member's PIN at the host.
    Pin,
    /// Surname and date of birth, compared by the host.
    Kba,
}

impl Method {
    /// Its name in the contract and in claims.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Pin => "pin",
            Self::Kba => "kba",
        }
    }

    /// The most it can prove, whatever a host says.
    pub const fn highest_level(self) -> ProofLevel {
        match self {
            Self::Kba => ProofLevel::Low,
            Self::Otp | Self::Pin => ProofLevel::Substantial,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a person answers to a challenge. It goes to the host and nowhere else.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The code received.
    Code(Secret<String>),
    /// The PIN.
    Pin(Secret<String>),
    /// What the host is to compare.
    Knowledge {
        /// The surname as on the card.
        family_name: Secret<String>,
        /// `YYYY-MM-DD`.
        birthdate: Secret<String>,
    },
}

impl Answer {
    /// The proof it answers.
    pub const fn method(&self) -> Method {
        match self {
            Self::Code(_) => Method::Otp,
            Self::Pin(_) => Method::Pin,
            Self::Knowledge { .. } => Method::Kba,
        }
    }

    /// The answer as the contract sends it; `None` when it cannot be right, so that the host need not be asked.
    pub(super) fn to_request(&self) -> Option<Value> {
        match self {
            Self::Code(code) => {
                let code: String = code.expose().nfkc().filter(|it| !it.is_whitespace() && *it != '-').collect();
                let well_formed = (4..=12).contains(&code.len()) && code.bytes().all(|it| it.is_ascii_alphanumeric());
                well_formed.then(|| json!({ "code": code }))
            }
            Self::Pin(pin) => text(pin, 128).map(|pin| json!({ "pin": pin })),
            Self::Knowledge { family_name, birthdate } => {
                let family_name = text(family_name, 128)?;
                let birthdate: String = birthdate.expose().trim().nfkc().collect();
                let date: jiff::civil::Date = birthdate.parse().ok()?;
                (birthdate.len() == 10)
                    .then(|| json!({ "answers": { "family_name": family_name, "birthdate": date.to_string() } }))
            }
        }
    }
}

/// Typed text, normalised: one to `longest` characters, none of them invisible.
fn text(typed: &Secret<String>, longest: usize) -> Option<String> {
    if typed.expose().len() > 8 * longest {
        return None;
    }
    let text: String = typed.expose().trim().nfkc().collect();
    let length = text.chars().count();
    ((1..=longest).contains(&length) && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<Value> {
        Answer::Code(text.into()).to_request()
    }

    fn knowledge(family_name: &str, birthdate: &str) -> Option<Value> {
        Answer::Knowledge { family_name: family_name.into(), birthdate: birthdate.into() }.to_request()
    }

    #[test]
    fn answers_are_normalised() {
        assert_eq!(code(" １２３ 456 ").unwrap(), json!({ "code": "123456" }));
        assert_eq!(
            knowledge(" 김 ", "1994-05-17").unwrap(),
            json!({ "answers": { "family_name": "김", "birthdate": "1994-05-17" } })
        );
    }

    #[test]
    fn impossible_answers_never_reach_the_host() {
        for impossible in ["", "123", "12345678901234", "12345;", "１２３"] {
            assert!(code(impossible).is_none(), "{impossible:?}");
        }
        assert!(Answer::Pin("".into()).to_request().is_none());
        assert!(Answer::Pin("12\n34".into()).to_request().is_none());
        assert!(Answer::Pin("9".repeat(129).as_str().into()).to_request().is_none());
        for (name, date) in [("", "1994-05-17"), ("김", "1994-02-30"), ("김", "17.5.1994"), ("김", "1994-05-17T00:00")]
        {
            assert!(knowledge(name, date).is_none(), "{name:?} {date:?}");
        }
    }

    #[test]
    fn debug_shows_no_answer() {
        let answer = Answer::Knowledge { family_name: "canary".into(), birthdate: "1994-05-17".into() };
        let shown = format!("{answer:?}");
        assert!(!shown.contains("canary") && !shown.contains("1994"));
    }
}
