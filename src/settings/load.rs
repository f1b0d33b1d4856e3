//! Layers of settings into one typed value.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Settings;
use crate::model::Secret;
use crate::model::client::Client;
use crate::protocol::client_metadata;

const DEFAULT: &str = include_str!("../../config/default.toml");
const RELEASE: &str = include_str!("../../config/release.toml");

/// Lists whose rows have names: a later layer adds rows, and replaces those it names again.
const NAMED_ROWS: &[(&str, &[&str])] = &[
    ("purposes", &["id"]),
    ("scope", &["scope", "clients"]),
    ("documents", &["id"]),
    ("connections", &["id"]),
    ("programmes", &["id"]),
];

/// Keys that may be given by a file instead: `password_file` stands for `password`.
const FROM_FILE: &[&str] =
    &["password_file", "client_secret_file", "private_key_file", "secret_file", "url_file", "replica_url_file"];

/// The settings cannot be used. The text says where and why, and never shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no TOML. The line at fault is not shown: it may hold a secret.
    #[error("{origin} is not valid TOML: {reason}")]
    Syntax {
        /// Which.
        origin: String,
        /// Why, with line and column.
        reason: String,
    },
    /// A value has the wrong type or an unknown name.
    #[error("setting `{key}`: {reason}")]
    Value {
        /// Which.
        key: String,
        /// Why.
        reason: String,
    },
    /// Values contradict each other or this profile's rules.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
}

/// Where settings come from besides the built-in defaults.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The operator's file.
    pub file: Option<PathBuf>,
    /// Text of a built-in layer between the defaults and the file, e.g. the demo's.
    pub layer: Option<&'static str>,
    /// The environment's `COMITY_…` variables.
    pub environment: Vec<(String, String)>,
}

impl Source {
    /// The operator's file and this process's environment.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars().filter(|(name, _)| is_setting(name)).collect();
        Self { file, layer: None, environment }
    }

    /// Puts all layers together.
    ///
    /// # Errors
    /// Names the file or key at fault.
    pub fn load(&self) -> Result<Settings, Error> {
        let mut merged = parse(DEFAULT, "the built-in defaults")?;
        merge(&mut merged, parse(RELEASE, "the built-in release rules")?);
        if let Some(layer) = self.layer {
            merge(&mut merged, parse(layer, "the built-in layer")?);
        }
        if let Some(path) = &self.file {
            merge(&mut merged, parse(&read(path)?, &path.display().to_string())?);
        }
        for (name, value) in &self.environment {
            set_from_environment(&mut merged, name, value)?;
        }
        secrets_from_files(&mut merged)?;
        let settings: Settings = typed(Value::Table(merged))?;
        let problems = settings.problems();
        if problems.is_empty() { Ok(settings) } else { Err(Error::Invalid(problems)) }
    }
}

/// Every setting with its default and its meaning.
pub fn defaults() -> String {
    format!("{DEFAULT}\n{RELEASE}")
}

fn is_setting(name: &str) -> bool {
    name == "COMITY_PROFILE" || name.strip_prefix("COMITY_").is_some_and(|rest| rest.contains("__"))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn parse(text: &str, origin: &str) -> Result<Table, Error> {
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or(text);
        let (line, column) = (before.split('\n').count(), before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let reason = format!("line {line}, column {column}: {}", error.message().replace('\n', ", "));
        Error::Syntax { origin: origin.to_owned(), reason }
    })
}

fn typed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| Error::Value {
        key: error.path().to_string(),
        reason: error.inner().message().trim().to_owned(),
    })
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (Some(Value::Array(below)), Value::Array(above)) => merge_rows(below, above, &key),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn merge_rows(below: &mut Vec<Value>, above: Vec<Value>, key: &str) {
    let Some((_, names)) = NAMED_ROWS.iter().find(|(list, _)| *list == key) else {
        *below = above;
        return;
    };
    let name = |row: &Value| names.iter().map(|name| row.get(*name).cloned()).collect::<Vec<_>>();
    below.retain(|old| !above.iter().any(|new| name(new) == name(old)));
    below.extend(above);
}

