//! The two engines behind one face: connections and transactions.
//!
//! SQLite is reached without sqlx's pool: its connections never break, and a pool's checks before and after each use
//! cost more than the statement. There is one writer, so that no transaction ever waits for SQLite's own lock.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::error::Error;
use super::settings::{DatabaseSettings, Durability};

/// Attempts at a unit of work that keeps losing races against others.
pub(super) const ATTEMPTS: u32 = 8;

/// An idle PostgreSQL connection is asked whether it still lives after this long.
const STALE: Duration = Duration::from_secs(5);

/// The database, whichever it is.
#[derive(Clone)]
pub(super) enum Db {
    Sqlite(Arc<Sqlite>),
    Postgres(PgPool),
}

/// The connections to one SQLite database. In memory the writer is the only one.
pub(super) struct Sqlite {
    writer: Arc<Mutex<Slot>>,
    readers: Vec<Arc<Mutex<Slot>>>,
    next: AtomicUsize,
    patience: Duration,
}

/// A SQLite connection, and whether somebody gave up in the middle of a transaction on it.
pub(super) struct Slot {
    connection: SqliteConnection,
    open: bool,
}

impl Db {
    pub(super) async fn open(settings: &DatabaseSettings) -> Result<Self, Error> {
        let url = settings.url.expose();
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Ok(Self::Sqlite(Arc::new(Sqlite::open(path, settings).await?)))
            }
            None => Self::open_postgres(url, settings),
        }
    }

    fn open_postgres(url: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
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
        Ok(Self::Postgres(pool))
    }

    /// A connection for single statements that change nothing.
    pub(super) async fn read(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reader().await.map(Link::Sqlite),
            Self::Postgres(pool) => PostgresLink::acquire(pool).await.map(Link::Postgres),
        }
    }

    /// A connection for one statement that is a unit of work by itself.
    pub(super) async fn write(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.writer().await.map(Link::Sqlite),
            Self::Postgres(_) => self.read().await,
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Link, Error> {
        match self {
            Self::Sqlite(sqlite) => {
                let mut link = sqlite.writer().await?;
                link.slot.open = true;
                sqlx::query("BEGIN IMMEDIATE").execute(&mut link.slot.connection).await?;
                Ok(Link::Sqlite(link))
            }
            Self::Postgres(pool) => {
                let mut link = PostgresLink::acquire(pool).await?;
                link.open = true;
                link.say("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
                Ok(Link::Postgres(link))
            }
        }
    }

    /// Waits for work in flight and closes every connection.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => {
                // Folds the write-ahead log into the file, which then is complete by itself.
                if let Ok(mut link) = sqlite.writer().await {
                    let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut link.slot.connection).await;
                }
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Sqlite {
    async fn open(path: &str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let in_memory = path == ":memory:";
        let options = SqliteConnectOptions::new()
            .foreign_keys(true)
            .busy_timeout(settings.patience())
            .synchronous(match settings.durability {
                Durability::Normal => SqliteSynchronous::Normal,
                Durability::Full => SqliteSynchronous::Full,
            })
            .pragma("trusted_schema", "OFF");
        let options = if in_memory {
            options.in_memory(true)
        } else {
            if let Some(folder) = std::path::Path::new(path).parent() {
                tokio::fs::create_dir_all(folder).await.map_err(|error| Error::Unavailable(Box::new(error)))?;
            }
            options.filename(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
        };
        let writer = connect(&options).await?;
        let mut readers = Vec::new();
        if !in_memory {
            let options = options.read_only(true).create_if_missing(false);
            for _ in 0..settings.sqlite_readers.max(1) {
                readers.push(connect(&options).await?);
            }
        }
        Ok(Self { writer, readers, next: AtomicUsize::new(0), patience: settings.patience() })
    }

    async fn writer(&self) -> Result<SqliteLink, Error> {
        self.lend(&self.writer).await
    }

    /// A reader that is free, else the next one in turn.
    async fn reader(&self) -> Result<SqliteLink, Error> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len().max(1);
        let mut in_turn = (0..self.readers.len()).filter_map(|step| self.readers.get(turn.wrapping_add(step) % count));
        if let Some(slot) = in_turn.clone().find_map(|reader| Arc::clone(reader).try_lock_owned().ok()) {
            return Ok(SqliteLink { slot });
        }
        self.lend(in_turn.next().unwrap_or(&self.writer)).await
    }

    async fn lend(&self, slot: &Arc<Mutex<Slot>>) -> Result<SqliteLink, Error> {
        let slot = timeout(self.patience, Arc::clone(slot).lock_owned())
            .await
            .map_err(|_| Error::Unavailable("the database is too busy".into()))?;
        let mut link = SqliteLink { slot };
        link.abandon().await;
        Ok(link)
    }
}

async fn connect(options: &SqliteConnectOptions) -> Result<Arc<Mutex<Slot>>, Error> {
    Ok(Arc::new(Mutex::new(Slot { connection: options.connect().await?, open: false })))
}

/// A borrowed connection, with or without a transaction begun on it.
pub(super) enum Link {
    Sqlite(SqliteLink),
    Postgres(PostgresLink),
}

pub(super) struct SqliteLink {
    slot: OwnedMutexGuard<Slot>,
}

pub(super) struct PostgresLink {
    connection: PoolConnection<Postgres>,
    /// Whether a transaction was begun on it.
    open: bool,
    /// Whether a statement awaits its answer.
    asking: bool,
    /// How long an answer may take.
    patience: Duration,
}

impl SqliteLink {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.slot.connection
    }

    /// Rolls back what is open, be it that of a caller who was cancelled.
    async fn abandon(&mut self) {
        if self.slot.open {
            // Fails when the transaction never began or the database itself ended it: both leave none open.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.slot.connection).await;
            self.slot.open = false;
        }
    }
}

