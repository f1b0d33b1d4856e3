//! Makes the tables long: copies of one real person under identifiers of their own, written by the database itself.
//!
//! Nobody asks for these people, and what is sealed of them could not be opened; they are there so that the people who
//! are asked for lie among them, in every table and index, as they would in a deployment of that size. Identifiers are
//! spread over the same time as those of the real people.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row as _};

use crate::Failure;
use crate::seed::SIGN_UPS;

/// A table, what restricts it to the model, and what is new in a copy.
type Table = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What there is of each person, in an order in which every reference can be followed. The outbox is left out: it is
/// only ever appended to.
const PEOPLE: [Table; 8] = [
    ("accounts", "id = (SELECT account FROM model)", &[("id", "c.account")]),
    ("attributes", OWN, &[("account", "c.account")]),
    ("acceptances", OWN, &[("account", "c.account")]),
    ("contacts", OWN, &[("id", "c.session"), ("account", "c.account"), ("value_index", "{hash}")]),
    ("subjects", OWN, &[("account", "c.account"), ("sub", "'u_' || c.name")]),
    ("sessions", OWN, &[("id", "c.session"), ("account", "c.account"), ("token_hash", "{hash}")]),
    ("consents", OWN, &[("account", "c.account")]),
    ("consent_events", OWN, &[("account", "c.account")]),
];
/// What there is of each grant.
const GRANTS: [Table; 2] = [
    (
        "families",
        "id = (SELECT family FROM model)",
        &[("id", "c.family"), ("account", "c.account"), ("session", "c.session"), ("code_hash", "{hash}")],
    ),
    ("refresh_tokens", "family = (SELECT family FROM model)", &[("hash", "{hash}"), ("family", "c.family")]),
];
const OWN: &str = "account = (SELECT account FROM model)";

