//! PostgreSQL: the primary, which answers everything, and replicas for what may be a little old.

mod hosts;
mod pool;
mod role;
mod search;

use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use self::pool::{Lent, Pool};
use self::search::{Search, Wanted};
use crate::model::Random;
use crate::store::error::Error;
use crate::store::settings::{DatabaseSettings, Isolation};
use crate::trips;

pub(in crate::store) use self::hosts::split as split_hosts;

/// Migrations and upkeep take their time, but a server that is lost is not waited for until the end of days.
const LONG: Duration = Duration::from_secs(3600);
/// Connections to the replicas: only work in the background uses them.
const REPLICA_CONNECTIONS: u32 = 4;
/// A replica that does not answer within this is done without.
const REPLICA_PATIENCE: Duration = Duration::from_secs(1);

/// The connections to one database, wherever it is at the moment.
#[derive(Clone)]
pub(in crate::store) struct Postgres {
    primary: Pool,
    replicas: Option<Pool>,
    /// Whether what is read may be old.
    lagging: bool,
    begin: &'static str,
    patience: Duration,
}

impl Postgres {
    pub(super) fn open(settings: &DatabaseSettings, random: &Random) -> Result<Self, Error> {
        let pool = |url: &str, wanted, size| {
            let search = Search::new(hosts::options(url)?, wanted, settings.patience());
            Ok::<_, Error>(Pool::new(search, size, random.clone()))
        };
        let replicas = match &settings.replica_url {
            Some(url) => Some(pool(url.expose(), Wanted::Anybody, REPLICA_CONNECTIONS)?),
            None => None,
        };
        Ok(Self {
            primary: pool(settings.url.expose(), Wanted::Primary, settings.max_connections)?,
            replicas,
            lagging: false,
            begin: match settings.isolation {
                Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
                Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            },
            patience: settings.patience(),
        })
    }

    /// The same, reading from a replica where there is one.
    pub(super) fn lagging(&self) -> Self {
        Self { lagging: true, ..self.clone() }
    }

    pub(super) async fn reader(&self) -> Result<PostgresLink, Error> {
        if let (true, Some(replicas)) = (self.lagging, &self.replicas)
            && let Ok(lent) = replicas.lend(REPLICA_PATIENCE.min(self.patience)).await
        {
            return Ok(self.link(lent));
        }
        self.acquire().await
    }

    pub(super) async fn acquire(&self) -> Result<PostgresLink, Error> {
        Ok(self.link(self.primary.lend(self.patience).await?))
    }

    pub(super) async fn begin(&self) -> Result<PostgresLink, Error> {
        let mut link = self.acquire().await?;
        link.open = true;
        link.say(self.begin).await?;
        Ok(link)
    }

    pub(super) async fn close(&self) {
        self.primary.close().await;
        if let Some(replicas) = &self.replicas {
            replicas.close().await;
        }
    }

    const fn link(&self, lent: Lent) -> PostgresLink {
        PostgresLink { lent, open: false, asking: false, patience: self.patience }
    }
}

/// A borrowed connection.
pub(in crate::store) struct PostgresLink {
    lent: Lent,
    /// Whether a transaction was begun on it.
    open: bool,
    /// Whether a statement awaits its answer.
    asking: bool,
    /// How long an answer may take.
    patience: Duration,
}

impl PostgresLink {
    /// The bare connection, for tests that ask it what nobody else does.
    #[cfg(test)]
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        self.lent.connection()
    }

    /// The connection for one statement, and how long to wait for the answer.
    pub(in crate::store) fn asking(&mut self) -> (&mut PgConnection, Duration) {
        trips::sql();
        self.asking = true;
        (self.lent.connection(), self.patience)
    }

    /// What came of the statement.
    pub(in crate::store) fn answered<T>(
        &mut self,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, Error> {
        match answer {
            Ok(Ok(value)) => {
                self.asking = false;
                Ok(value)
            }
            Ok(Err(error)) => {
                self.asking = false;
                self.judge(&error);
                Err(error.into())
            }
            Err(elapsed) => {
                self.lent.doubt();
                Err(Error::Unavailable(Box::new(elapsed)))
            }
        }
    }

    /// What an error says of the server beyond the statement.
    fn judge(&mut self, error: &sqlx::Error) {
        let sqlx::Error::Database(error) = error else { return self.lent.doubt() };
        match error.code().as_deref() {
            // Connection lost; told to go; read-only, and so not the primary, or no longer.
            Some(code) if code.starts_with("08") || code.starts_with("57P") || code == "25006" => self.lent.doubt(),
            _ => {}
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

    pub(super) const fn be_patient(&mut self) {
        self.patience = LONG;
    }

    /// Says something that has no values and no rows.
    pub(super) async fn say(&mut self, sql: &'static str) -> Result<(), Error> {
        let (connection, patience) = self.asking();
        let answer = timeout(patience, sqlx::raw_sql(sql).execute(connection)).await;
        self.answered(answer).map(drop)
    }
}

impl Drop for PostgresLink {
    fn drop(&mut self) {
        // Cancelled or given up in the middle: only the server's end of the connection ends what was begun on it.
        if self.open || self.asking {
            self.lent.spoil();
        }
    }
}

#[cfg(test)]
mod tests;
