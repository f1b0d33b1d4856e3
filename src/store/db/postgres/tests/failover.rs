//! The primary is lost, or no longer is one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{at_last, migrated, wait};
use crate::model::AccountId;
use crate::store::conformance::{MASTER, NOW, nobody, open, register};
use crate::store::private_postgres::Pair;
use crate::store::{DatabaseSettings, Error, Store};

async fn pair() -> Option<(Store, DatabaseSettings, Pair)> {
    let pair = wait(Pair::start)?;
    let settings = DatabaseSettings { acquire_timeout_seconds: 2, ..DatabaseSettings::new(pair.url()) };
    Some((migrated(&settings).await, settings, pair))
}

/// Registers people until told to stop; gives those who were told that they are. Whoever was not was told to come again.
async fn register_many(store: Store, stop: Arc<AtomicBool>) -> Vec<AccountId> {
    let mut registered = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match store.register_account(nobody(), NOW).await {
            Ok(account) => registered.push(account),
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("answered wrongly: {other:?}"),
        }
    }
    registered
}

async fn assert_on(store: &Store, server: &str, account: AccountId) {
    let direct = open(&DatabaseSettings::new(server), vec![MASTER]).await;
    assert!(direct.account(account).await.unwrap().is_some());
    assert!(store.account(account).await.unwrap().is_some());
    direct.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_and_nothing_answered_is_lost() {
    let Some((store, _, mut pair)) = pair().await else { return };
    let stop = Arc::new(AtomicBool::new(false));
    let mut crowd = JoinSet::new();
    for _ in 0..8 {
        crowd.spawn(register_many(store.clone(), Arc::clone(&stop)));
    }
    for _ in 0..50 {
        register(&store).await;
    }
    let lost = Instant::now();
    wait(|| pair.primary.kill());
    let outcome = store.register_account(nobody(), NOW).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(lost.elapsed() < Duration::from_secs(10), "said after {:?}", lost.elapsed());
    wait(|| pair.promote());
    let (_, took) = at_last(async || store.register_account(nobody(), NOW).await).await;
    eprintln!("writing again {took:?} after the promotion");
    for _ in 0..50 {
        register(&store).await;
    }
    stop.store(true, Ordering::Relaxed);
    let registered: Vec<AccountId> = crowd.join_all().await.into_iter().flatten().collect();
    assert!(registered.len() > 50);
    for account in registered {
        assert!(store.account(account).await.unwrap().is_some(), "somebody who was registered is not");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_primary_that_comes_back_is_not_believed() {
    let Some((store, settings, mut pair)) = pair().await else { return };
    wait(|| {
        pair.primary.kill();
        pair.promote();
    });
    let (account, _) = at_last(async || store.register_account(nobody(), NOW).await).await;
    // It writes, waits for nobody, and knows nothing of the other.
    wait(|| {
        pair.primary.start_again();
        pair.primary.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
        pair.primary.sql("postgres", "SELECT pg_reload_conf()");
    });
    // A node that knows neither finds the right one, though it is named second.
    let newcomer = open(&settings, vec![MASTER]).await;
    assert!(newcomer.account(account).await.unwrap().is_some());
    // With the right one gone, nobody falls back on the wrong one.
    wait(|| pair.standby.kill());
    for store in [&store, &newcomer] {
        for _ in 0..3 {
            let outcome = store.account(account).await;
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
    }
    wait(|| pair.standby.start_again());
    for store in [&store, &newcomer] {
        let (account, _) = at_last(async || store.register_account(nobody(), NOW).await).await;
        assert_on(store, &Pair::url_of(&pair.standby), account).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_was_left_behind_is_left() {
    let Some((store, _, pair)) = pair().await else { return };
    let before = register(&store).await;
    // The former primary waits for a standby it no longer has: it reads, and commits nothing.
    wait(|| pair.promote());
    let (account, took) = at_last(async || store.register_account(nobody(), NOW).await).await;
    eprintln!("gone over {took:?} after the promotion");
    assert_on(&store, &Pair::url_of(&pair.standby), account).await;
    assert!(store.account(before).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_made_to_read_only_is_left_at_once() {
    let Some((store, _, pair)) = pair().await else { return };
    let before = register(&store).await;
    wait(|| {
        pair.primary.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
        pair.primary.sql("postgres", "SELECT pg_reload_conf()");
    });
    // Nobody else is the primary: what can be read is read, and nothing is written.
    let refused = async || match store.register_account(nobody(), NOW).await {
        Err(Error::Unavailable(_)) => Ok(()),
        other => Err(other),
    };
    at_last(refused).await;
    assert!(store.account(before).await.unwrap().is_some());
    wait(|| pair.promote());
    let (account, took) = at_last(async || store.register_account(nobody(), NOW).await).await;
    eprintln!("gone over {took:?} after the promotion");
    assert_on(&store, &Pair::url_of(&pair.standby), account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_holds_nobody_up() {
    let Some((_, settings, pair)) = pair().await else { return };
    // Connections are accepted by the system; nobody ever says anything.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = pair.url().replacen("127.0.0.1:", &format!("127.0.0.1:{port},127.0.0.1:"), 1);
    let store = open(&DatabaseSettings { url: url.into(), ..settings }, vec![MASTER]).await;
    store.ping().await.unwrap();
    register(&store).await;
}

#[tokio::test]
async fn a_door_that_opens_and_shuts_is_an_outage() {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@127.0.0.1:{}/d", door.local_addr().unwrap().port());
    let shut = tokio::spawn(async move { while door.accept().await.is_ok() {} });
    let settings = DatabaseSettings { acquire_timeout_seconds: 1, ..DatabaseSettings::new(url) };
    let store = open(&settings, vec![MASTER]).await;
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    shut.abort();
}
