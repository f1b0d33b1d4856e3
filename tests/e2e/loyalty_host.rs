//! The loyalty host is away, slow, wrong, or has news: what people and relying parties see meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comity::demo::loyalty_host::{LEA, Lie, MINA};
use comity::model::member::ProofLevel;
use serde_json::json;

use crate::support::{Browser, Stage, membership};

const EMAIL: &str = "mina@home.example";

/// A person signed in on the account page.
async fn mina_signed_in(stage: &Stage) -> Browser {
    stage.person(EMAIL, "김민지").await;
    stage.on_account_page(EMAIL).await
}

stage_stories!(
    signing_in_does_not_need_the_host,
    nothing_is_invented_while_the_host_is_away,
    connecting_has_to_wait_for_the_host,
    a_slow_host_holds_up_nobody_else,
    a_promotion_is_seen_at_once,
    a_feed_caught_up_with_equals_a_reading_anew,
    a_host_that_fails_is_left_alone_for_a_while,
    a_host_cannot_lend_a_proof_more_weight,
    a_host_that_lies_links_nobody,
);

async fn signing_in_does_not_need_the_host(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    stage.fares(&mut browser).await;
    let rp = stage.rp("web");
    for trouble in ["down", "slow"] {
        stage.host.set_down(trouble == "down");
        stage.host.set_slow(if trouble == "slow" { 20_000 } else { 0 });
        stage.host.clear_requests();
        stage.advance(3600);
        let began = Instant::now();
        rp.sign_in(&mut stage.browser(), &stage, EMAIL).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{trouble}: {:?}", began.elapsed());
        assert!(stage.host.requests().is_empty(), "{trouble}: {:?}", stage.host.requests());
    }
}

async fn nothing_is_invented_while_the_host_is_away(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    let linked_at = stage.now().to_rfc3339();
    let (tokens, claims) = stage.fares(&mut browser).await;
    assert_eq!(membership(&claims)["as_of"], linked_at);
    let shop = stage.shop().await;
    stage.host.set_down(true);
    stage.host.set_tier(MINA, "platinum");
    stage.advance(120);
    let claims = shop.claims(&tokens).await;
    let known = membership(&claims);
    assert_eq!((&known["tier"], &known["stale"], &known["as_of"]), (&json!("gold"), &json!(true), &json!(linked_at)));
    assert_eq!(known["balances"][0]["amount"], 18_250);
    // Points are no older than a quarter of an hour, and absent rather than zero.
    stage.advance(800);
    let (tokens, claims) = stage.fares(&mut browser).await;
    let known = membership(&claims);
    assert!(known.get("balances").is_none(), "{known}");
    assert_eq!((&known["tier"], &known["stale"]), (&json!("gold"), &json!(true)));
    // The account page says so, too.
    browser.open("/account").await;
    assert!(browser.page.text("main").contains("being refreshed"), "{}", browser.page.text("main"));
    // And it is over when the host is back.
    stage.host.set_down(false);
    stage.advance(30);
    let claims = shop.claims(&tokens).await;
    let known = membership(&claims);
    assert_eq!((&known["tier"], &known["stale"]), (&json!("platinum"), &json!(false)));
    assert_eq!(known["balances"][0]["amount"], 18_250);
    // A tier is not handed on after three days.
    stage.host.set_down(true);
    stage.advance(73 * 3600);
    browser.jar.remove("comity_session");
    browser.open("/account").await;
    browser.sign_in(&stage, EMAIL).await;
    let (_, claims) = stage.fares(&mut browser).await;
    let entry = claims["urn:comity:memberships"].as_array().and_then(|all| all.first()).cloned().unwrap_or_default();
    assert!(entry.get("tier").is_none() && entry.get("balances").is_none(), "{claims}");
}

async fn connecting_has_to_wait_for_the_host(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.host.set_down(true);
    let later = stage.say("en", "link_member.later_text").replace("{name}", "SkyWay Club");
    for _ in 0..4 {
        browser.begin_link(MINA, "pin").await;
        assert!(browser.page.text("main").contains(&later), "{}", browser.page.text("main"));
        browser.press("continue").await;
        browser.assert_at("/account");
    }
    // What the host could not judge cost no try; and an answer it did not hear is not kept to be sent later.
    stage.host.set_down(false);
    stage.advance(11);
    browser.begin_link(MINA, "pin").await;
    stage.host.set_down(true);
    browser.prove_by_pin(&stage.mina().pin).await;
    assert!(browser.page.text("main").contains(&later), "{}", browser.page.text("main"));
    stage.host.set_down(false);
    stage.host.clear_requests();
    stage.advance(11);
    stage.catch_up().await;
    stage.send_notices().await;
    let verified = stage.host.requests().into_iter().filter(|call| call.path.contains("verify"));
    assert_eq!(verified.count(), 0);
    assert_eq!(stage.happened("membership.linked").await, 0);
    stage.link_mina(&mut browser).await;
}

async fn a_slow_host_holds_up_nobody_else(mut stage: Stage) {
    stage.change_settings("[programmes.host]\n", "[programmes.host]\ninteractive_timeout_ms = 500\n").await;
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    let (tokens, _) = stage.fares(&mut browser).await;
    let shop = stage.shop().await;
    stage.host.set_slow(20_000);
    stage.advance(120);
    // Whoever asks for claims waits a moment, not for the host.
    let began = Instant::now();
    let claims = shop.claims(&tokens).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(membership(&claims)["stale"], true);
    // Forty people who connect a number wait in vain, and nobody else with them.
    let stage = Arc::new(stage);
    let mut waiting = tokio::task::JoinSet::new();
    for at in 0..40 {
        let stage = Arc::clone(&stage);
        waiting.spawn(async move {
            let email = format!("person{at}@home.example");
            stage.person(&email, "Somebody").await;
            let mut browser = stage.on_account_page(&email).await;
            browser.begin_link(LEA, "pin").await;
            assert!(!browser.page.has_field("pin"));
        });
    }
    stage.person("else@home.example", "Else").await;
    let rp = stage.rp("web");
    rp.sign_in(&mut stage.browser(), &stage, "else@home.example").await;
    waiting.join_all().await;
}

