//! The canonical form of a loyalty programme's numbers, and the check digit that catches a typing error before the
//! host is ever asked.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;

use super::identifier::mask;
use super::text::{is_dash, is_deceptive};

const LONGEST: usize = 64;

/// How a programme protects its numbers against typing errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckDigit {
    /// Not at all.
    #[default]
    None,
    /// The last digit by Luhn's formula [ISO/IEC 7812-1 Annex B].
    Luhn,
    /// The last digit is the number before it modulo 7.
    Mod7,
    /// The whole number is 1 modulo 97, letters counting from `A` = 10 [ISO/IEC 7064 MOD 97-10].
    Mod97,
}

/// The form a programme's numbers have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberFormat {
    /// The regular expression the canonical number matches from end to end.
    #[serde(deserialize_with = "whole_match")]
    pattern: Regex,
    /// Its check digit.
    #[serde(default)]
    check: CheckDigit,
}

/// Why a number was refused without asking the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Not of the programme's form.
    #[error("malformed member number")]
    Malformed,
    /// Of the right form, mistyped.
    #[error("wrong check digit")]
    CheckDigit,
}

/// A member number in canonical form: half-width, no spaces or hyphens, leading zeros kept. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MemberNumber(String);

impl MemberNumber {
    /// The canonical number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with all but its end hidden, for pages and mails.
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

impl fmt::Debug for MemberNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl NumberFormat {
    /// A format from its parts; the error is the expression's.
    pub fn new(pattern: &str, check: CheckDigit) -> Result<Self, regex::Error> {
        Ok(Self { pattern: anchored(pattern)?, check })
    }

    /// Brings what was typed into canonical form and checks it.
    pub fn canonical(&self, typed: &str) -> Result<MemberNumber, InvalidNumber> {
        if typed.len() > 8 * LONGEST {
            return Err(InvalidNumber::Malformed);
        }
        let normal: String = typed.trim().nfkc().collect();
        if typed.trim().chars().chain(normal.chars()).any(is_deceptive) {
            return Err(InvalidNumber::Malformed);
        }
        let number: String = normal
            .chars()
            .filter(|character| !character.is_whitespace() && !is_dash(*character))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        // Programmes print ASCII; other scripts have more than one spelling of a letter.
        let is_plain = (1..=LONGEST).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || !self.pattern.is_match(&number) {
            return Err(InvalidNumber::Malformed);
        }
        if self.check.holds(&number) { Ok(MemberNumber(number)) } else { Err(InvalidNumber::CheckDigit) }
    }
}

impl CheckDigit {
    /// Whether the canonical number carries the right check digit.
    pub fn holds(self, number: &str) -> bool {
        match self {
            Self::None => true,
            Self::Luhn => luhn(number).unwrap_or(false),
            Self::Mod7 => mod7(number).unwrap_or(false),
            Self::Mod97 => number.len() > 2 && remainder(number, 97) == Some(1),
        }
    }
}

fn luhn(number: &str) -> Option<bool> {
    let mut sum = 0;
    for (position, character) in number.chars().rev().enumerate() {
        let digit = character.to_digit(10)?;
        let weighted = if position % 2 == 1 { digit * 2 } else { digit };
        sum += if weighted > 9 { weighted - 9 } else { weighted };
    }
    Some(number.len() > 1 && sum % 10 == 0)
}

fn mod7(number: &str) -> Option<bool> {
    let (last_at, last) = number.char_indices().next_back()?;
    let body = number.get(..last_at).filter(|body| body.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(!body.is_empty() && remainder(body, 7)? == last.to_digit(10)?)
}

/// The number modulo `divisor`, digit by digit so that no length overflows; letters count from `A` = 10.
fn remainder(number: &str, divisor: u32) -> Option<u32> {
    number.chars().try_fold(0, |rest, character| {
        let value = character.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % divisor)
    })
}

fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

fn whole_match<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let pattern = String::deserialize(deserializer)?;
    anchored(&pattern).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_digits_hold_for_known_numbers() {
        for (check, number, holds) in [
            (CheckDigit::Luhn, "79927398713", true),
            (CheckDigit::Luhn, "79927398710", false),
            (CheckDigit::Luhn, "0012345674", true),
            (CheckDigit::Luhn, "7992739871A", false),
            (CheckDigit::Luhn, "0", false),
            (CheckDigit::Mod7, "0012345675", true),
            (CheckDigit::Mod7, "0012345674", false),
            (CheckDigit::Mod7, "77", false),
            (CheckDigit::Mod7, "70", true),
            (CheckDigit::Mod7, "8", false),
            (CheckDigit::Mod7, "99999999999999999999999999999999999999990", false),
            (CheckDigit::Mod7, "A1", false),
            (CheckDigit::Mod97, "79444", true),
            (CheckDigit::Mod97, "79445", false),
            (CheckDigit::Mod97, "01", false),
            (CheckDigit::Mod97, "3214282912345698765432161182", true),
            (CheckDigit::None, "anything", true),
        ] {
            assert_eq!(check.holds(number), holds, "{check:?} {number}");
        }
    }

