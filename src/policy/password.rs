//! Which passwords are accepted: long ones that no list and no glance at the account would guess
//! [NIST SP 800-63B-4 §3.1.1]. There are no composition rules.

use std::collections::HashSet;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::model::Secret;

const COMMON: &str = include_str!("common_passwords.txt");
/// The work a hash may be given, whatever the deployment configures.
const LONGEST_CHARACTERS: usize = 128;
const LONGEST_BYTES: usize = 512;
/// What must remain once every guessable word is taken out; a digit weighs one, any other character two.
const LEAST_REMAINDER: usize = 10;
const KEYBOARD_ROWS: [&str; 5] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop"];

/// The deployment's choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// The least number of characters of a password that suffices alone.
    pub min_length: usize,
    /// The least number of characters where a second factor is always asked for.
    pub min_length_with_mfa: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 15, min_length_with_mfa: 8 }
    }
}

/// Why a password was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer characters than the policy asks for.
    #[error("password shorter than {0} characters")]
    TooShort(usize),
    /// More than is ever hashed.
    #[error("password too long")]
    TooLong,
    /// Holds a control character, which no keyboard types the same way twice.
    #[error("password with a control character")]
    Unprintable,
    /// One of the passwords everybody tries first, or made of them.
    #[error("common password")]
    Common,
    /// A few characters over and over, or a run along the alphabet or the keyboard.
    #[error("predictable password")]
    Predictable,
    /// Made of the person's own name or address, or of the service's name.
    #[error("password made of the account's own data")]
    Contextual,
}

impl Weakness {
    /// A stable code for texts and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::TooLong => "too_long",
            Self::Unprintable => "unprintable",
            Self::Common => "common",
            Self::Predictable => "predictable",
            Self::Contextual => "contextual",
        }
    }
}

impl PasswordPolicy {
    /// Judges a new password and gives the form to hash. `context` holds what an attacker knows: name, addresses,
    /// the service's and the operator's names.
    pub fn check(&self, password: &str, context: &[&str], has_mfa: bool) -> Result<Secret<String>, Weakness> {
        let normal = normalise(password)?;
        let text = normal.expose();
        let least = if has_mfa { self.min_length_with_mfa } else { self.min_length }.clamp(8, 64);
        if text.chars().count() < least {
            return Err(Weakness::TooShort(least));
        }
        if text.chars().any(char::is_control) {
            return Err(Weakness::Unprintable);
        }
        let lower = Secret::new(text.to_lowercase());
        if is_predictable(lower.expose()) {
            return Err(Weakness::Predictable);
        }
        let plain = Secret::new(without_substitutions(lower.expose()));
        let common: HashSet<&str> = common_words().collect();
        for candidate in [lower.expose(), plain.expose()] {
            if common.contains(candidate.as_str()) || common.contains(trimmed(candidate)) {
                return Err(Weakness::Common);
            }
        }
        let own = context_words(context);
        for candidate in [lower.expose(), plain.expose()] {
            weigh(candidate, &own)?;
        }
        Ok(normal)
    }
}

/// The form a password is hashed and verified in: NFKC, so that every keyboard and every system yields the same bytes.
/// Refuses what is too long to hash, before any work is done.
pub fn normalise(password: &str) -> Result<Secret<String>, Weakness> {
    if password.len() > LONGEST_BYTES {
        return Err(Weakness::TooLong);
    }
    let normal = Secret::new(password.nfkc().collect::<String>());
    let text = normal.expose();
    if text.len() > LONGEST_BYTES || text.chars().count() > LONGEST_CHARACTERS {
        return Err(Weakness::TooLong);
    }
    Ok(normal)
}

fn common_words() -> impl Iterator<Item = &'static str> {
    COMMON.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The words worth trying against this one person.
fn context_words(context: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    for text in context {
        let text: String = text.nfkc().collect::<String>().to_lowercase();
        let parts = text.split(|character: char| !character.is_alphanumeric());
        words.extend(parts.filter(|part| is_word(part, 3)).map(str::to_owned));
        let joined: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
        if is_word(&joined, 3) {
            words.push(joined);
        }
    }
    words
}

/// Long enough to carry a guess: `least` letters, or two of a script that packs a syllable or a word into each.
fn is_word(text: &str, least: usize) -> bool {
    let length = text.chars().count();
    length >= least || (length >= 2 && text.chars().all(|character| character >= '\u{2E80}'))
}

/// Takes out every guessable word and asks whether enough is left to be a secret.
fn weigh(candidate: &str, own: &[String]) -> Result<(), Weakness> {
    let mut words: Vec<(&str, bool)> = own.iter().map(|word| (word.as_str(), true)).collect();
    words.extend(common_words().filter(|word| is_word(word, 4)).map(|word| (word, false)));
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let mut rest = candidate.to_owned();
    let mut found = None;
    for (word, is_own) in words {
        if rest.contains(word) {
            // A blank keeps the neighbours apart: joined, they could spell a word nobody typed.
            rest = rest.replace(word, " ");
            found = Some(found.unwrap_or(false) || is_own);
        }
    }
    let remaining = rest.chars().filter(|character| character.is_alphanumeric());
    let remainder: usize = remaining.map(|character| if character.is_ascii_digit() { 1 } else { 2 }).sum();
    match found {
        Some(is_own) if remainder < LEAST_REMAINDER => {
            Err(if is_own { Weakness::Contextual } else { Weakness::Common })
        }
        _ => Ok(()),
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphabetic())
}

