//! What the stage says, in its three languages.

use toml::{Table, Value};

use std::collections::BTreeMap;

/// A language of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    Ko,
    En,
    Ja,
}

impl Lang {
    /// In the order of the switcher.
    pub(super) const ALL: [Self; 3] = [Self::Ko, Self::En, Self::Ja];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::Ko => "한국어",
            Self::En => "English",
            Self::Ja => "日本語",
        }
    }

    /// The language a tag asks for, regions left out.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?;
        Self::ALL.into_iter().find(|lang| primary.eq_ignore_ascii_case(lang.as_str()))
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Ko => include_str!("../../templates/demo/words/ko.toml"),
            Self::En => include_str!("../../templates/demo/words/en.toml"),
            Self::Ja => include_str!("../../templates/demo/words/ja.toml"),
        }
    }
}

/// All texts, by language and dotted key.
#[derive(Debug)]
pub(super) struct Words([BTreeMap<String, String>; 3]);

impl Words {
    /// Reads the built-in files.
    ///
    /// # Errors
    /// When one is no TOML.
    pub(super) fn load() -> Result<Self, toml::de::Error> {
        let read = |lang: Lang| -> Result<_, toml::de::Error> {
            let mut texts = BTreeMap::new();
            flatten("", lang.source().parse::<Table>()?, &mut texts);
            Ok(texts)
        };
        Ok(Self([read(Lang::Ko)?, read(Lang::En)?, read(Lang::Ja)?]))
    }

    fn table(&self, lang: Lang) -> &BTreeMap<String, String> {
        let [ko, en, ja] = &self.0;
        match lang {
            Lang::Ko => ko,
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    /// The text of a key; the key itself where there is none.
    pub(super) fn get<'a>(&'a self, lang: Lang, key: &'a str) -> &'a str {
        self.find(lang, key).unwrap_or(key)
    }

    /// The text of a key, if there is one.
    pub(super) fn find(&self, lang: Lang, key: &str) -> Option<&str> {
        self.table(lang).get(key).map(String::as_str)
    }
}

fn flatten(prefix: &str, table: Table, texts: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, texts),
            Value::String(text) => {
                texts.insert(key, text);
            }
            other => {
                texts.insert(key, other.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_placeholders() {
        let words = Words::load().unwrap();
        let placeholders = |text: &str| {
            let mut found: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect();
            found.sort();
            found
        };
        for lang in Lang::ALL {
            let (own, english) = (words.table(lang), words.table(Lang::En));
            let missing: Vec<_> = english.keys().filter(|key| !own.contains_key(*key)).collect();
            let surplus: Vec<_> = own.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(missing.is_empty() && surplus.is_empty(), "{lang:?}: missing {missing:?}, surplus {surplus:?}");
            for (key, text) in own {
                assert!(!text.trim().is_empty(), "{lang:?}: {key}");
                assert_eq!(placeholders(text), placeholders(&english[key]), "{lang:?}: {key}");
            }
        }
    }

    /// A key no page has is a text nobody reads; a key no file has is a page nobody can read.
    #[test]
    fn pages_and_texts_agree() {
        let words = Words::load().unwrap();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/demo");
        let call = regex::Regex::new(r#"\.t1?\("([a-z0-9_.]+)""#).unwrap();
        for folder in ["rp", "stage", "mailbox"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                for found in call.captures_iter(&text) {
                    assert!(words.find(Lang::En, &found[1]).is_some(), "{}: {}", path.display(), &found[1]);
                }
            }
        }
    }

    #[test]
    fn a_tag_is_read_without_its_region() {
        assert_eq!(Lang::of_tag("ko-KR"), Some(Lang::Ko));
        assert_eq!(Lang::of_tag(" JA "), Some(Lang::Ja));
        assert_eq!(Lang::of_tag("fr"), None);
    }
}
