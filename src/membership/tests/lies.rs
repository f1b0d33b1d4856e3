//! What a host says is believed only as far as it holds together.

use super::stage::{MINA_KBA, Stage};
use crate::demo::loyalty_host::{Lie, MINA};
use crate::membership::{Begun, Method, Proven};
use crate::model::member::ProofLevel;

#[tokio::test]
async fn no_lie_costs_anybody_anything() {
    for lie in Lie::ALL {
        let stage = Stage::new().await;
        let mina = stage.holder().await;
        stage.link_mina(mina).await;
        let before = stage.member(mina).await;
        stage.host.lie(Some(lie));
        stage.clock.advance(61);
        stage.host.promote(MINA, 1);
        stage.room.refresh(&before).await.unwrap();
        stage.room.catch_up(&stage.skyway).await.unwrap();
        let after = stage.member(mina).await;
        let harmless = matches!(lie, Lie::LevelTooHigh | Lie::NoMemberRef | Lie::NegativePoints);
        if !harmless {
            assert_eq!(after.facts.tier, before.facts.tier, "{lie:?}");
        }
        assert!(after.facts.balances.iter().all(|balance| balance.amount == 18_250), "{lie:?}");
        assert_eq!((after.account, after.state, &after.number), (before.account, before.state, &before.number));

        stage.host.lie(None);
        stage.clock.advance(10);
        let round = stage.room.catch_up(&stage.skyway).await.unwrap();
        assert!(!round.interrupted, "{lie:?}");
        stage.room.refresh(&stage.member(mina).await).await.unwrap();
        let healed = stage.member(mina).await;
        assert_eq!(healed.facts.tier.as_deref(), Some("platinum"), "{lie:?}");
        assert_eq!(stage.events("membership.changed").await, 1, "{lie:?}");
    }
}

#[tokio::test]
async fn a_lie_about_a_challenge_starts_none() {
    for lie in [Lie::WrongTypes, Lie::HugeBody, Lie::InvalidJson, Lie::DeepJson, Lie::Html] {
        let stage = Stage::new().await;
        let mina = stage.holder().await;
        stage.host.lie(Some(lie));
        assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::TryLater), "{lie:?}");
    }
}

#[tokio::test]
async fn a_lie_about_an_answer_links_nothing() {
    for lie in [Lie::WrongTypes, Lie::NoMemberRef, Lie::HugeBody, Lie::InvalidJson, Lie::DeepJson, Lie::Html] {
        let stage = Stage::new().await;
        let mina = stage.holder().await;
        let link = stage.start(mina, MINA, Method::Otp).await;
        let code = stage.code();
        stage.host.lie(Some(lie));
        assert!(matches!(stage.prove(&link, mina, &code).await, Proven::TryLater), "{lie:?}");
        assert!(stage.store.memberships(mina.account).await.unwrap().is_empty(), "{lie:?}");
    }
}

#[tokio::test]
async fn a_method_proves_no_more_than_it_can() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Kba).await;
    stage.host.lie(Some(Lie::LevelTooHigh));
    let Proven::Linked(linked) = stage.prove(&link, mina, &MINA_KBA.into()).await else { panic!() };
    assert_eq!(linked.level, ProofLevel::Low);
    assert_eq!(stage.member(mina).await.proof.level, ProofLevel::Low);
}

#[tokio::test]
async fn one_member_ref_stands_for_one_number() {
    let stage = Stage::new().await;
    let (mina, mal) = (stage.holder().await, stage.holder().await);
    stage.host.lie(Some(Lie::OtherMember));
    // Both are told the same reference; the first keeps it.
    stage.link_mina(mina).await;
    let link = stage.start(mal, "0027182816", Method::Otp).await;
    assert!(matches!(stage.prove(&link, mal, &stage.code()).await, Proven::TryLater));
    assert!(stage.store.memberships(mal.account).await.unwrap().is_empty());
}
