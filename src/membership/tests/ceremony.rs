//! Linking and unlinking.

use super::stage::{MINA_KBA, MINA_PIN, Stage, wrong_answer};
use crate::demo::loyalty_host::{Access, KEN, MINA};
use crate::jose::{Alg, JwkSet, SigningKey};
use crate::membership::{Answer, Begun, Holder, Method, Proven, Unlinked};
use crate::model::member::{MembershipState, ProofLevel};
use crate::model::{MembershipId, Random};

#[tokio::test]
async fn a_number_is_linked_by_a_code_to_the_contact_the_host_holds() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, " ００１-2345 675 ", Method::Otp).await;
    assert_eq!(link.hint.as_deref(), Some("•••12"));
    assert!(!link.masked_number.contains("001"));
    assert_eq!(stage.mailbox.lock().unwrap().last().unwrap().0, "+821055550112");

    let Proven::Linked(linked) = stage.prove(&link, mina, &stage.code()).await else { panic!() };
    assert_eq!(linked.level, ProofLevel::Substantial);
    assert_eq!(linked.facts.tier.as_deref(), Some("gold"));
    assert_eq!(linked.facts.tier_rank, Some(2));
    assert_eq!(linked.facts.balances[0].amount, 18_250);
    let member = stage.member(mina).await;
    assert_eq!((member.number.as_str(), member.state), (MINA, MembershipState::Active));
    assert_eq!(member.proof.method, "otp");
    assert_eq!(stage.events("membership.linked").await, 1);
}

#[tokio::test]
async fn each_proof_has_its_own_level() {
    for (method, answer, level) in [
        (Method::Pin, Answer::Pin(MINA_PIN.into()), ProofLevel::Substantial),
        (Method::Kba, MINA_KBA.into(), ProofLevel::Low),
        (Method::Kba, ("kim", "1994-05-17").into(), ProofLevel::Low),
    ] {
        let stage = Stage::new().await;
        let mina = stage.holder().await;
        let link = stage.start(mina, MINA, method).await;
        assert_eq!(link.hint, None);
        let Proven::Linked(linked) = stage.prove(&link, mina, &answer).await else { panic!("{method}") };
        assert_eq!(linked.level, level, "{method}");
        assert!(stage.mailbox.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_mistyped_number_never_reaches_the_host() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    for typed in ["0012345674", "0012345", "hello", "", "0012345675; drop"] {
        assert!(matches!(stage.begin(mina, typed, Method::Otp).await, Begun::InvalidNumber(_)), "{typed:?}");
    }
    assert!(stage.host.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_number_and_a_wrong_secret_look_the_same() {
    for method in [Method::Otp, Method::Pin, Method::Kba] {
        let stage = Stage::new().await;
        let mut seen = Vec::new();
        for number in [MINA, "0091093833"] {
            let holder = stage.holder().await;
            let link = stage.start(holder, number, method).await;
            let mut story = vec![format!("{:?} {}", link.hint.as_deref().map(str::len), link.expires_at)];
            for _ in 0..3 {
                story.push(format!("{:?}", stage.prove(&link, holder, &wrong_answer(method)).await));
            }
            story.push(format!("{:?}", stage.prove(&link, holder, &wrong_answer(method)).await));
            seen.push(story);
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].last().unwrap(), "Expired");
    }
}

#[tokio::test]
async fn only_the_browser_that_began_may_finish() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Otp).await;
    let mal = stage.holder().await;
    let elsewhere = Holder { session: Random::new().id(stage.clock.now()), ..mina };
    for stranger in [mal, elsewhere, Holder { session: mina.session, ..mal }] {
        assert!(matches!(stage.prove(&link, stranger, &stage.code()).await, Proven::Expired));
        assert!(stage.room.in_progress(link.transaction.expose(), stranger).await.unwrap().is_none());
    }
    assert!(matches!(stage.room.prove("guess", mina, &stage.code(), None).await.unwrap(), Proven::Expired));
    let shown = stage.room.in_progress(link.transaction.expose(), mina).await.unwrap().unwrap();
    assert_eq!(shown.hint, link.hint);
    assert!(matches!(stage.prove(&link, mina, &stage.code()).await, Proven::Linked(_)));
}

#[tokio::test]
async fn a_link_is_made_once() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Otp).await;
    let code = stage.code();
    let (room, transaction) = (&stage.room, link.transaction.expose());
    let mut tries = Vec::new();
    for _ in 0..50 {
        tries.push(room.prove(transaction, mina, &code, None));
    }
    let mut linked = 0;
    for outcome in crate::membership::sync::join_all(tries).await {
        match outcome.unwrap() {
            Proven::Linked(_) => linked += 1,
            Proven::Expired => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(linked, 1);
    assert_eq!(stage.calls("/challenges/"), 1);
    assert!(matches!(stage.prove(&link, mina, &code).await, Proven::Expired));
}

#[tokio::test]
async fn a_link_in_progress_ends_with_its_challenge() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Otp).await;
    stage.clock.advance(300);
    assert!(matches!(stage.prove(&link, mina, &stage.code()).await, Proven::Expired));
}

#[tokio::test]
async fn an_answer_to_something_else_is_not_an_answer() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Otp).await;
    for answer in [Answer::Pin(MINA_PIN.into()), Answer::Code("12".into()), MINA_KBA.into()] {
        assert!(matches!(stage.prove(&link, mina, &answer).await, Proven::Malformed));
    }
    assert_eq!(stage.calls("/challenges/"), 0);
    assert!(matches!(stage.prove(&link, mina, &stage.code()).await, Proven::Linked(_)));
}