async fn a_promotion_is_seen_at_once(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    let (tokens, _) = stage.fares(&mut browser).await;
    let shop = stage.shop().await;
    stage.catch_up().await;
    stage.host.set_tier(MINA, "platinum");
    stage.host.set_points(MINA, 20_000);
    stage.catch_up().await;
    let claims = shop.claims(&tokens).await;
    assert_eq!(membership(&claims)["tier"], "platinum");
    assert_eq!(membership(&claims)["tier_rank"], 3);
    assert_eq!(membership(&claims)["balances"][0]["amount"], 20_000);
    assert_eq!(stage.happened("membership.changed").await, 1);
    // Without the feed, a request for claims asks the host itself once its word is a minute old.
    stage.host.set_tier(MINA, "silver");
    assert_eq!(membership(&shop.claims(&tokens).await)["tier"], "platinum");
    stage.advance(61);
    assert_eq!(membership(&shop.claims(&tokens).await)["tier"], "silver");
}

async fn a_feed_caught_up_with_equals_a_reading_anew(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    stage.person("lea@home.example", "Léa").await;
    let mut lea = stage.on_account_page("lea@home.example").await;
    lea.begin_link(LEA, "pin").await;
    lea.prove_by_pin(&stage.host.member(LEA).unwrap().pin).await;
    stage.catch_up().await;
    stage.host.set_down(true);
    let changes =
        [(MINA, "silver", 5), (LEA, "gold", 900), (MINA, "platinum", 7_000), (LEA, "silver", 1), (MINA, "gold", 9)];
    for (number, tier, points) in changes {
        stage.host.set_tier(number, tier);
        stage.host.set_points(number, points);
    }
    assert!(stage.catch_up().await.interrupted);
    stage.host.set_down(false);
    stage.advance(15);
    let round = stage.catch_up().await;
    assert!(!round.interrupted, "{round:?}");
    let memberships = stage.app().web().memberships.clone();
    let programme = "skyway".into();
    let after_feed = stage.store().memberships_of_programme(&programme, None, 10).await.unwrap();
    for member in &after_feed {
        assert!(memberships.refresh(member).await.unwrap());
    }
    let anew = stage.store().memberships_of_programme(&programme, None, 10).await.unwrap();
    assert_eq!(after_feed, anew);
    let standing: Vec<_> =
        anew.iter().map(|it| (it.facts.tier.as_deref().unwrap(), it.facts.balances[0].amount)).collect();
    assert!(standing.contains(&("gold", 9)) && standing.contains(&("silver", 1)), "{standing:?}");
    // Gold is what she was before: one event for Léa, none for a tier that came back to what it was.
    assert_eq!(stage.happened("membership.changed").await, 1);
    stage.catch_up().await;
    assert_eq!(stage.happened("membership.changed").await, 1);
    // A host that forgot our place makes us read everybody.
    stage.host.set_tier(LEA, "platinum");
    stage.host.trim_feed();
    stage.advance(15);
    stage.catch_up().await;
    let tiers = stage.store().memberships_of_programme(&programme, None, 10).await.unwrap();
    assert!(tiers.iter().any(|it| it.facts.tier.as_deref() == Some("platinum")));
}

async fn a_host_that_fails_is_left_alone_for_a_while(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    let (tokens, _) = stage.fares(&mut browser).await;
    let shop = stage.shop().await;
    stage.host.set_down(true);
    stage.host.clear_requests();
    stage.advance(120);
    for _ in 0..30 {
        assert_eq!(membership(&shop.claims(&tokens).await)["stale"], true);
    }
    let calls = stage.host.requests().len();
    assert!(calls <= 12, "{calls} calls to a dead host");
    // One call in ten seconds finds out whether it is back.
    stage.host.set_down(false);
    stage.advance(10);
    shop.claims(&tokens).await;
    let known = shop.claims(&tokens).await;
    assert_eq!(membership(&known)["stale"], false);
}

async fn a_host_cannot_lend_a_proof_more_weight(stage: Stage) {
    stage.host.lie(Some(Lie::LevelTooHigh));
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "kba").await;
    browser.prove_by_knowledge("김", "1994-05-17").await;
    let account = stage.owner_of(EMAIL).await.unwrap();
    let levels: Vec<_> = stage.store().memberships(account).await.unwrap().iter().map(|it| it.proof.level).collect();
    assert_eq!(levels, [ProofLevel::Low]);
}

async fn a_host_that_lies_links_nobody(stage: Stage) {
    for (at, lie) in [Lie::WrongTypes, Lie::NoMemberRef, Lie::HugeBody, Lie::InvalidJson, Lie::DeepJson, Lie::Html]
        .into_iter()
        .enumerate()
    {
        let email = format!("person{at}@home.example");
        stage.person(&email, "Somebody").await;
        let mut browser = stage.on_account_page(&email).await;
        stage.host.lie(None);
        stage.advance(3700);
        browser.open("/account").await;
        browser.begin_link(MINA, "pin").await;
        stage.host.lie(Some(lie));
        browser.prove_by_pin(&stage.mina().pin).await;
        assert_eq!(browser.page.status, 200);
        assert!(!browser.page.url.query().unwrap_or_default().contains("done="), "{lie:?}");
        assert_eq!(stage.happened("membership.linked").await, 0, "{lie:?}");
    }
}