enum Database {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

/// Adds so many people and grants to a store that holds some real ones. No server may be running on it.
pub async fn add(url: &str, people: usize, grants: usize) -> Result<(), Failure> {
    if people == 0 {
        return Ok(());
    }
    let mut database = Database::open(url).await?;
    database.run("CREATE TEMP TABLE model AS SELECT account, id AS family FROM families LIMIT 1").await?;
    let (words, each) = (database.words(), grants.div_ceil(people).max(1));
    let id_of = |share: &str| words.id.replace("{share}", share).replace("{people}", &people.to_string());
    let (id, series) = (id_of("n"), words.series.replace("{count}", &people.to_string()));
    database
        .run(&format!(
            "CREATE TEMP TABLE people AS SELECT n, {id} AS account, {id} AS session, {} AS name FROM ({series}) AS s",
            words.name
        ))
        .await?;
    let (id, series) = (id_of("p.n"), words.series.replace("{count}", &each.to_string()));
    database
        .run(&format!(
            "CREATE TEMP TABLE grants AS SELECT p.account, p.session, {id} AS family \
             FROM people AS p CROSS JOIN ({series}) AS s"
        ))
        .await?;
    for (copies, tables) in [("people", PEOPLE.as_slice()), ("grants", GRANTS.as_slice())] {
        for table in tables {
            let indexes = database.drop_indexes(table.0).await?;
            database.copy(copies, table, words.hash).await?;
            for index in indexes {
                database.run(&index).await?;
            }
        }
    }
    database.settle().await
}

/// How each engine says it.
struct Words {
    /// A UUID of the time that is `{share}` of all sign-ups.
    id: String,
    /// 32 random bytes.
    hash: &'static str,
    /// A name nobody else has.
    name: &'static str,
    /// The numbers below `{count}`, as `n`.
    series: &'static str,
}

impl Database {
    async fn open(url: &str) -> Result<Self, Failure> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let mut database = Self::Sqlite(rusqlite::Connection::open(path)?);
            database.run("PRAGMA foreign_keys = OFF").await?;
            // Should this be interrupted, there is nothing to keep. Whoever wrote before may still be closing the file.
            let mut tries = 0;
            while let Err(error) = database.run("PRAGMA journal_mode = OFF").await {
                tries += 1;
                if tries == 100 {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            database.run("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY").await?;
            return Ok(database);
        }
        let mut database = Self::Postgres(url.parse::<PgConnectOptions>()?.connect().await?);
        database
            .run("SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
            .await?;
        // Whoever may, saves the check of each reference.
        let _ = database.run("SET session_replication_role = replica").await;
        Ok(database)
    }

    async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql)?,
            Self::Postgres(connection) => {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(drop)?;
            }
        }
        Ok(())
    }

    async fn columns(&mut self, table: &str) -> Result<Vec<String>, Failure> {
        let names = match self {
            Self::Sqlite(connection) => {
                let mut rows = connection.prepare("SELECT name FROM pragma_table_info($1)")?;
                rows.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?
            }
            Self::Postgres(connection) => {
                let sql = "SELECT column_name::text FROM information_schema.columns \
                           WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
                let rows = sqlx::query(sql).bind(table).fetch_all(connection);
                rows.await?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?
            }
        };
        Ok(names)
    }

    /// Takes the indexes of a table away that belong to no constraint; gives what makes them anew. PostgreSQL is several
    /// times quicker to make an index of a million rows than to keep one up to date.
    async fn drop_indexes(&mut self, table: &str) -> Result<Vec<String>, Failure> {
        let Self::Postgres(connection) = self else { return Ok(Vec::new()) };
        let sql = "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = current_schema() \
                   AND tablename = $1 AND indexname NOT IN (SELECT conname FROM pg_constraint)";
        let mut made = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for row in sqlx::query(sql).bind(table).fetch_all(connection).await? {
            names.push(row.try_get(0)?);
            made.push(row.try_get(1)?);
        }
        for name in names {
            self.run(&format!("DROP INDEX {name}")).await?;
        }
        Ok(made)
    }

    async fn copy(&mut self, copies: &str, (table, whose, new): &Table, hash: &str) -> Result<(), Failure> {
        let columns = self.columns(table).await?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                let renewed = new.iter().find(|(name, _)| name == column);
                renewed.map_or_else(|| format!("t.{column}"), |(_, value)| value.replace("{hash}", hash))
            })
            .collect();
        self.run(&format!("CREATE TEMP TABLE model_{table} AS SELECT * FROM {table} WHERE {whose}")).await?;
        // In this order SQLite reads the copies once, and writes in the order of their identifiers.
        self.run(&format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {copies} AS c CROSS JOIN model_{table} AS t",
            columns.join(", "),
            values.join(", ")
        ))
        .await
        .map_err(|error| format!("{table}: {error}").into())
    }

    fn words(&self) -> Words {
        let (milliseconds, from) = (SIGN_UPS * 1000, "{from}");
        let now = comity::model::Clock::system().now();
        let start = ((now - SIGN_UPS).0 * 1000).to_string();
        match self {
            Self::Sqlite(_) => Words {
                id: format!(
                    "unhex(printf('%012x', {from} + {{share}} * {milliseconds} / {{people}}) || '7' || \
                     substr(hex(randomblob(2)), 1, 3) || '8' || substr(hex(randomblob(8)), 1, 15))"
                )
                .replace(from, &start),
                hash: "randomblob(32)",
                name: "hex(randomblob(16))",
                series: "WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {count}) \
                         SELECT n FROM s",
            },
            Self::Postgres(_) => Words {
                id: format!(
                    "(lpad(to_hex({from} + {{share}}::bigint * {milliseconds} / {{people}}), 12, '0') || '7' || \
                     substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"
                )
                .replace(from, &start),
                hash: "sha256(uuid_send(gen_random_uuid()))",
                name: "md5(random()::text || random()::text)",
                series: "SELECT generate_series(0, {count} - 1) AS n",
            },
        }
    }

    /// Leaves nothing to be tidied up while somebody measures.
    async fn settle(mut self) -> Result<(), Failure> {
        if let Self::Postgres(_) = self {
            self.run("VACUUM ANALYZE").await?;
            self.run("CHECKPOINT").await?;
        }
        match self {
            Self::Sqlite(connection) => connection.close().map_err(|(_, error)| error)?,
            Self::Postgres(connection) => sqlx::Connection::close(connection).await?,
        }
        Ok(())
    }
}
