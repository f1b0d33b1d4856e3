//! Servers go away, come back, and are succeeded by others. Until then commands err; then they work by themselves.

use std::time::{Duration, Instant};

use super::super::{Cache, Error};
use super::private_redis::{Cluster, Server, Watched, free_port};
use super::{CODE, LOGIN, login, sealer};
use crate::model::{Clock, Secret};

/// Whether the cache works again before patience ends; nothing but unavailability is seen meanwhile.
async fn recovers(cache: &Cache, key: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match cache.put(&LOGIN, key, &login(1)).await {
            Ok(()) => break,
            Err(Error::Unavailable(_)) => assert!(Instant::now() < deadline, "{key} does not recover"),
            Err(other) => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cache.take(&LOGIN, key).await.unwrap(), Some(login(1)));
    assert_eq!(cache.take(&LOGIN, key).await.unwrap(), None);
    // Its successor has never seen the scripts.
    assert_eq!(cache.count("conformance_recovery", key, 60).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_an_error_and_the_first_command_after_is_none() {
    let Some(mut redis) = Server::start() else { return };
    let cache = Cache::redis(&redis.url(), sealer(1), Clock::system()).await.unwrap();
    assert_eq!(cache.count("conformance", "outage", 60).await.unwrap(), 1);
    redis.kill();
    assert!(matches!(cache.count("conformance", "outage", 60).await, Err(Error::Unavailable(_))));
    assert!(matches!(cache.take(&CODE, "outage").await, Err(Error::Unavailable(_))));
    redis.restart();
    assert_eq!(cache.count("conformance", "outage", 60).await.unwrap(), 1);
    cache.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_is_unavailable_until_it_writes_again() {
    let Some(redis) = Server::start() else { return };
    let cache = Cache::redis(&redis.url(), sealer(1), Clock::system()).await.unwrap();
    redis.ask("REPLICAOF 127.0.0.1 1");
    assert!(matches!(cache.put(&LOGIN, "replica", &login(1)).await, Err(Error::Unavailable(_))));
    redis.ask("REPLICAOF NO ONE");
    cache.put(&LOGIN, "replica", &login(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_were_forgotten_are_sent_again() {
    let Some(redis) = Server::start() else { return };
    let cache = Cache::redis(&redis.url(), sealer(1), Clock::system()).await.unwrap();
    assert_eq!(cache.count("conformance", "scripts", 60).await.unwrap(), 1);
    redis.ask("SCRIPT FLUSH");
    assert_eq!(cache.count("conformance", "scripts", 60).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_successor_named_by_sentinels_is_found() {
    let Some(mut watched) = Watched::start() else { return };
    let cache = Cache::redis(&watched.url(), sealer(1), Clock::system()).await.unwrap();
    cache.put(&CODE, "kept", &login(7)).await.unwrap();
    watched.has_copied();
    watched.primary.kill();
    recovers(&cache, "failover").await;
    assert_eq!(cache.take(&CODE, "kept").await.unwrap(), Some(login(7)));
    assert!(watched.replica.ask("ROLE").contains("master"));
    // The old primary comes back as a replica; a connection to it, were there one, would be given up.
    watched.primary.restart();
    recovers(&cache, "return").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clusters_node_is_succeeded_by_its_replica() {
    let Some(mut cluster) = Cluster::start() else { return };
    let cache = Cache::redis(&cluster.url(), sealer(1), Clock::system()).await.unwrap();
    // Of so many keys some lie on each node.
    let keys: Vec<String> = (0..30).map(|number| format!("failover {number}")).collect();
    for key in &keys {
        cache.put(&CODE, key, &login(1)).await.unwrap();
    }
    cluster.has_copied();
    cluster.nodes[0].kill();
    cache.ping().await.unwrap();
    for key in &keys {
        recovers(&cache, key).await;
        assert_eq!(cache.take(&CODE, key).await.unwrap(), Some(login(1)), "{key}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_or_where_nobody_answers_fails_at_start() {
    let nobody = free_port();
    for url in [
        "not an address".to_owned(),
        format!("redis://127.0.0.1:{nobody}"),
        format!("redis+cluster://127.0.0.1:{nobody}"),
        format!("redis+sentinel://127.0.0.1:{nobody}/comity"),
    ] {
        assert!(Cache::redis(&Secret::new(url), sealer(1), Clock::system()).await.is_err());
    }
}
