//! What every backend must do, run on memory always, and where `redis-server` is installed on a private server, on a
//! cluster of three and on a primary that sentinels watch.

mod outages;
mod private_redis;

use serde::{Deserialize, Serialize};

use self::private_redis::{Cluster, Server, Watched};
use super::{Cache, Error, Slot, Tick};
use crate::jose::Sealer;
use crate::model::{Clock, Random, Secret, UnixTime};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Login {
    client: String,
    tries: u32,
}

const LOGIN: Slot<Login> = Slot::new("conformance_login", 60);
const CODE: Slot<Login> = Slot::new("conformance_code", 60);
const PERSONAL: Slot<Login> = Slot::sealed("conformance_personal", 60);
const SEEN: Slot<()> = Slot::new("conformance_seen", 60);

fn login(tries: u32) -> Login {
    Login { client: "여행 | shop\n".to_owned(), tries }
}

async fn every_topic(cache: &Cache, clock: &Clock) {
    records_come_back_until_they_expire(cache, clock).await;
    a_slot_never_reads_another_slots_record(cache).await;
    replace_keeps_the_end_of_life(cache, clock).await;
    put_new_yields_to_a_live_record_only(cache, clock).await;
    take_is_once(cache, clock).await;
    counters_run_in_windows(cache, clock).await;
    counters_advance_together(cache, clock).await;
    sealed_records_are_records(cache).await;
    a_record_of_another_shape_is_a_fault(cache).await;
    of_fifty_takers_one_wins(cache).await;
    of_fifty_firsts_one_wins(cache).await;
    fifty_counts_are_fifty(cache).await;
    cache.ping().await.unwrap();
}

async fn records_come_back_until_they_expire(cache: &Cache, clock: &Clock) {
    assert_eq!(cache.get(&LOGIN, "a").await.unwrap(), None);
    cache.put(&LOGIN, "a", &login(1)).await.unwrap();
    cache.put(&LOGIN, "a", &login(2)).await.unwrap();
    cache.put(&LOGIN, "b", &login(3)).await.unwrap();
    cache.put(&LOGIN.lasting(5), "short", &login(4)).await.unwrap();
    cache.put(&LOGIN.lasting(-5), "shortest", &login(5)).await.unwrap();
    assert_eq!(cache.get(&LOGIN, "a").await.unwrap(), Some(login(2)));
    assert_eq!(cache.get(&LOGIN, "shortest").await.unwrap(), Some(login(5)));
    cache.remove(&LOGIN, "b").await.unwrap();
    cache.remove(&LOGIN, "never put").await.unwrap();
    assert_eq!(cache.get(&LOGIN, "b").await.unwrap(), None);
    clock.advance(5);
    assert_eq!(cache.get(&LOGIN, "short").await.unwrap(), None);
    clock.advance(54);
    assert_eq!(cache.get(&LOGIN, "a").await.unwrap(), Some(login(2)));
    clock.advance(1);
    assert_eq!(cache.get(&LOGIN, "a").await.unwrap(), None);
}

async fn a_slot_never_reads_another_slots_record(cache: &Cache) {
    cache.put(&LOGIN, "kind", &login(1)).await.unwrap();
    assert_eq!(cache.get(&CODE, "kind").await.unwrap(), None);
    assert_eq!(cache.take(&CODE, "kind").await.unwrap(), None);
    assert!(cache.put_new(&CODE, "kind", &login(2)).await.unwrap());
    assert_eq!(cache.peek_count("conformance_login", "kind").await.unwrap(), 0);
    assert_eq!(cache.get(&LOGIN, "kind").await.unwrap(), Some(login(1)));
}

