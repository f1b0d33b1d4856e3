//! Tries are counted, whoever makes them.

use std::net::IpAddr;

use super::stage::{MINA_PIN, Stage, wrong_answer};
use crate::demo::loyalty_host::{KEN, LEA, MINA};
use crate::membership::{Answer, Begun, Method, Proven};

const HOUR: i64 = 3600;

#[tokio::test]
async fn too_many_tries_of_a_number_shut_it_for_a_day() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        let mal = stage.holder().await;
        stage.start(mal, MINA, Method::Pin).await;
    }
    let mina = stage.holder().await;
    for _ in 0..2 {
        assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::Limited { retry_after: 86_400 }));
    }
    assert_eq!(stage.events("membership.link_abuse").await, 1);
    assert_eq!(stage.calls("/challenges"), 3);
    // Other numbers stay open, and so does this one after a day, not after an hour.
    stage.start(mina, KEN, Method::Otp).await;
    stage.clock.advance(23 * HOUR);
    assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::Limited { retry_after: 3600 }));
    stage.clock.advance(HOUR + 1);
    stage.start(mina, MINA, Method::Otp).await;
}

#[tokio::test]
async fn an_unknown_number_is_shut_like_a_known_one() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        stage.start(stage.holder().await, "0091093833", Method::Pin).await;
    }
    assert!(matches!(
        stage.begin(stage.holder().await, "0091093833", Method::Pin).await,
        Begun::Limited { retry_after: 86_400 }
    ));
}

#[tokio::test]
async fn answers_after_the_first_count_as_tries() {
    let stage = Stage::new().await;
    let mal = stage.holder().await;
    let link = stage.start(mal, MINA, Method::Pin).await;
    let wrong = wrong_answer(Method::Pin);
    for attempts_left in [2, 1, 0] {
        let Proven::Wrong { attempts_left: left } = stage.prove(&link, mal, &wrong).await else { panic!() };
        assert_eq!(left, attempts_left);
    }
    assert!(matches!(stage.begin(mal, MINA, Method::Pin).await, Begun::Limited { .. }));
}

#[tokio::test]
async fn an_account_has_five_tries_a_day_and_shuts_no_number() {
    let stage = Stage::new().await;
    let mal = stage.holder().await;
    for number in [KEN, LEA, "0046692015", "0057721565", "0060221405"] {
        stage.start(mal, number, Method::Pin).await;
    }
    assert!(matches!(stage.begin(mal, MINA, Method::Pin).await, Begun::Limited { .. }));
    assert_eq!(stage.events("membership.link_abuse").await, 1);
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Pin).await;
    assert!(matches!(stage.prove(&link, mina, &Answer::Pin(MINA_PIN.into())).await, Proven::Linked(_)));
    stage.clock.advance(24 * HOUR + 1);
    stage.start(mal, KEN, Method::Pin).await;
}

#[tokio::test]
async fn a_network_has_its_limit_too() {
    let stage = Stage::with(|settings| settings.limits.ip_per_hour = 2).await;
    let from = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    for ip in ["192.0.2.1", "192.0.2.2"] {
        let begun = stage.begin_from(stage.holder().await, KEN, Method::Pin, from(ip)).await;
        assert!(matches!(begun, Begun::Started(_)));
    }
    let mina = stage.holder().await;
    assert!(matches!(stage.begin_from(mina, MINA, Method::Pin, from("192.0.2.3")).await, Begun::Limited { .. }));
    assert!(matches!(stage.begin_from(mina, MINA, Method::Pin, from("198.51.100.3")).await, Begun::Started(_)));
}

#[tokio::test]
async fn the_owner_is_not_punished_for_linking_often() {
    let stage = Stage::new().await;
    for _ in 0..4 {
        let mina = stage.holder().await;
        let linked = stage.link_mina(mina).await;
        stage.unlink(mina, linked.membership).await;
    }
}
