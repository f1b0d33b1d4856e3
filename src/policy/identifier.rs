//! One canonical form for every address a person may be found by, so that two spellings never make two accounts.
//!
//! Canonicalising is idempotent. Mail and messages go to the canonical value that is stored, never to what was typed.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::text::{is_dash, is_deceptive};
use crate::model::contact::ContactKind;

const LONGEST_EMAIL: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;

/// Why an address was not taken. The text is for logs; people read the localised one under [`code`](Self::code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentifier {
    /// Nothing was typed.
    #[error("empty identifier")]
    Empty,
    /// Longer than any such address may be.
    #[error("identifier too long")]
    TooLong,
    /// Holds a character nobody can see, or one that reorders the text.
    #[error("identifier with an invisible or control character")]
    Deceptive,
    /// Not of the form of such an address.
    #[error("malformed identifier")]
    Malformed,
}

impl InvalidIdentifier {
    /// A stable code for texts and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Deceptive => "deceptive",
            Self::Malformed => "malformed",
        }
    }
}

/// An e-mail address or a telephone number in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier {
    kind: ContactKind,
    value: String,
}

impl Identifier {
    /// Canonicalises what a person typed into the one sign-in field: with an `@` an e-mail address, else a telephone
    /// number, completed by `calling_code` when it is written the national way.
    pub fn parse(text: &str, calling_code: Option<&str>) -> Result<Self, InvalidIdentifier> {
        if text.nfkc().any(|character| character == '@') { Self::email(text) } else { Self::phone(text, calling_code) }
    }

    /// Canonicalises an e-mail address: NFKC, case folded, the domain as A-labels, a dot-atom before exactly one `@`
    /// [RFC 5321 §4.1.2]. Quoted local parts and address literals are refused; dots and tags are left alone, since
    /// only the mailbox's own provider knows whether they matter.
    pub fn email(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = visible(text)?;
        let (local, domain) = text.split_once('@').ok_or(InvalidIdentifier::Malformed)?;
        if domain.contains('@') {
            return Err(InvalidIdentifier::Malformed);
        }
        let local = fold(local);
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidIdentifier::Malformed)?;
        if local.len() > LONGEST_LOCAL_PART || local.len() + 1 + domain.len() > LONGEST_EMAIL {
            return Err(InvalidIdentifier::TooLong);
        }
        if !is_dot_atom(&local) || !is_mail_domain(&domain) {
            return Err(InvalidIdentifier::Malformed);
        }
        Ok(Self { kind: ContactKind::Email, value: format!("{local}@{domain}") })
    }

    /// Canonicalises a telephone number to E.164. A number written the national way loses its one trunk zero and
    /// gets `calling_code` (digits without `+`); without a code it is refused.
    pub fn phone(text: &str, calling_code: Option<&str>) -> Result<Self, InvalidIdentifier> {
        let text = visible(text)?;
        let (international, rest) = text.strip_prefix('+').map_or((false, text.as_str()), |rest| (true, rest));
        let mut digits = String::with_capacity(rest.len());
        for character in rest.chars() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '.' | '(' | ')' | '/' => {}
                dash if is_dash(dash) => {}
                _ => return Err(InvalidIdentifier::Malformed),
            }
        }
        if !international {
            digits = match (digits.strip_prefix("00"), calling_code) {
                (Some(rest), _) => rest.to_owned(),
                (None, Some(code)) => format!("{code}{}", digits.strip_prefix('0').unwrap_or(&digits)),
                (None, None) => return Err(InvalidIdentifier::Malformed),
            };
        }
        if digits.len() > 15 {
            return Err(InvalidIdentifier::TooLong);
        }
        if digits.len() < 8 || digits.starts_with('0') {
            return Err(InvalidIdentifier::Malformed);
        }
        Ok(Self { kind: ContactKind::Phone, value: format!("+{digits}") })
    }

    /// What it is.
    pub const fn kind(&self) -> ContactKind {
        self.kind
    }

    /// The canonical value, the only one that is stored and compared.
    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// The canonical value.
    pub fn into_string(self) -> String {
        self.value
    }

    /// The value with its tell-tale parts hidden, e.g. `m•••@example.com` or `•••5678`.
    pub fn masked(&self) -> String {
        mask(&self.value)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

/// Hides most of a text: an address keeps its first letter and its domain, anything else its last characters, at most
/// four and never more than a third of it.
pub fn mask(text: &str) -> String {
    if let Some((local, domain)) = text.split_once('@') {
        let first: String = local.chars().take(usize::from(local.chars().count() > 1)).collect();
        return format!("{first}•••@{domain}");
    }
    let length = text.chars().count();
    let shown: String = text.chars().skip(length - (length / 3).min(4)).collect();
    format!("•••{shown}")
}

fn visible(text: &str) -> Result<String, InvalidIdentifier> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidIdentifier::Empty);
    }
    // NFKC grows a character up to eighteenfold; nothing this long can be an address.
    if text.len() > 4 * LONGEST_EMAIL {
        return Err(InvalidIdentifier::TooLong);
    }
    let normal: String = text.nfkc().collect();
    if text.chars().chain(normal.chars()).any(is_deceptive) {
        return Err(InvalidIdentifier::Deceptive);
    }
    Ok(normal.trim().to_owned())
}