async fn replace_keeps_the_end_of_life(cache: &Cache, clock: &Clock) {
    assert!(!cache.replace(&LOGIN, "replace", &login(1)).await.unwrap());
    assert_eq!(cache.get(&LOGIN, "replace").await.unwrap(), None);
    cache.put(&LOGIN, "replace", &login(1)).await.unwrap();
    clock.advance(40);
    assert!(cache.replace(&LOGIN, "replace", &login(2)).await.unwrap());
    assert_eq!(cache.get(&LOGIN, "replace").await.unwrap(), Some(login(2)));
    clock.advance(20);
    assert_eq!(cache.get(&LOGIN, "replace").await.unwrap(), None);
    assert!(!cache.replace(&LOGIN, "replace", &login(3)).await.unwrap());
    assert_eq!(cache.get(&LOGIN, "replace").await.unwrap(), None);
}

async fn put_new_yields_to_a_live_record_only(cache: &Cache, clock: &Clock) {
    assert!(cache.put_new(&LOGIN, "new", &login(1)).await.unwrap());
    assert!(!cache.put_new(&LOGIN, "new", &login(2)).await.unwrap());
    assert_eq!(cache.get(&LOGIN, "new").await.unwrap(), Some(login(1)));
    clock.advance(60);
    assert!(cache.put_new(&LOGIN, "new", &login(3)).await.unwrap());
    assert_eq!(cache.get(&LOGIN, "new").await.unwrap(), Some(login(3)));
}

async fn take_is_once(cache: &Cache, clock: &Clock) {
    cache.put(&CODE, "take", &login(1)).await.unwrap();
    assert_eq!(cache.take(&CODE, "take").await.unwrap(), Some(login(1)));
    assert_eq!(cache.take(&CODE, "take").await.unwrap(), None);
    assert_eq!(cache.get(&CODE, "take").await.unwrap(), None);
    cache.put(&CODE, "take", &login(2)).await.unwrap();
    clock.advance(60);
    assert_eq!(cache.take(&CODE, "take").await.unwrap(), None);
}

async fn counters_run_in_windows(cache: &Cache, clock: &Clock) {
    assert_eq!(cache.peek_count("conformance", "ip").await.unwrap(), 0);
    assert_eq!(cache.count("conformance", "ip", 10).await.unwrap(), 1);
    clock.advance(9);
    assert_eq!(cache.count("conformance", "ip", 10).await.unwrap(), 2);
    assert_eq!(cache.count("conformance_other", "ip", 10).await.unwrap(), 1);
    assert_eq!(cache.peek_count("conformance", "ip").await.unwrap(), 2);
    clock.advance(1);
    assert_eq!(cache.peek_count("conformance", "ip").await.unwrap(), 0);
    assert_eq!(cache.count("conformance", "ip", 10).await.unwrap(), 1);
    cache.reset_count("conformance", "ip").await.unwrap();
    assert_eq!(cache.count("conformance", "ip", 10).await.unwrap(), 1);
}

async fn counters_advance_together(cache: &Cache, clock: &Clock) {
    let tick = |name, key, window_seconds| Tick { name, key, window_seconds };
    let ticks = [tick("conformance_all", "a", 10), tick("conformance_all", "b", 20), tick("conformance_more", "a", 10)];
    assert_eq!(cache.count("conformance_all", "b", 20).await.unwrap(), 1);
    let (counts, trips) = crate::trips::counted(cache.count_all(&ticks)).await;
    assert_eq!((counts.unwrap(), trips.cache), (vec![1, 2, 1], 1));
    clock.advance(10);
    assert_eq!(cache.count_all(&ticks).await.unwrap(), [1, 3, 1]);
    assert_eq!(cache.count_all(&[]).await.unwrap(), Vec::<u64>::new());
}

async fn sealed_records_are_records(cache: &Cache) {
    cache.put(&PERSONAL, "sealed", &login(1)).await.unwrap();
    assert!(!cache.put_new(&PERSONAL, "sealed", &login(2)).await.unwrap());
    assert_eq!(cache.get(&PERSONAL, "sealed").await.unwrap(), Some(login(1)));
    assert!(cache.replace(&PERSONAL, "sealed", &login(3)).await.unwrap());
    assert_eq!(cache.take(&PERSONAL, "sealed").await.unwrap(), Some(login(3)));
    assert_eq!(cache.take(&PERSONAL, "sealed").await.unwrap(), None);
    assert!(cache.put_new(&PERSONAL.lasting(5), "sealed", &login(4)).await.unwrap());
    assert_eq!(cache.take(&PERSONAL, "sealed").await.unwrap(), Some(login(4)));
}

