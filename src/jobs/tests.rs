use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::duty::Duty;
use super::{Turns, on_duty, take_turns};
use crate::cache::Cache;
use crate::membership::{Membership, MembershipSettings};
use crate::model::{Clock, Random, Secret, UnixTime};
use crate::outbound::{Outbound, OutboundSettings};
use crate::store::{DatabaseSettings, Store, Vault};

struct Node {
    duty: Duty,
    membership: Membership,
}

impl Node {
    async fn new(cache: &Cache, clock: &Clock) -> Self {
        let vault = Vault::new(vec![Secret::new([7; 32])]).unwrap();
        let store = Store::open(&DatabaseSettings::new("sqlite::memory:"), vault, Random::new()).await.unwrap();
        let outbound = Outbound::new(&OutboundSettings::default()).unwrap();
        let (settings, random) = (MembershipSettings::default(), Random::new());
        let membership =
            Membership::new(settings, store, cache.clone(), &outbound, random.clone(), clock.clone()).unwrap();
        Self { duty: Duty::new(cache.clone(), membership.clone(), &random), membership }
    }

    async fn is_on(&self) -> bool {
        self.duty.look().await;
        *self.duty.watch().borrow()
    }
}

async fn two() -> (Node, Node, Clock) {
    let clock = Clock::manual(UnixTime(0));
    let cache = Cache::memory(clock.clone());
    (Node::new(&cache, &clock).await, Node::new(&cache, &clock).await, clock)
}

#[tokio::test]
async fn one_node_is_on_duty_and_another_takes_over_when_it_falls_silent() {
    let (one, other, clock) = two().await;
    for _ in 0..10 {
        assert!(one.is_on().await);
        assert!(!other.is_on().await);
        clock.advance(1);
    }
    // Not heard of for five seconds.
    clock.advance(3);
    assert!(!other.is_on().await);
    clock.advance(1);
    assert!(other.is_on().await);
    // It was only slow: it sees that it is not its turn any more.
    assert!(!one.is_on().await);
    other.duty.resign().await;
    assert!(!*other.duty.watch().borrow());
    assert!(one.is_on().await);
    // Who is not on duty has nothing to give back.
    other.duty.resign().await;
    assert!(one.is_on().await);
}

#[tokio::test]
async fn the_others_hear_which_hosts_do_not_answer() {
    let (one, other, clock) = two().await;
    assert!(one.is_on().await);
    let down = BTreeSet::from(["skyway".into()]);
    other.membership.hear(Some(down.clone()));
    assert_eq!(other.membership.unreachable(), down);
    assert!(!other.is_on().await);
    assert!(other.membership.unreachable().is_empty(), "it answers the node on duty");
    // On duty, a node believes itself.
    other.membership.hear(Some(down));
    clock.advance(5);
    assert!(other.is_on().await);
    assert!(other.membership.unreachable().is_empty());
}

#[tokio::test]
async fn work_is_done_while_it_is_ones_turn() {
    let (turn, duty) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    let (done, mut rounds) = mpsc::unbounded_channel();
    let work = on_duty(Duration::ZERO, Turns { duty, stop: stopped }, move || {
        let done = done.clone();
        async move { done.send(()).unwrap() }
    });
    let job = tokio::spawn(work);
    assert!(rounds.is_empty());
    turn.send(true).unwrap();
    rounds.recv().await.unwrap();
    rounds.recv().await.unwrap();
    stop.send(true).unwrap();
    job.await.unwrap();
}

#[tokio::test]
async fn a_node_that_stops_leaves_the_work_to_others() {
    let (one, other, _) = two().await;
    let (stop, stopped) = watch::channel(false);
    let mut turn = one.duty.watch();
    let job = tokio::spawn(take_turns(one.duty, stopped));
    turn.wait_for(|on| *on).await.unwrap();
    assert!(!other.is_on().await);
    stop.send(true).unwrap();
    job.await.unwrap();
    assert!(other.is_on().await);
}
