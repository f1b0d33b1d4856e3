//! A host in trouble troubles nobody else.

use std::time::{Duration, Instant};

use super::stage::{Stage, within};
use crate::demo::loyalty_host::MINA;
use crate::membership::{Begun, HostSettings, Method, Proven};

#[tokio::test]
async fn linking_waits_for_a_host_that_is_down_and_queues_nothing() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Otp).await;
    stage.host.set_down(true);
    assert!(matches!(stage.prove(&link, mina, &stage.code()).await, Proven::TryLater));
    assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::TryLater));
    stage.host.set_down(false);
    stage.host.clear_requests();
    stage.room.catch_up(&stage.skyway).await.unwrap();
    stage.room.send_notices(&stage.skyway).await.unwrap();
    assert_eq!(stage.calls("/challenges"), 0);
    assert!(matches!(stage.prove(&link, mina, &stage.code()).await, Proven::Linked(_)));
}

#[tokio::test]
async fn an_outage_uses_up_nobodys_tries() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.host.set_down(true);
    for _ in 0..8 {
        assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::TryLater));
    }
    stage.host.set_down(false);
    stage.link_mina(mina).await;
    assert_eq!(stage.events("membership.link_abuse").await, 0);
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone_until_it_is_back() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let member = stage.member(mina).await;
    stage.host.set_down(true);
    assert!(stage.room.unreachable().is_empty());
    for _ in 0..20 {
        assert!(!stage.room.refresh(&member).await.unwrap());
    }
    assert!(stage.room.unreachable().contains(&stage.skyway));
    stage.host.clear_requests();
    assert!(!stage.room.refresh(&member).await.unwrap());
    assert!(stage.host.requests().is_empty());
    stage.host.set_down(false);
    stage.clock.advance(9);
    assert!(!stage.room.refresh(&member).await.unwrap());
    assert!(stage.host.requests().is_empty());
    stage.clock.advance(1);
    stage.room.catch_up(&stage.skyway).await.unwrap();
    assert!(stage.room.refresh(&member).await.unwrap());
    assert!(stage.room.unreachable().is_empty());
}

#[tokio::test]
async fn while_the_host_is_down_facts_keep_their_age() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let before = stage.member(mina).await.facts;
    assert!(stage.room.unreachable().is_empty());
    stage.host.set_down(true);
    stage.clock.advance(901);
    assert!(!stage.room.refresh_stale(&[stage.member(mina).await]).await.unwrap());
    assert_eq!(stage.member(mina).await.facts, before);
    assert!(stage.room.unreachable().contains(&stage.skyway));
    stage.host.set_down(false);
    stage.room.catch_up(&stage.skyway).await.unwrap();
    assert!(stage.room.unreachable().is_empty());
}

#[tokio::test]
async fn a_relying_party_waits_a_moment_for_fresh_facts_and_no_longer() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.host.clear_requests();
    stage.host.set_points(MINA, 20_000);
    assert!(!stage.room.refresh_stale(&[stage.member(mina).await]).await.unwrap());
    assert_eq!(stage.member(mina).await.facts.balances[0].amount, 18_250);
    assert!(stage.host.requests().is_empty());
    stage.clock.advance(61);
    assert!(stage.room.refresh_stale(&[stage.member(mina).await]).await.unwrap());
    assert_eq!(stage.member(mina).await.facts.balances[0].amount, 20_000);
    let known = [stage.member(mina).await];
    stage.host.set_slow(5_000);
    stage.clock.advance(61);
    let started = Instant::now();
    assert!(!within(2_000, stage.room.refresh_stale(&known)).await.unwrap());
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(stage.member(mina).await.facts.balances[0].amount, 20_000);
}

#[tokio::test]
async fn a_slow_host_takes_no_more_than_its_places() {
    let stage = Stage::with(|settings| {
        let HostSettings::Http(host) = &mut settings.programme[0].host;
        (host.max_in_flight, host.interactive_timeout_ms) = (2, 1_000);
    })
    .await;
    stage.host.set_slow(600);
    let mut holders = Vec::new();
    for _ in 0..6 {
        holders.push(stage.holder().await);
    }
    let numbers = [MINA, "0027182816", "0031415926", "0046692015", "0057721565", "0060221405"];
    let begins = holders.iter().zip(numbers).map(|(holder, number)| stage.begin(*holder, number, Method::Pin));
    let begun = within(1_000, crate::membership::sync::join_all(begins.collect())).await;
    let started = begun.iter().filter(|begun| matches!(begun, Begun::Started(_))).count();
    let refused = begun.iter().filter(|begun| matches!(begun, Begun::TryLater)).count();
    assert_eq!((started, refused), (2, 4));
}

#[tokio::test]
async fn a_slow_host_slows_no_other_programme() {
    let other = Stage::new().await;
    let other_url = other.base_url.clone();
    let stage = Stage::with(|settings| {
        let mut second = settings.programme[0].clone();
        second.id = "milenote".into();
        let HostSettings::Http(host) = &mut second.host;
        host.base_url = other_url.parse().unwrap();
        settings.programme.push(second);
    })
    .await;
    stage.host.set_slow(5_000);
    let (mina, ken) = (stage.holder().await, stage.holder().await);
    let slow = stage.begin(mina, MINA, Method::Pin);
    let fast = async {
        let started = Instant::now();
        // The second programme's host knows only its own code: it refuses at once, which is all that matters here.
        let locale = crate::model::Locale::english();
        let programme = "milenote".into();
        let wish = crate::membership::Begin {
            holder: ken,
            programme: &programme,
            number: MINA,
            method: Method::Pin,
            ip: None,
            locale: &locale,
        };
        stage.room.begin(wish).await.unwrap();
        started.elapsed()
    };
    let (slow, elapsed) = within(4_500, Box::pin(async { tokio::join!(slow, fast) })).await;
    assert!(matches!(slow, Begun::TryLater));
    assert!(elapsed < Duration::from_millis(500), "{elapsed:?}");
}

#[tokio::test]
async fn notices_wait_out_an_outage() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.host.set_down(true);
    assert!(stage.room.send_notices(&stage.skyway).await.unwrap().interrupted);
    stage.host.set_down(false);
    assert_eq!(stage.room.send_notices(&stage.skyway).await.unwrap().done, 1);
    assert_eq!(stage.host.links().len(), 1);
}
