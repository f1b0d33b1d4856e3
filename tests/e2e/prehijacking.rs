//! The five published classes of account pre-hijacking: whatever an attacker prepares with somebody else's address, its
//! owner gets an account of their own, and nothing that was planted.

use comity::demo::simulators::Provider;
use comity::model::Random;
use comity::model::account::Stage as AccountStage;
use comity::model::digest::sha256;
use comity::model::session::{Authentication, Session};

use crate::support::Stage;

const GMAIL: &str = "mina.skyway.demo@gmail.com";

stage_stories!(
    prehijack_by_a_classic_merge,
    prehijack_by_an_unexpired_session,
    prehijack_by_a_trojan_login,
    prehijack_by_an_unexpired_change_of_address,
    prehijack_by_a_provider_that_verifies_nothing,
);

/// The attacker has an account that claims the victim's address; the victim comes by a login that proves it.
async fn prehijack_by_a_classic_merge(stage: Stage) {
    stage.change_person(Provider::Naver, "mina", |attacker| attacker.email = Some(GMAIL.to_owned()));
    let rp = stage.rp("web");
    let mut attacker = stage.browser();
    let planted = rp.sign_in_at(&mut attacker, Provider::Naver, "mina").await;
    let planted_account = stage.account_of(Provider::Naver, "mina").await;
    let (rp, mut victim) = stage.begin().await;
    victim.sign_in_at(Provider::Google, "mina").await;
    // Nothing is offered: whoever merely claims an address owns nothing.
    victim.assert_at("/sign-up");
    victim.sign_up().await;
    let code = rp.code(&victim);
    let own = rp.redeem(&code).await;
    assert_ne!(own.sub(), planted.sub());
    let account = stage.account_of(Provider::Google, "mina").await;
    assert_eq!(stage.owner_of(GMAIL).await, Some(account));
    assert!(stage.store().contacts(planted_account).await.unwrap().is_empty());
    // And the attacker's login still opens the attacker's account only.
    let again = rp.sign_in_at(&mut stage.browser(), Provider::Naver, "mina").await;
    assert_eq!(again.sub(), planted.sub());
    assert_eq!(rp.claims(&own).await["email"], GMAIL);
}

/// The attacker began an account with the victim's address and left a session open in it.
async fn prehijack_by_an_unexpired_session(stage: Stage) {
    let planted = stage.account_at(AccountStage::LiteUnverified, GMAIL, false).await;
    let cookie = "planted-session-secret-planted-session-secre";
    let session = Session {
        id: Random::new().id(stage.now()),
        account: planted,
        authentication: Authentication {
            time: stage.now(),
            amr: vec!["pwd".to_owned()],
            acr: "urn:comity:acr:1".to_owned(),
            connection: None,
        },
        created_at: stage.now(),
        last_seen_at: stage.now(),
        expires_at: stage.now() + 86_400,
        user_agent: "attacker".to_owned(),
    };
    stage.store().start_session(&session, &sha256(cookie.as_bytes()), None, stage.now()).await.unwrap();
    let mut attacker = stage.browser();
    attacker.open("/account").await;
    attacker.plant_cookie("comity_session", cookie);
    attacker.open("/account").await;
    attacker.assert_at("/account");
    let (rp, mut victim) = stage.begin().await;
    victim.sign_in(&stage, GMAIL).await;
    victim.assert_at("/sign-up");
    victim.fill("name", "Mina Kim").sign_up().await;
    rp.code(&victim);
    let owner = stage.owner_of(GMAIL).await.unwrap();
    assert_ne!(owner, planted);
    attacker.open("/account").await;
    attacker.assert_at("/sign-in");
}

/// The attacker's own login hangs on an account that claims the victim's address.
async fn prehijack_by_a_trojan_login(stage: Stage) {
    stage.change_person(Provider::Facebook, "mina", |attacker| attacker.email = Some("victim@example.com".to_owned()));
    let rp = stage.rp("web");
    let planted = rp.sign_in_at(&mut stage.browser(), Provider::Facebook, "mina").await;
    let (rp, mut victim) = stage.begin().await;
    victim.sign_in(&stage, "victim@example.com").await;
    victim.assert_at("/sign-up");
    victim.fill("name", "Vic Tim").sign_up().await;
    let code = rp.code(&victim);
    let own = rp.redeem(&code).await;
    assert_ne!(own.sub(), planted.sub());
    let again = rp.sign_in_at(&mut stage.browser(), Provider::Facebook, "mina").await;
    assert_eq!(again.sub(), planted.sub());
    let owner = stage.owner_of("victim@example.com").await.unwrap();
    assert!(stage.store().identities(owner).await.unwrap().is_empty());
}

/// The attacker began to add the victim's address to an account of their own.
async fn prehijack_by_an_unexpired_change_of_address(stage: Stage) {
    let attacker_account = stage.person("mal@example.com", "Mal").await;
    let mut attacker = stage.browser();
    attacker.open("/account").await;
    attacker.sign_in(&stage, "mal@example.com").await;
    attacker.fill("email", "victim@example.com").press("add-email").await;
    attacker.assert_at("/account/email");
    let pending = stage.code_mailed_to("victim@example.com");
    let (rp, mut victim) = stage.begin().await;
    victim.sign_in(&stage, "victim@example.com").await;
    victim.fill("name", "Vic Tim").sign_up().await;
    rp.code(&victim);
    let owner = stage.owner_of("victim@example.com").await.unwrap();
    // Even with the code, the address is the victim's by now.
    attacker.fill("code", &pending).press("continue").await;
    assert_eq!(attacker.problem(), stage.say("en", "problem.address_taken"));
    assert_eq!(stage.owner_of("victim@example.com").await, Some(owner));
    assert_eq!(stage.store().contacts(attacker_account).await.unwrap().len(), 1);
}

/// The attacker's provider lets anybody claim any address.
async fn prehijack_by_a_provider_that_verifies_nothing(stage: Stage) {
    let victim = stage.person("victim@example.com", "Vic Tim").await;
    stage.change_person(Provider::Naver, "mina", |attacker| attacker.email = Some("victim@example.com".to_owned()));
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Naver, "mina").await;
    browser.assert_at("/sign-in/account");
    browser.settle_as_new().await;
    let code = rp.code(&browser);
    let claims = rp.claims(&rp.redeem(&code).await).await;
    assert!(claims.get("email").is_none(), "{claims}");
    assert_eq!(stage.owner_of("victim@example.com").await, Some(victim));
    assert_ne!(stage.account_of(Provider::Naver, "mina").await, victim);
}
