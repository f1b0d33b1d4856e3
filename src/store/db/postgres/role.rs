//! What a server is at the moment, as it says itself.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};
use tokio::time::timeout;

use crate::store::error::Error;

/// What a server is good for, the better the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Repeats what another does, later.
    Standby,
    /// Is not a standby, and writes nothing: somebody wants it so.
    ReadOnly,
    /// Reads and writes.
    Primary,
}

/// Settings are asked for, and not functions: engines that are like PostgreSQL have them, or say nothing of them.
const ROLE: &str = "SELECT current_setting('in_hot_standby', true), current_setting('transaction_read_only', true)";

/// Counts up with each promotion of a standby.
const TIMELINE: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

/// The server ends what a node left behind when its machine was lost: a transaction holds locks. A single statement is
/// right at this isolation by itself, and cannot fail for another's sake.
const MANNERS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
     SET idle_in_transaction_session_timeout = '60s'; SET client_connection_check_interval = '10s'; \
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
     SET tcp_user_timeout = '30s'";

/// Connects to a server and asks what it is; one that takes longer than `within` is taken for lost.
pub(super) async fn dial(host: &PgConnectOptions, within: Duration) -> Result<(PgConnection, Role), Error> {
    let connect = async {
        let mut connection = PgConnection::connect_with(host).await?;
        let role = ask(&mut connection).await?;
        match sqlx::raw_sql(MANNERS).execute(&mut connection).await {
            // An engine that is merely like PostgreSQL may know other manners.
            Ok(_) | Err(sqlx::Error::Database(_)) => Ok((connection, role)),
            Err(error) => Err(error),
        }
    };
    in_time(within, connect).await
}

/// Asks what the server is by now.
pub(super) async fn look(connection: &mut PgConnection, within: Duration) -> Result<Role, Error> {
    in_time(within, ask(connection)).await
}

async fn in_time<T>(within: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    match timeout(within, work).await {
        Ok(done) => done.map_err(Error::from),
        Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed))),
    }
}

async fn ask(connection: &mut PgConnection) -> Result<Role, sqlx::Error> {
    let row = sqlx::raw_sql(ROLE).fetch_one(connection).await?;
    let is_on = |column: usize| Ok::<_, sqlx::Error>(row.try_get::<Option<&str>, _>(column)? == Some("on"));
    Ok(match (is_on(0)?, is_on(1)?) {
        (true, _) => Role::Standby,
        (false, true) => Role::ReadOnly,
        (false, false) => Role::Primary,
    })
}

/// The primary's timeline; 0 where there is no such thing.
pub(super) async fn timeline(connection: &mut PgConnection, within: Duration) -> Result<u32, Error> {
    let asked = async {
        match sqlx::raw_sql(TIMELINE).fetch_one(connection).await {
            Ok(row) => Ok(u32::from_str_radix(row.try_get::<&str, _>(0)?, 16).unwrap_or(0)),
            Err(sqlx::Error::Database(_)) => Ok(0),
            Err(error) => Err(error),
        }
    };
    in_time(within, asked).await
}
