//! PostgreSQL through sqlx's pool.

use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::store::error::Error;
use crate::store::settings::DatabaseSettings;
use crate::trips;

/// An idle connection is asked whether it still lives after this long.
const STALE: Duration = Duration::from_secs(5);

/// The connections to one PostgreSQL.
#[derive(Clone)]
pub(in crate::store) struct Postgres(PgPool);

impl Postgres {
    pub(super) fn open(url: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(Error::fault("the database url is neither sqlite: nor postgres:"));
        }
        let options = PgConnectOptions::from_str(url)?.application_name("comity");
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.patience())
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= STALE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self(pool))
    }

    pub(super) async fn acquire(&self) -> Result<PostgresLink, Error> {
        let patience = self.0.options().get_acquire_timeout();
        Ok(PostgresLink { connection: self.0.acquire().await?, open: false, asking: false, patience })
    }

    pub(super) async fn begin(&self) -> Result<PostgresLink, Error> {
        let mut link = self.acquire().await?;
        link.open = true;
        link.say("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        Ok(link)
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

/// A borrowed connection.
pub(in crate::store) struct PostgresLink {
    connection: PoolConnection<sqlx::Postgres>,
    /// Whether a transaction was begun on it.
    open: bool,
    /// Whether a statement awaits its answer.
    asking: bool,
    /// How long an answer may take.
    patience: Duration,
}

impl PostgresLink {
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// The connection for one statement, and how long to wait for the answer.
    pub(in crate::store) fn asking(&mut self) -> (&mut PgConnection, Duration) {
        trips::sql();
        self.asking = true;
        (&mut self.connection, self.patience)
    }

    /// What came of the statement.
    pub(in crate::store) fn answered<T>(
        &mut self,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, Error> {
        match answer {
            Ok(answer) => {
                self.asking = false;
                answer.map_err(Error::from)
            }
            Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed))),
        }
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.say("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    pub(super) async fn roll_back(mut self) {
        self.open = self.asking || self.say("ROLLBACK").await.is_err();
    }

    pub(super) fn be_patient(&mut self) {
        self.patience = Duration::MAX;
    }

    async fn say(&mut self, sql: &'static str) -> Result<(), Error> {
        let (connection, patience) = self.asking();
        let answer = timeout(patience, sqlx::raw_sql(sql).execute(connection)).await;
        self.answered(answer).map(drop)
    }
}

impl Drop for PostgresLink {
    fn drop(&mut self) {
        // Cancelled or given up in the middle: only the server's end of the connection ends what was begun on it.
        if self.open || self.asking {
            self.connection.close_on_drop();
        }
    }
}