#[tokio::test]
async fn a_number_linked_elsewhere_stays_there() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let other = stage.holder().await;
    let link = stage.start(other, MINA, Method::Otp).await;
    assert!(matches!(stage.prove(&link, other, &stage.code()).await, Proven::NotPossible));
    assert!(stage.store.memberships(other.account).await.unwrap().is_empty());
    assert_eq!(stage.member(mina).await.account, mina.account);
}

#[tokio::test]
async fn a_better_proof_of_an_own_number_replaces_the_old_one() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let link = stage.start(mina, MINA, Method::Kba).await;
    let Proven::Linked(linked) = stage.prove(&link, mina, &MINA_KBA.into()).await else { panic!() };
    let link = stage.start(mina, MINA, Method::Otp).await;
    let Proven::AlreadyYours(same) = stage.prove(&link, mina, &stage.code()).await else { panic!() };
    assert_eq!(same, linked.membership);
    assert_eq!(stage.member(mina).await.proof.level, ProofLevel::Substantial);
    let link = stage.start(mina, MINA, Method::Kba).await;
    assert!(matches!(stage.prove(&link, mina, &MINA_KBA.into()).await, Proven::AlreadyYours(_)));
    assert_eq!(stage.member(mina).await.proof.level, ProofLevel::Substantial);
}

#[tokio::test]
async fn one_person_may_hold_two_numbers() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    let link = stage.start(mina, KEN, Method::Pin).await;
    assert!(matches!(stage.prove(&link, mina, &Answer::Pin("730264".into())).await, Proven::Linked(_)));
    assert_eq!(stage.store.memberships(mina.account).await.unwrap().len(), 2);
}

#[tokio::test]
async fn proofs_and_programmes_not_configured_are_not_offered() {
    let stage = Stage::with(|settings| settings.programme[0].proofs = vec![Method::Otp]).await;
    let mina = stage.holder().await;
    assert!(matches!(stage.begin(mina, MINA, Method::Kba).await, Begun::MethodNotOffered));
    let mut stage = stage;
    stage.skyway = "other".into();
    assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::UnknownProgramme));
    assert!(stage.host.requests().is_empty());
}

#[tokio::test]
async fn the_host_is_told_of_links_and_unlinks_by_an_identifier_of_its_own() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let linked = stage.link_mina(mina).await;
    assert!(stage.host.links().is_empty());
    assert_eq!(stage.room.send_notices(&stage.skyway).await.unwrap().done, 1);
    assert_eq!(stage.room.send_notices(&stage.skyway).await.unwrap().done, 0);
    let links = stage.host.links();
    let subject = links.values().next().unwrap();
    assert_ne!(*subject, mina.account.to_string());
    assert!(stage.mailbox.lock().unwrap().last().unwrap().1.contains("연결됐어요"));

    stage.unlink(mina, linked.membership).await;
    assert_eq!(stage.room.unlink(mina.account, linked.membership).await.unwrap(), Unlinked::NotYours);
    assert_eq!(stage.room.send_notices(&stage.skyway).await.unwrap().done, 1);
    assert!(stage.host.links().is_empty());
}

#[tokio::test]
async fn nobody_unlinks_a_number_of_somebody_else() {
    let stage = Stage::new().await;
    let (mina, mal) = (stage.holder().await, stage.holder().await);
    let linked = stage.link_mina(mina).await;
    assert_eq!(stage.room.unlink(mal.account, linked.membership).await.unwrap(), Unlinked::NotYours);
    let unknown: MembershipId = Random::new().id(stage.clock.now());
    assert_eq!(stage.room.unlink(mina.account, unknown).await.unwrap(), Unlinked::NotYours);
    assert_eq!(stage.member(mina).await.state, MembershipState::Active);
}

#[tokio::test]
async fn linking_anew_before_the_host_heard_of_the_unlink_leaves_it_linked() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    let linked = stage.link_mina(mina).await;
    stage.room.send_notices(&stage.skyway).await.unwrap();
    stage.unlink(mina, linked.membership).await;
    stage.link_mina(mina).await;
    stage.room.send_notices(&stage.skyway).await.unwrap();
    assert_eq!(stage.host.links().len(), 1);
}

#[tokio::test]
async fn a_host_may_know_us_by_our_key() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("loyalty.pem");
    let key = SigningKey::generate(Alg::ES256, None).unwrap();
    std::fs::write(&key_file, pem(&key)).unwrap();
    let auth = format!(
        r#"{{ method = "private_key_jwt", key_file = "{}", alg = "ES256", client_id = "comity" }}"#,
        key_file.display()
    );
    let keys = JwkSet::parse(&serde_json::json!({ "keys": [key.public_jwk().to_value()] })).unwrap();
    // The host's base URL is known only once it listens: the audience is set to what the settings say.
    let access = Access::assertion(keys, "comity", "http://127.0.0.1/api");
    let stage = Stage::build(access.clone(), &auth, |_| {}).await;
    let mina = stage.holder().await;
    assert!(matches!(stage.begin(mina, MINA, Method::Otp).await, Begun::TryLater));
    access.set_audience(&stage.base_url);
    stage.link_mina(mina).await;
}

fn pem(key: &SigningKey) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let der = BASE64_STANDARD.encode(key.to_pkcs8().unwrap().expose());
    let lines: Vec<&str> = der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
