//! Scope values [RFC 6749 §3.3].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refused};

const MAX_VALUES: usize = 100;
const MAX_LENGTH: usize = 256;

/// A set of scope values that remembers its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Vec<String>);

impl Scope {
    /// No scope.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the value is in it.
    pub fn contains(&self, value: &str) -> bool {
        self.0.iter().any(|own| own == value)
    }

    /// Whether every value of it is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.iter().all(|value| other.contains(value))
    }

    /// Whether there is no value in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its values in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The values that satisfy a condition.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.iter().filter(|value| keep(value)).map(str::to_owned).collect())
    }

    /// Its values as a list.
    pub fn to_vec(&self) -> Vec<String> {
        self.0.clone()
    }

    /// A scope of known values; those that are no `scope-token` are left out.
    pub fn from_values<I: IntoIterator<Item: AsRef<str>>>(values: I) -> Self {
        let mut scope = Self::new();
        for value in values {
            let value = value.as_ref();
            if is_scope_token(value) && !scope.contains(value) {
                scope.0.push(value.to_owned());
            }
        }
        scope
    }
}

impl FromStr for Scope {
    type Err = Refused;

    /// Reads the parameter. A value named twice counts once; superfluous spaces are forgiven.
    fn from_str(text: &str) -> Result<Self, Refused> {
        let mut scope = Self::new();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            if !is_scope_token(value) || scope.0.len() >= MAX_VALUES {
                return Err(Refused::new(ErrorCode::InvalidScope, "scope is not well-formed"));
            }
            if !scope.contains(value) {
                scope.0.push(value.to_owned());
            }
        }
        Ok(scope)
    }
}

fn is_scope_token(value: &str) -> bool {
    (1..=MAX_LENGTH).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl TryFrom<String> for Scope {
    type Error = Refused;
    fn try_from(text: String) -> Result<Self, Refused> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_is_kept_and_repetition_dropped() {
        let scope: Scope = " openid  profile openid urn:x:y ".parse().unwrap();
        assert_eq!(scope.to_string(), "openid profile urn:x:y");
        assert!(scope.contains("profile") && !scope.contains("Profile"));
        assert!("".parse::<Scope>().unwrap().is_empty());
    }

    #[test]
    fn foreign_characters_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "a\nb", "é", "\u{7f}"] {
            assert_eq!(text.parse::<Scope>().unwrap_err().code(), ErrorCode::InvalidScope, "{text:?}");
        }
        assert!("x".repeat(257).parse::<Scope>().is_err());
        let many = |count: usize| (0..count).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" ");
        assert!(many(100).parse::<Scope>().is_ok());
        assert!(many(101).parse::<Scope>().is_err());
    }

    #[test]
    fn subsets() {
        let wide: Scope = "a b c".parse().unwrap();
        let narrow: Scope = "c a".parse().unwrap();
        assert!(narrow.is_subset_of(&wide) && !wide.is_subset_of(&narrow) && Scope::new().is_subset_of(&narrow));
        assert_eq!(wide.filtered(|value| value != "b").to_string(), "a c");
    }

    proptest! {
        #[test]
        fn reading_what_was_written_changes_nothing(text in "[ a-c!#~]{0,40}") {
            let scope: Scope = text.parse().unwrap();
            prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope.clone());
            let json = serde_json::to_string(&scope).unwrap();
            prop_assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
        }

        #[test]
        fn reading_is_total(text: String) {
            let _ = text.parse::<Scope>();
        }
    }
}
