//! L4 — texts for people: one file of keys per language in `config/locales`, and the choice between them.
//!
//! [`Texts`] is loaded once. Loading fails when a language lacks a key, has one too many or uses other placeholders
//! than English does, so a text can never be missing on a page. A directory of further `<tag>.toml` files may reword
//! single keys of a built-in language or add a whole language. Nothing here knows HTTP or HTML; callers escape.
//!
//! A new key goes into every file of `config/locales`; a new built-in language is a file there and a line in `load`.

mod format;
mod load;
mod negotiate;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::Locale;

pub use load::Error;

type Catalogue = HashMap<String, String>;

/// The texts of every language. A clone shares them.
#[derive(Clone, Debug)]
pub struct Texts {
    languages: Arc<BTreeMap<Locale, Catalogue>>,
    default: Locale,
}

impl Texts {
    /// The languages there are texts for, ordered by tag (`ui_locales_supported`).
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.languages.keys()
    }

    /// The language of people who express no wish this deployment can meet.
    pub const fn default_locale(&self) -> &Locale {
        &self.default
    }

    /// Sets the language of people who express no wish; one without texts changes nothing.
    pub fn with_default(mut self, locale: &Locale) -> Self {
        if self.languages.contains_key(locale) {
            self.default = locale.clone();
        }
        self
    }

    /// The text of `key`, in English when the language is unknown; `None` when there is no such key.
    pub fn find(&self, locale: &Locale, key: &str) -> Option<&str> {
        let english = Locale::english();
        let catalogue = self.languages.get(locale).or_else(|| self.languages.get(&english))?;
        catalogue.get(key).map(String::as_str)
    }

    /// The text of `key`; the key itself when there is none, which tests catch.
    pub fn get<'a>(&'a self, locale: &Locale, key: &'a str) -> &'a str {
        self.find(locale, key).unwrap_or(key)
    }

    /// The text of `key` with each `{name}` replaced by its argument. Arguments are inserted as they are, except that
    /// characters which would reorder the text around them are dropped.
    pub fn t(&self, locale: &Locale, key: &str, args: &[(&str, &str)]) -> String {
        fill(self.get(locale, key), args)
    }
}

/// Replaces placeholders in one pass: an argument that looks like a placeholder stays what it is.
fn fill(template: &str, args: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after
            .split_once('}')
            .and_then(|(name, tail)| args.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value, tail)));
        if let Some((value, tail)) = known {
            text.push_str(&steady(value));
            rest = tail;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

/// A text from elsewhere without the characters that override the order of the text around or after them (UAX #9 §2),
/// by which one name could pass for another.
pub fn steady(text: &str) -> Cow<'_, str> {
    let overrides = |character| matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if text.contains(overrides) { Cow::Owned(text.replace(overrides, "")) } else { Cow::Borrowed(text) }
}

/// The names between braces in a text, sorted.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<_> =
        text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_each_placeholder_once() {
        assert_eq!(fill("{a} and {b}, {a}", &[("a", "{b}"), ("b", "2")]), "{b} and 2, {b}");
        assert_eq!(fill("open { and {unknown}", &[("a", "1")]), "open { and {unknown}");
        assert_eq!(fill("by {a}!", &[("a", "evil\u{202E}gpj")]), "by evilgpj!");
    }

    #[test]
    fn an_unknown_language_reads_english_and_an_unknown_key_itself() {
        let texts = Texts::builtin().unwrap();
        let (english, klingon) = (Locale::english(), "tlh".parse().unwrap());
        assert_eq!(texts.get(&klingon, "common.continue"), texts.get(&english, "common.continue"));
        assert_eq!(texts.get(&english, "no.such_key"), "no.such_key");
    }

    /// A name may end in a consonant or a vowel, be Latin or a number: a particle glued to it is wrong half the time.
    #[test]
    fn no_korean_particle_follows_an_inserted_name() {
        let texts = Texts::builtin().unwrap();
        let numbers = ["count", "min", "minutes", "year", "month", "day", "date"];
        for (key, text) in texts.languages.get(&"ko".parse().unwrap()).unwrap() {
            for (name, tail) in text.split('{').skip(1).filter_map(|part| part.split_once('}')) {
                let next = tail.chars().find(|c| !"’”'\"」』)".contains(*c));
                let hangul = next.is_some_and(|c| ('가'..='힣').contains(&c));
                assert!(!hangul || numbers.contains(&name), "{key}: {text}");
            }
        }
    }
}