fn set_from_environment(settings: &mut Table, name: &str, text: &str) -> Result<(), Error> {
    let path = name.trim_start_matches("COMITY_").to_ascii_lowercase();
    let mut parts: Vec<&str> = path.split("__").collect();
    let unknown = || Error::Value { key: name.to_owned(), reason: "names no setting".to_owned() };
    let last = parts.pop().ok_or_else(unknown)?;
    let mut table = settings;
    for part in parts {
        table = table.entry(part).or_insert_with(|| Value::Table(Table::new())).as_table_mut().ok_or_else(unknown)?;
    }
    let value = match table.get(last) {
        Some(Value::String(_)) => Value::String(text.to_owned()),
        Some(Value::Array(_)) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        // A password of digits is a password.
        _ if FROM_FILE.contains(&format!("{last}_file").as_str()) => Value::String(text.to_owned()),
        _ => scalar(text),
    };
    table.insert(last.to_owned(), value);
    Ok(())
}

fn scalar(text: &str) -> Value {
    if let Ok(flag) = text.parse::<bool>() {
        Value::Boolean(flag)
    } else if let Ok(number) = text.parse::<i64>() {
        Value::Integer(number)
    } else {
        Value::String(text.to_owned())
    }
}

fn secrets_from_files(table: &mut Table) -> Result<(), Error> {
    let named: Vec<String> = table.keys().filter(|key| FROM_FILE.contains(&key.as_str())).cloned().collect();
    for key in named {
        if let Some(Value::String(path)) = table.remove(&key) {
            let unreadable = |error: Error| Error::Value { key: key.clone(), reason: error.to_string() };
            let secret = read(Path::new(&path)).map_err(unreadable)?.trim_end_matches(['\r', '\n']).to_owned();
            table.insert(key.trim_end_matches("_file").to_owned(), Value::String(secret));
        }
    }
    for (_, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => secrets_from_files(inner)?,
            Value::Array(rows) => {
                for row in rows.iter_mut().filter_map(Value::as_table_mut) {
                    secrets_from_files(row)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A client of a clients file, with its secret where it has one.
pub type GivenClient = (Client, Option<Secret<String>>);

/// A row of a clients file: a client's metadata, and its secret where it has one.
#[derive(Debug, Deserialize)]
struct ClientsFile {
    #[serde(default)]
    client: Vec<Table>,
}

/// Reads the clients of a file's text, each with its secret.
///
/// # Errors
/// Names the row and key at fault.
pub fn clients_from(text: &str, origin: &str) -> Result<Vec<GivenClient>, Error> {
    let mut table = parse(text, origin)?;
    secrets_from_files(&mut table)?;
    let file: ClientsFile = typed(Value::Table(table))?;
    let mut seen = BTreeSet::new();
    file.client
        .into_iter()
        .map(|mut row| {
            let named = row.get("client_id").and_then(Value::as_str).unwrap_or("?").to_owned();
            let secret = match row.remove("client_secret") {
                Some(Value::String(secret)) => Some(Secret::new(secret)),
                Some(_) => {
                    let key = format!("client_secret of {named:?}");
                    return Err(Error::Value { key, reason: "must be text".into() });
                }
                None => None,
            };
            let client: Client = typed(Value::Table(row)).map_err(|error| of_client(&named, error))?;
            if !seen.insert(client.id.clone()) {
                return Err(Error::Value { key: client.id.to_string(), reason: "is listed twice".into() });
            }
            let problems = client_metadata::problems(&client);
            if problems.is_empty() { Ok((client, secret)) } else { Err(Error::Invalid(problems)) }
        })
        .collect()
}

/// Says of which client a row's error is.
fn of_client(id: &str, error: Error) -> Error {
    match error {
        Error::Value { key, reason } => Error::Value { key: format!("{key} of {id:?}"), reason },
        other => other,
    }
}
