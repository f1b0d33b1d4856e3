//! Reading the files of texts, and refusing incomplete ones.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Catalogue, Texts, placeholders};
use crate::model::Locale;

/// The languages that come with the binary: file name and content.
const BUILTIN: &[(&str, &str)] = &[
    ("en.toml", include_str!("../../config/locales/en.toml")),
    ("mail.en.toml", include_str!("../../config/locales/mail.en.toml")),
    ("ja.toml", include_str!("../../config/locales/ja.toml")),
    ("mail.ja.toml", include_str!("../../config/locales/mail.ja.toml")),
    ("ko.toml", include_str!("../../config/locales/ko.toml")),
    ("mail.ko.toml", include_str!("../../config/locales/mail.ko.toml")),
];

/// Why the texts cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or the directory is unreadable.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is no TOML.
    #[error("{file} is not valid TOML")]
    Syntax {
        /// The file's name.
        file: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A file is not named after a language tag.
    #[error("{0} is not named <language tag>.toml")]
    Name(String),
    /// A value is neither a text nor a table, or its key occurs in another file of the language already.
    #[error("{file}: {key} must be a text and occur once")]
    Value {
        /// The file's name.
        file: String,
        /// The key, dotted.
        key: String,
    },
    /// A language lacks keys English has.
    #[error("the texts of {locale} lack {}", keys.join(", "))]
    Missing {
        /// The language.
        locale: Locale,
        /// The keys, dotted.
        keys: Vec<String>,
    },
    /// A language has keys English lacks: usually a typing error.
    #[error("the texts of {locale} have unknown keys {}", keys.join(", "))]
    Unknown {
        /// The language.
        locale: Locale,
        /// The keys, dotted.
        keys: Vec<String>,
    },
    /// A text does not use exactly the placeholders of the English one.
    #[error("the text {key} of {locale} must use the placeholders of the English one")]
    Placeholders {
        /// The language.
        locale: Locale,
        /// The key, dotted.
        key: String,
    },
}

impl Texts {
    /// The built-in languages as they are.
    pub fn builtin() -> Result<Self, Error> {
        Self::load(None)
    }

    /// The built-in languages, reworded and extended by the `*.toml` files of a directory.
    pub fn load(overrides: Option<&Path>) -> Result<Self, Error> {
        let mut languages = BTreeMap::new();
        for (file, content) in BUILTIN {
            let (locale, catalogue) = parse(file, content)?;
            let language: &mut Catalogue = languages.entry(locale).or_default();
            for (key, text) in catalogue {
                if language.insert(key.clone(), text).is_some() {
                    return Err(Error::Value { file: (*file).to_owned(), key });
                }
            }
        }
        let Some(english) = languages.get(&Locale::english()).cloned() else {
            return Err(Error::Name("en.toml".to_owned()));
        };
        for path in overrides.map(toml_files).transpose()?.unwrap_or_default() {
            let content =
                std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let (locale, catalogue) = parse(&file, &content)?;
            languages.entry(locale).or_default().extend(catalogue);
        }
        check(&english, &languages)?;
        Ok(Self { languages: Arc::new(languages), default: Locale::english() })
    }
}

fn toml_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: directory.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads one file; `mail.ko.toml` holds texts of `ko` as `ko.toml` does.
fn parse(file: &str, content: &str) -> Result<(Locale, Catalogue), Error> {
    let tag = file.strip_suffix(".toml").and_then(|stem| stem.rsplit('.').next()).unwrap_or_default();
    let locale = tag.parse().map_err(|_| Error::Name(file.to_owned()))?;
    let table: toml::Table =
        toml::from_str(content).map_err(|source| Error::Syntax { file: file.to_owned(), source: Box::new(source) })?;
    let mut catalogue = Catalogue::new();
    flatten(file, "", table, &mut catalogue)?;
    Ok((locale, catalogue))
}

fn flatten(file: &str, prefix: &str, table: toml::Table, into: &mut Catalogue) -> Result<(), Error> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::String(text) => {
                into.insert(key, text);
            }
            toml::Value::Table(inner) => flatten(file, &key, inner, into)?,
            _ => return Err(Error::Value { file: file.to_owned(), key }),
        }
    }
    Ok(())
}

/// Holds every language, English too where a deployment rewords it, against the built-in English.
fn check(english: &Catalogue, languages: &BTreeMap<Locale, Catalogue>) -> Result<(), Error> {
    for (locale, catalogue) in languages {
        let mut missing: Vec<_> = english.keys().filter(|key| !catalogue.contains_key(*key)).cloned().collect();
        let mut unknown: Vec<_> = catalogue.keys().filter(|key| !english.contains_key(*key)).cloned().collect();
        missing.sort();
        unknown.sort();
        if !missing.is_empty() {
            return Err(Error::Missing { locale: locale.clone(), keys: missing });
        }
        if !unknown.is_empty() {
            return Err(Error::Unknown { locale: locale.clone(), keys: unknown });
        }
        for (key, text) in catalogue {
            // How a date is put together is the language's own business.
            let free = key.starts_with("format.");
            if !free && english.get(key).is_some_and(|original| placeholders(original) != placeholders(text)) {
                return Err(Error::Placeholders { locale: locale.clone(), key: key.clone() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(name: &str, content: &str) -> Result<Texts, Error> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(name), content).unwrap();
        Texts::load(Some(directory.path()))
    }

    #[test]
    fn the_built_in_languages_are_complete() {
        let tags: Vec<_> = Texts::builtin().unwrap().locales().map(ToString::to_string).collect();
        assert_eq!(tags, ["en", "ja", "ko"]);
    }

    #[test]
    fn no_text_is_empty_or_padded() {
        for (locale, catalogue) in Texts::builtin().unwrap().languages.iter() {
            for (key, text) in catalogue {
                assert!(!text.is_empty() && text.trim() == text, "{locale} {key}");
            }
        }
    }

    #[test]
    fn a_deployment_rewords_a_text() {
        let texts = with_file("ko.toml", "[common]\ncontinue = \"다음으로\"\n").unwrap();
        assert_eq!(texts.get(&"ko".parse().unwrap(), "common.continue"), "다음으로");
        assert_ne!(texts.get(&Locale::english(), "common.continue"), "다음으로");
    }

    #[test]
    fn a_new_language_must_be_complete() {
        assert!(matches!(with_file("fr.toml", "[common]\ncontinue = \"Continuer\"\n"), Err(Error::Missing { .. })));
        let pages = include_str!("../../config/locales/en.toml");
        assert!(matches!(with_file("fr.toml", pages), Err(Error::Missing { .. })), "the mails are missing");
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("fr.toml"), pages).unwrap();
        let mails = include_str!("../../config/locales/mail.en.toml");
        std::fs::write(directory.path().join("mail.fr.toml"), mails).unwrap();
        assert_eq!(Texts::load(Some(directory.path())).unwrap().locales().count(), 4);
    }

    #[test]
    fn mistakes_in_a_file_are_errors() {
        assert!(matches!(with_file("en.toml", "typo = \"x\"\n"), Err(Error::Unknown { .. })));
        assert!(matches!(with_file("en.toml", "a = \n"), Err(Error::Syntax { .. })));
        assert!(matches!(with_file("en.toml", "a = 1\n"), Err(Error::Value { .. })));
        assert!(matches!(with_file("e n.toml", ""), Err(Error::Name(_))));
        let text = "[sign_in]\nto = \"Sign in\"\n";
        assert!(matches!(with_file("en.toml", text), Err(Error::Placeholders { .. })));
        assert!(matches!(Texts::load(Some(Path::new("/nowhere"))), Err(Error::Read { .. })));
    }
}