fn without_substitutions(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

/// A short unit repeated, or a walk where nearly every step follows from the one before.
fn is_predictable(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let repeats = |unit: usize| characters.iter().zip(characters.iter().skip(unit)).all(|(a, b)| a == b);
    if (1..=4).any(repeats) {
        return true;
    }
    let surprises = characters.windows(2).filter(|pair| !matches!(pair, [a, b] if is_step(*a, *b))).count();
    surprises <= characters.len() / 6
}

fn is_step(from: char, to: char) -> bool {
    let distance = i64::from(u32::from(to)) - i64::from(u32::from(from));
    let on_a_row = |row: &str| match (row.find(from), row.find(to)) {
        (Some(a), Some(b)) => a.abs_diff(b) <= 1,
        _ => false,
    };
    (-1..=1).contains(&distance) || KEYBOARD_ROWS.iter().any(|row| on_a_row(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), Weakness> {
        let context = ["mina.kim@example.com", "김민아", "Mina Kim", "Comity", "SkyWay"];
        PasswordPolicy::default().check(password, &context, false).map(drop)
    }

    #[test]
    fn long_unlisted_passwords_are_taken_whatever_they_are_made_of() {
        for password in [
            "correct horse battery staple",
            "tr4vel-b7-m00nlight",
            "my cat sleeps on the radiator",
            "고양이가 난로 위에서 잠을 자고 있어요",
            "猫はいつもこたつの上で静かに眠る夜",
            "ilovemilk and thirty other things",
            "🐈 on the 🔥 sleeps all the time",
            "xkjhqzvwtprnmbd",
        ] {
            assert_eq!(check(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn guessable_passwords_are_refused_with_the_reason() {
        use Weakness::{Common, Contextual, Predictable, TooLong, TooShort, Unprintable};
        let endless = "x".repeat(513);
        let long = "long horse ".repeat(12);
        for (password, weakness) in [
            ("", TooShort(15)),
            ("Tr0ub4dor&3", TooShort(15)),
            (endless.as_str(), TooLong),
            (long.as_str(), TooLong),
            ("correct\0horse battery", Unprintable),
            ("aaaaaaaaaaaaaaaaaaaa", Predictable),
            ("abcabcabcabcabcabc", Predictable),
            ("1234567890123456", Predictable),
            ("abcdefghijklmnopqrst", Predictable),
            ("qwertyuiopasdfghjkl", Predictable),
            ("9876543210987654", Predictable),
            ("passwordpassword", Common),
            ("Password12345678", Common),
            ("P@ssw0rd!P@ssw0rd!", Common),
            ("iloveyouiloveyou1", Common),
            ("princess-sunshine!", Common),
            ("사랑해사랑해요비밀번호안녕하세요", Common),
            ("dkssudgktpdydkssud", Common),
            ("mina.kim@example.com", Contextual),
            ("minakimminakim2024", Contextual),
            ("SkyWay-password-1!", Contextual),
            ("c0m1ty-c0m1ty-2024!", Contextual),
        ] {
            assert_eq!(check(password), Err(weakness), "{password}");
        }
    }

    #[test]
    fn a_second_factor_shortens_it_and_no_setting_goes_below_eight() {
        let policy = PasswordPolicy::default();
        assert!(policy.check("vexing8moth", &[], true).is_ok());
        assert_eq!(policy.check("vexing8moth", &[], false).unwrap_err(), Weakness::TooShort(15));
        let lax = PasswordPolicy { min_length: 1, min_length_with_mfa: 1 };
        assert_eq!(lax.check("vexing8", &[], true).unwrap_err(), Weakness::TooShort(8));
    }

    #[test]
    fn sixty_four_characters_are_always_possible() {
        let strict = PasswordPolicy { min_length: 500, min_length_with_mfa: 500 };
        let password = "a cat, a radiator, seventeen umbrellas and one very slow bicycle";
        assert_eq!(password.chars().count(), 64);
        assert!(strict.check(password, &[], false).is_ok());
    }

    #[test]
    fn normalising_makes_keyboards_agree_and_never_grows_past_the_cap() {
        assert_eq!(normalise("ｃａｔ e\u{301}").unwrap().expose(), "cat é");
        assert_eq!(normalise(&"\u{FDFA}".repeat(100)).unwrap_err(), Weakness::TooLong);
    }

    #[test]
    fn the_list_is_sound() {
        let words: Vec<&str> = common_words().collect();
        assert!(words.len() > 350);
        let distinct: HashSet<&str> = words.iter().copied().collect();
        assert_eq!(distinct.len(), words.len());
        assert!(words.iter().all(|word| word.to_lowercase() == **word && word.trim() == *word));
        assert!(words.iter().all(|word| word.nfkc().eq(word.chars())));
    }
}
