//! The languages Comity speaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A BCP 47 language tag of a language the deployment has texts for, e.g. `ko`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

/// The text is no language tag.
#[derive(Debug, thiserror::Error)]
#[error("not a language tag: {0:?}")]
pub struct InvalidLocale(String);

impl Locale {
    /// English, the language of last resort.
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag as written in `lang` attributes and `ui_locales_supported`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language, `pt` of `pt-BR`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;
    fn from_str(text: &str) -> Result<Self, InvalidLocale> {
        let well_formed = text.len() <= 35
            && text.split('-').enumerate().all(|(position, part)| {
                let length = if position == 0 { 2..=8 } else { 1..=8 };
                length.contains(&part.len())
                    && part.bytes().all(|byte| byte.is_ascii_alphabetic() || (position > 0 && byte.is_ascii_digit()))
            });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidLocale(text.chars().take(35).collect())) }
    }
}

impl TryFrom<String> for Locale {
    type Error = InvalidLocale;
    fn try_from(text: String) -> Result<Self, InvalidLocale> {
        text.parse()
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
