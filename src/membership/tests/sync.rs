//! Following the host.

use super::stage::{Stage, wrong_answer};
use crate::demo::loyalty_host::{MINA, MemberStatus};
use crate::membership::Method;

#[tokio::test]
async fn a_change_at_the_host_arrives_once() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.host.promote(MINA, 1);
    stage.host.set_points(MINA, 99);
    // Somebody nobody linked.
    stage.host.promote("0027182816", 1);
    assert_eq!(stage.room.catch_up(&stage.skyway).await.unwrap().done, 1);
    let facts = stage.member(mina).await.facts;
    assert_eq!((facts.tier.as_deref(), facts.tier_rank), (Some("platinum"), Some(3)));
    assert_eq!(facts.balances[0].amount, 99);
    assert_eq!(stage.events("membership.changed").await, 1);
    assert_eq!(stage.room.catch_up(&stage.skyway).await.unwrap().done, 0);
    assert_eq!(stage.events("membership.changed").await, 1);
}

#[tokio::test]
async fn after_an_outage_the_feed_catches_up() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.room.catch_up(&stage.skyway).await.unwrap();
    stage.host.set_down(true);
    stage.host.promote(MINA, -1);
    stage.host.promote(MINA, 2);
    stage.host.promote(MINA, -2);
    assert!(stage.room.catch_up(&stage.skyway).await.unwrap().interrupted);
    stage.host.set_down(false);
    stage.room.catch_up(&stage.skyway).await.unwrap();
    let followed = stage.member(mina).await.facts;
    assert_eq!(followed.tier.as_deref(), Some("silver"));
    assert_eq!(stage.events("membership.changed").await, 1);
    stage.room.refresh(&stage.member(mina).await).await.unwrap();
    assert_eq!(stage.member(mina).await.facts, followed);
}

#[tokio::test]
async fn a_gap_in_the_feed_is_closed_by_reading_everybody() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.host.promote(MINA, 1);
    stage.room.catch_up(&stage.skyway).await.unwrap();
    stage.host.promote(MINA, -3);
    stage.host.trim_feed();
    assert_eq!(stage.room.catch_up(&stage.skyway).await.unwrap().done, 1);
    assert_eq!(stage.member(mina).await.facts.tier.as_deref(), Some("member"));
    stage.host.promote(MINA, 1);
    assert_eq!(stage.room.catch_up(&stage.skyway).await.unwrap().done, 1);
    assert_eq!(stage.member(mina).await.facts.tier.as_deref(), Some("silver"));
}

#[tokio::test]
async fn a_long_feed_is_read_to_its_end() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    for points in 0..250 {
        stage.host.set_points(MINA, points);
    }
    stage.host.promote(MINA, 1);
    assert_eq!(stage.room.catch_up(&stage.skyway).await.unwrap().done, 3);
    assert_eq!(stage.member(mina).await.facts.balances[0].amount, 249);
    assert_eq!(stage.member(mina).await.facts.tier.as_deref(), Some("platinum"));
}

#[tokio::test]
async fn unchanged_members_are_read_by_their_tag() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let linked = stage.member(mina).await;
    assert!(linked.facts.etag.is_some());
    stage.clock.advance(100);
    stage.host.clear_requests();
    assert!(stage.room.refresh(&linked).await.unwrap());
    assert!(stage.host.requests().iter().any(|call| call.status == 304));
    let facts = stage.member(mina).await.facts;
    assert_eq!(facts.as_of, Some(stage.clock.now()));
    assert_eq!(facts.tier, linked.facts.tier);
    assert_eq!(stage.events("membership.changed").await, 0);
}

#[tokio::test]
async fn background_work_reads_who_is_due() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let (round, next) = stage.room.refresh_due(&stage.skyway, None).await.unwrap();
    assert_eq!((round.done, next), (0, None));
    stage.clock.advance(6 * 3600 + 1);
    stage.host.set_status(MINA, MemberStatus::Frozen);
    let (round, next) = stage.room.refresh_due(&stage.skyway, None).await.unwrap();
    assert_eq!((round.done, next), (1, None));
    assert_eq!(stage.member(mina).await.facts.status.as_deref(), Some("frozen"));
    assert_eq!(stage.events("membership.changed").await, 1);
}

#[tokio::test]
async fn every_call_may_run_on_any_thread() {
    fn is_send<T: Send>(_: &T) {}
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let (room, code) = (stage.room.clone(), wrong_answer(Method::Otp));
    is_send(&room.prove("none", mina, &code, None));
    is_send(&room.refresh_stale(&[]));
    is_send(&room.catch_up(&stage.skyway));
    is_send(&room.send_notices(&stage.skyway));
    is_send(&room.refresh_due(&stage.skyway, None));
    let (skyway, known) = (stage.skyway.clone(), stage.store.memberships(mina.account).await.unwrap());
    let work = tokio::spawn(async move {
        room.refresh_stale(&known).await.unwrap();
        room.refresh_due(&skyway, None).await.unwrap();
        room.catch_up(&skyway).await.unwrap();
        room.send_notices(&skyway).await.unwrap();
        room.prove("none", mina, &code, None).await.unwrap();
    });
    work.await.unwrap();
}
