//! Which database, and how it is used.

use std::time::Duration;

use serde::Deserialize;

use crate::model::Secret;

/// The `[database]` table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:<path>`, `sqlite::memory:` (nothing survives the process) or `postgres://…`.
    pub url: Secret<String>,
    /// PostgreSQL connections at most.
    pub max_connections: u32,
    /// SQLite connections that read beside the single writer.
    pub sqlite_readers: u32,
    /// Seconds to wait for a free connection, and PostgreSQL's answer to a statement, before the call fails as
    /// unavailable.
    pub acquire_timeout_seconds: u64,
    /// What SQLite's commits survive.
    #[serde(rename = "sqlite_durability")]
    pub durability: Durability,
}

/// What a commit of SQLite survives. PostgreSQL's own configuration decides for PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The end of the process, however sudden; a power failure may take back the last commits.
    #[default]
    Normal,
    /// A power failure as well, for a disk flush per commit.
    Full,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: Secret::from("sqlite:comity-data/comity.sqlite"),
            max_connections: 16,
            sqlite_readers: 4,
            acquire_timeout_seconds: 5,
            durability: Durability::Normal,
        }
    }
}

impl DatabaseSettings {
    /// The settings as they come, for this database.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Secret::new(url.into()), ..Self::default() }
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout_seconds)
    }
}