async fn a_record_of_another_shape_is_a_fault(cache: &Cache) {
    const SAME_NAME: Slot<Vec<u8>> = Slot::new("conformance_login", 60);
    cache.put(&SAME_NAME, "shape", &vec![1, 2]).await.unwrap();
    assert!(matches!(cache.get(&LOGIN, "shape").await, Err(Error::Fault(_))));
}

async fn of_fifty_takers_one_wins(cache: &Cache) {
    for round in 0..5 {
        let key = format!("race {round}");
        cache.put(&CODE, &key, &login(round)).await.unwrap();
        let won = race(cache, move |cache| {
            let key = key.clone();
            async move { u64::from(cache.take(&CODE, &key).await.unwrap().is_some()) }
        });
        assert_eq!(won.await.iter().sum::<u64>(), 1);
    }
}

async fn of_fifty_firsts_one_wins(cache: &Cache) {
    for round in 0..5 {
        let won = race(cache, move |cache| async move {
            u64::from(cache.put_new(&SEEN, &format!("race {round}"), &()).await.unwrap())
        });
        assert_eq!(won.await.iter().sum::<u64>(), 1);
    }
}

async fn fifty_counts_are_fifty(cache: &Cache) {
    let mut sums = race(cache, |cache| async move { cache.count("conformance_race", "k", 60).await.unwrap() }).await;
    sums.sort_unstable();
    assert_eq!(sums, (1..=50).collect::<Vec<u64>>());
}

async fn race<F>(cache: &Cache, run: impl Fn(Cache) -> F) -> Vec<u64>
where
    F: Future<Output = u64> + Send + 'static,
{
    let runners: Vec<_> = (0..50).map(|_| tokio::spawn(run(cache.clone()))).collect();
    let mut results = Vec::new();
    for runner in runners {
        results.push(runner.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    let clock = Clock::manual(UnixTime(1_900_000_000));
    every_topic(&Cache::memory(clock.clone()), &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_conforms() {
    let Some(redis) = Server::start() else { return };
    conforms(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_cluster_conforms() {
    let Some(cluster) = Cluster::start() else { return };
    conforms(&cluster.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_found_by_sentinels_conforms() {
    let Some(watched) = Watched::start() else { return };
    conforms(&watched.url()).await;
}

async fn conforms(url: &Secret<String>) {
    let clock = Clock::manual(UnixTime(1_900_000_000));
    every_topic(&Cache::redis(url, sealer(1), clock.clone()).await.unwrap(), &clock).await;
}

fn sealer(key: u8) -> Sealer {
    Sealer::new([key; 32], Random::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_learns_nothing_of_sealed_records() {
    let Some(redis) = Server::start() else { return };
    let cache = Cache::redis(&redis.url(), sealer(1), Clock::system()).await.unwrap();
    let other = Cache::redis(&redis.url(), sealer(2), Clock::system()).await.unwrap();
    cache.put(&PERSONAL, "mina", &login(1)).await.unwrap();
    cache.put(&PERSONAL, "jun", &login(2)).await.unwrap();
    cache.put(&LOGIN, "mina", &login(1)).await.unwrap();
    let path = |key| PERSONAL.path(key);
    assert!(redis.ask(&format!("GET {}", LOGIN.path("mina"))).contains("tries"));
    assert!(!redis.ask(&format!("GET {}", path("mina"))).contains("tries"));
    // In another's place it is nothing, and nothing for who has another key.
    assert_eq!(other.get(&PERSONAL, "mina").await.unwrap(), None);
    redis.ask(&format!("COPY {} {} REPLACE", path("mina"), path("jun")));
    assert_eq!(cache.get(&PERSONAL, "jun").await.unwrap(), None);
    assert_eq!(cache.get(&PERSONAL, "mina").await.unwrap(), Some(login(1)));
}
