//! The two engines behind one face: connections and transactions.

mod postgres;
mod sqlite;

use std::time::Duration;

use self::postgres::{Postgres, PostgresLink};
pub(super) use self::sqlite::{Columns, Record};
use self::sqlite::{Sqlite, SqliteLink};
use super::error::Error;
use super::settings::DatabaseSettings;
use crate::model::Random;

pub(super) use self::postgres::split_hosts;

/// Attempts at a unit of work that keeps losing races against others.
pub(super) const ATTEMPTS: u32 = 16;

/// Waits before the next attempt: longer each time, a quarter of a second at most.
pub(super) async fn back_off(random: &Random, attempt: u32) {
    tokio::time::sleep(jittered(random, Duration::from_millis(2 << attempt.min(7)))).await;
}

/// Something between nothing and the whole of a pause: those who failed together do not come back together.
fn jittered(random: &Random, pause: Duration) -> Duration {
    pause * u32::from(u16::from_be_bytes(random.bytes())) / u32::from(u16::MAX)
}

/// The database, whichever it is.
#[derive(Clone)]
pub(super) enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A borrowed connection, with or without a transaction begun on it.
pub(super) enum Link {
    Sqlite(SqliteLink),
    Postgres(PostgresLink),
}

impl Db {
    pub(super) async fn open(settings: &DatabaseSettings, random: &Random) -> Result<Self, Error> {
        let url = settings.url.expose();
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Sqlite::open(path, settings).await.map(Self::Sqlite)
            }
            None => Postgres::open(settings, random).map(Self::Postgres),
        }
    }

    /// The same, whose [`read`](Self::read) may see what was true a while ago: a replica is read where there is one,
    /// and the primary when that does not answer.
    pub(super) fn lagging(&self) -> Self {
        match self {
            Self::Sqlite(sqlite) => Self::Sqlite(sqlite.clone()),
            Self::Postgres(postgres) => Self::Postgres(postgres.lagging()),
        }
    }

    /// A connection for single statements that change nothing.
    pub(super) async fn read(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reader().await.map(Link::Sqlite),
            Self::Postgres(postgres) => postgres.reader().await.map(Link::Postgres),
        }
    }

    /// A connection for statements each of which is a unit of work by itself.
    pub(super) async fn write(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => Ok(Link::Sqlite(sqlite.writer())),
            Self::Postgres(postgres) => postgres.acquire().await.map(Link::Postgres),
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.begin().await.map(Link::Sqlite),
            Self::Postgres(postgres) => postgres.begin().await.map(Link::Postgres),
        }
    }

    /// Waits for work in flight and closes every connection.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl Link {
    /// Commits what [`Db::begin`] began.
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(link) => link.commit().await,
            Self::Postgres(link) => link.commit().await,
        }
    }

    /// Takes back what [`Db::begin`] began.
    pub(super) async fn roll_back(self) {
        match self {
            Self::Sqlite(link) => link.roll_back(),
            Self::Postgres(link) => link.roll_back().await,
        }
    }

    /// Runs a script of several statements.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(link) => link.script(sql).await,
            Self::Postgres(link) => link.say(sql).await,
        }
    }

    /// Waits for answers as long as they take: migrations and upkeep do.
    pub(super) fn be_patient(&mut self) {
        if let Self::Postgres(link) = self {
            link.be_patient();
        }
    }
}