    #[test]
    fn typed_numbers_become_canonical_and_keep_their_zeros() {
        let format = NumberFormat::new(r"\d{10}", CheckDigit::Mod7).unwrap();
        for typed in
            ["0012345675", " 001-234-5675 ", "００１２３４５６７５", "001\u{2011}2345\u{3000}675", "001\u{2212}2345675"]
        {
            assert_eq!(format.canonical(typed).unwrap().as_str(), "0012345675", "{typed:?}");
        }
        assert_eq!(format.canonical("0012345676"), Err(InvalidNumber::CheckDigit));
        for typed in
            ["", "12345675", "x0012345675", "0012345675\n9", "00123456750", "001234\u{200B}5675", "0012345675;--"]
        {
            assert_eq!(format.canonical(typed), Err(InvalidNumber::Malformed), "{typed:?}");
        }
        assert_eq!(format.canonical(&"0".repeat(10_000)), Err(InvalidNumber::Malformed));
    }

    #[test]
    fn an_alternative_in_the_pattern_cannot_loosen_the_anchors() {
        let format = NumberFormat::new(r"A\d|B\d", CheckDigit::None).unwrap();
        assert!(format.canonical("a1").is_ok());
        assert!(format.canonical("A1x").is_err());
        assert!(format.canonical("xB1").is_err());
    }

    #[test]
    fn a_format_reads_from_configuration() {
        let format: NumberFormat = toml::from_str("pattern = '\\d{4}'\ncheck = 'luhn'").unwrap();
        assert!(format.canonical("0018").is_ok());
        assert!(toml::from_str::<NumberFormat>("pattern = '('").is_err());
        assert!(toml::from_str::<NumberFormat>("pattern = 'x'\ncheck = 'crc'").is_err());
    }

    #[test]
    fn debug_hides_the_number() {
        let number = NumberFormat::new(".*", CheckDigit::None).unwrap().canonical("0012345675").unwrap();
        assert_eq!(format!("{number:?}"), "•••675");
    }

    proptest! {
        #[test]
        fn canonicalising_twice_changes_nothing(typed in "\\PC{0,16}") {
            let format = NumberFormat::new(".*", CheckDigit::None).unwrap();
            if let Ok(once) = format.canonical(&typed) {
                prop_assert_eq!(format.canonical(once.as_str()), Ok(once));
            }
        }

        #[test]
        fn mod7_catches_most_single_errors(body in "[0-9]{9}") {
            let check = body.parse::<u64>().unwrap() % 7;
            let good = format!("{body}{check}");
            prop_assert!(CheckDigit::Mod7.holds(&good));
            let bad = format!("{body}{}", (check + 1) % 7);
            prop_assert!(!CheckDigit::Mod7.holds(&bad));
        }
    }
}
