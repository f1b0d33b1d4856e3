//! What only PostgreSQL shows: what goes over the wire, and what happens when servers are lost.

mod commits;
mod failover;
mod replica;
mod tap;
mod wire;

use std::time::{Duration, Instant};

use self::tap::Tap;
use crate::store::conformance::{MASTER, open};
use crate::store::private_postgres::PrivatePostgres;
use crate::store::{DatabaseSettings, Store};

/// Runs what waits for processes.
fn wait<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// A store of this database, migrated.
async fn migrated(settings: &DatabaseSettings) -> Store {
    let store = open(settings, vec![MASTER]).await;
    store.migrate().await.unwrap();
    store
}

/// A store on an empty database, with a listener between.
async fn tapped() -> Option<(Store, Tap)> {
    let url = wait(|| PrivatePostgres::shared().map(PrivatePostgres::create_database))?;
    let (user, rest) = url.split_once("127.0.0.1:").unwrap();
    let (port, name) = rest.split_once('/').unwrap();
    let tap = Tap::to(port.parse().unwrap()).await;
    let url = format!("{user}127.0.0.1:{}/{name}", tap.port);
    Some((migrated(&DatabaseSettings::new(url)).await, tap))
}

/// Tries until it works; gives how long that took.
async fn at_last<T, E: std::fmt::Debug>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> (T, Duration) {
    let began = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return (value, began.elapsed()),
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "not recovered: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