/// Full case folding for all scripts in which mailboxes are in use: lower case, with the letters that have two
/// lower-case forms brought to one; composed again until it no longer changes.
fn fold(text: &str) -> String {
    let mut folded = text.to_owned();
    for _ in 0..4 {
        let mut next = String::with_capacity(folded.len());
        for character in folded.chars().flat_map(char::to_lowercase) {
            match character {
                'ß' => next.push_str("ss"),
                'ς' => next.push('σ'),
                other => next.push(other),
            }
        }
        next = next.nfkc().collect();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

fn is_dot_atom(local: &str) -> bool {
    let is_atom_text = |character: char| {
        character.is_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(character)
            // Combining marks that have no composed form, as in Thai and Hindi.
            || (!character.is_ascii() && unicode_normalization::char::is_combining_mark(character))
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_text))
}

fn is_mail_domain(domain: &str) -> bool {
    let mut labels = domain.split('.');
    let last = labels.next_back().unwrap_or_default();
    labels.next().is_some() && !last.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn email(text: &str) -> Result<String, InvalidIdentifier> {
        Identifier::email(text).map(Identifier::into_string)
    }

    #[test]
    fn spellings_of_one_mailbox_share_one_form() {
        for (typed, canonical) in [
            ("mina@example.com", "mina@example.com"),
            ("  Mina@Example.COM\n", "mina@example.com"),
            ("ｍｉｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "mina@example.com"),
            ("mina@example。com", "mina@example.com"),
            ("MINA+deals@例え.jp", "mina+deals@xn--r8jz45g.jp"),
            ("STRASSE@example.com", "strasse@example.com"),
            ("straße@example.com", "strasse@example.com"),
            ("ΟΔΟΣ@example.com", "οδοσ@example.com"),
            ("\u{212A}im@example.com", "kim@example.com"),
            ("e\u{301}mile@example.com", "émile@example.com"),
            ("김민아@example.kr", "김민아@example.kr"),
        ] {
            assert_eq!(email(typed).as_deref(), Ok(canonical), "{typed:?}");
        }
    }

    #[test]
    fn lookalikes_are_not_merged() {
        assert_ne!(email("adm\u{131}n@example.com"), email("admin@example.com"));
        assert_ne!(email("аdmin@example.com"), email("admin@example.com"));
    }

    #[test]
    fn what_is_no_plain_mailbox_is_refused() {
        use InvalidIdentifier::{Deceptive, Empty, Malformed, TooLong};
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", vec!["b".repeat(60); 5].join("."));
        let endless = "a".repeat(5000);
        for (typed, error) in [
            ("", Empty),
            ("  ", Empty),
            ("mina", Malformed),
            ("@example.com", Malformed),
            ("mina@", Malformed),
            ("a@good.example@evil.example", Malformed),
            ("a＠good.example@evil.example", Malformed),
            ("mina@example", Malformed),
            ("mina@.example.com", Malformed),
            ("mina@example..com", Malformed),
            ("mina@example.com.", Malformed),
            ("mina@[192.0.2.1]", Malformed),
            ("mina@192.0.2.1", Malformed),
            ("mina@exa_mple.com", Malformed),
            (".mina@example.com", Malformed),
            ("mi..na@example.com", Malformed),
            ("mina.@example.com", Malformed),
            ("\"mina\"@example.com", Malformed),
            ("mi na@example.com", Malformed),
            ("mina@example.com,evil@evil.example", Malformed),
            ("Mina <mina@example.com>", Malformed),
            ("mina@example.com\r\nBcc: evil@evil.example", Deceptive),
            ("mi\u{200B}na@example.com", Deceptive),
            ("mina@exam\u{202E}ple.com", Deceptive),
            ("mi\0na@example.com", Deceptive),
            ("mina\u{AD}@example.com", Deceptive),
            (&long_local, TooLong),
            (&endless, TooLong),
        ] {
            assert_eq!(email(typed), Err(error), "{typed:?}");
        }
        assert!(email(&long_domain).is_err());
    }

    #[test]
    fn numbers_become_e164() {
        for (typed, code, canonical) in [
            ("+82 10-1234-5678", None, "+821012345678"),
            ("010-1234-5678", Some("82"), "+821012345678"),
            ("０１０ １２３４ ５６７８", Some("82"), "+821012345678"),
            ("＋８２１０１２３４５６７８", None, "+821012345678"),
            ("0081 90 1234 5678", Some("82"), "+819012345678"),
            ("(951) 555-0134", Some("1"), "+19515550134"),
            ("+33 (1) 23.45.67.89", None, "+33123456789"),
            ("+82\u{2011}10\u{2011}1234\u{2011}5678", None, "+821012345678"),
        ] {
            let found = Identifier::phone(typed, code).map(Identifier::into_string);
            assert_eq!(found.as_deref(), Ok(canonical), "{typed:?}");
        }
        for (typed, code) in [
            ("010-1234-5678", None),
            ("+0101234567", None),
            ("+1234567", None),
            ("+1234567890123456", None),
            ("+82 10 1234 567a", None),
            ("+82+1012345678", None),
            ("tel:+821012345678", None),
            ("", Some("82")),
        ] {
            assert!(Identifier::phone(typed, code).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn one_field_takes_both_kinds() {
        assert_eq!(Identifier::parse("mina＠example.com", None).unwrap().kind(), ContactKind::Email);
        assert_eq!(Identifier::parse("010 1234 5678", Some("82")).unwrap().kind(), ContactKind::Phone);
    }

    #[test]
    fn a_mask_never_shows_the_most_of_it() {
        for (text, masked) in [
            ("mina@example.com", "m•••@example.com"),
            ("m@example.com", "•••@example.com"),
            ("+821012345678", "•••5678"),
            ("123456", "•••56"),
            ("12", "•••"),
            ("", "•••"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    proptest! {
        #[test]
        fn canonicalising_twice_changes_nothing(text in "\\PC{1,12}@[a-zA-Z0-9é例]{1,8}\\.[a-z]{2,4}") {
            if let Ok(once) = email(&text) {
                prop_assert_eq!(email(&once), Ok(once.clone()));
                prop_assert_eq!(once.matches('@').count(), 1);
            }
        }

        #[test]
        fn a_canonical_number_stays_as_it_is(text in "[+0-9 ()-]{6,20}") {
            if let Ok(once) = Identifier::phone(&text, Some("82")) {
                prop_assert_eq!(Identifier::phone(once.as_str(), Some("1")), Ok(once));
            }
        }

        #[test]
        fn case_never_matters(local in "[a-z0-9.]{1,10}") {
            prop_assert_eq!(email(&format!("{local}@ex.com")), email(&format!("{}@EX.com", local.to_uppercase())));
        }
    }
}
