//! Which database, and how it is used.

use std::time::Duration;

use serde::Deserialize;

use super::db::split_hosts;
use crate::model::Secret;

/// The `[database]` table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:<path>`, `sqlite::memory:` (nothing survives the process) or `postgres://…`, which may name several hosts
    /// of which one is the primary.
    pub url: Secret<String>,
    /// Replicas of PostgreSQL, for what may be read a little late; any of the hosts it names will do.
    pub replica_url: Option<Secret<String>>,
    /// PostgreSQL connections at most.
    pub max_connections: u32,
    /// How PostgreSQL keeps units of work apart.
    pub isolation: Isolation,
    /// SQLite connections that read beside the single writer.
    pub sqlite_readers: u32,
    /// Seconds to wait for a free connection, and PostgreSQL's answer to a statement, before the call fails as
    /// unavailable.
    pub acquire_timeout_seconds: u64,
    /// What SQLite's commits survive.
    #[serde(rename = "sqlite_durability")]
    pub durability: Durability,
}

/// How units of work that happen at the same time are kept apart. They are right with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// They wait for each other's rows.
    #[default]
    ReadCommitted,
    /// They start over when they meet: for engines that know nothing else.
    Serializable,
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
            replica_url: None,
            max_connections: 16,
            isolation: Isolation::ReadCommitted,
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

    /// What is wrong with the settings, by name.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let url = self.url.expose();
        if !url.starts_with("sqlite:") && split_hosts(url).is_none() {
            problems.push("database.url must be sqlite:FILE or postgres://USER:PASSWORD@HOST,HOST/NAME".to_owned());
        }
        if let Some(replicas) = &self.replica_url {
            if split_hosts(replicas.expose()).is_none() {
                problems.push("database.replica_url must be postgres://USER:PASSWORD@HOST,HOST/NAME".to_owned());
            }
            if url.starts_with("sqlite:") {
                problems.push("database.replica_url is for PostgreSQL only".to_owned());
            }
        }
        if self.max_connections == 0 || self.acquire_timeout_seconds == 0 {
            problems.push("database.max_connections and acquire_timeout_seconds must be at least 1".to_owned());
        }
        problems
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout_seconds)
    }
}