impl Drop for SqliteLink {
    fn drop(&mut self) {
        if !self.slot.open {
            return;
        }
        // Cancelled inside a transaction: SQLite's write lock must not stay taken until the next writer comes by.
        let slot = Arc::clone(OwnedMutexGuard::mutex(&self.slot));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { SqliteLink { slot: slot.lock_owned().await }.abandon().await });
        }
    }
}

impl PostgresLink {
    async fn acquire(pool: &PgPool) -> Result<Self, Error> {
        let patience = pool.options().get_acquire_timeout();
        Ok(Self { connection: pool.acquire().await?, open: false, asking: false, patience })
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// The connection for one statement, and how long to wait for the answer.
    pub(super) fn asking(&mut self) -> (&mut PgConnection, Duration) {
        self.asking = true;
        (&mut self.connection, self.patience)
    }

    /// What came of the statement.
    pub(super) fn answered<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, Error> {
        match answer {
            Ok(answer) => {
                self.asking = false;
                answer.map_err(Error::from)
            }
            Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed))),
        }
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

impl Link {
    /// Commits what [`Db::begin`] began.
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(mut link) => {
                sqlx::query("COMMIT").execute(&mut link.slot.connection).await?;
                link.slot.open = false;
                Ok(())
            }
            Self::Postgres(mut link) => {
                link.say("COMMIT").await?;
                link.open = false;
                Ok(())
            }
        }
    }

    /// Takes back what [`Db::begin`] began.
    pub(super) async fn roll_back(self) {
        match self {
            Self::Sqlite(mut link) => link.abandon().await,
            Self::Postgres(mut link) => link.open = link.asking || link.say("ROLLBACK").await.is_err(),
        }
    }

    /// Waits for answers as long as they take: migrations and upkeep do.
    pub(super) fn be_patient(&mut self) {
        if let Self::Postgres(link) = self {
            link.patience = Duration::MAX;
        }
    }
}
