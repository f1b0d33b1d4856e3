//! Two nodes over one database and one cache are one provider: whatever one node has done counts on the other.
//!
//! Time stands still, so that *at once* means at once; *within a second* is what a node may take to hear of a change
//! of clients and keys.

mod changes;
mod keys;
mod program;

use comity::demo::simulators::Provider;

use crate::release;
use crate::support::mailbox::another_code;
use crate::support::people::PASSWORD;
use crate::support::{Backend, Browser, Rp, Stage, Tokens, World, run};

const MINA: &str = "mina@example.com";
const OFFLINE: &str = "openid profile email offline_access";

/// Tells stories of nodes that share a cache as well: on PostgreSQL and Redis only.
macro_rules! shared_stories {
    ($($name:ident $(($settings:expr))?),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_postgres() {
                super::run(super::Backend::Postgres, concat!("", $($settings)?), super::$name);
            }
        }
    )+};
}

shared_stories!(
    a_session_of_one_node_is_one_of_the_other,
    a_code_of_one_node_is_redeemed_at_the_other_and_once,
    of_fifty_redemptions_at_two_nodes_one_wins,
    of_fifty_refreshes_at_two_nodes_one_wins,
    a_refresh_token_used_again_at_the_other_node_ends_the_family,
    what_is_ended_here_is_ended_there,
    an_answer_taken_back_here_is_not_released_there,
    a_sign_in_begun_here_is_finished_there,
    wrong_codes_are_counted_together,
    codes_sent_are_counted_together("sign_in.codes_per_hour = 3"),
    wrong_passwords_are_counted_together,
    an_assertion_counts_once_on_all_nodes,
);

mod a_login_at_a_provider_comes_back_to_the_other_node {
    #[test]
    fn on_postgres() {
        use crate::support::{Backend, Stage};
        Stage::run(Backend::Postgres, "", super::a_login_at_a_provider_comes_back_to_the_other_node);
    }
}

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.response(browser).get("code").is_some()
}

async fn a_session_of_one_node_is_one_of_the_other(here: World) {
    let there = here.another_node().await;
    let mut browser = here.signed_in(MINA, "Mina Kim").await;
    let rp = there.rp("web");
    browser.turn_to(&there);
    assert!(is_signed_in(&rp, &mut browser).await);
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(here.rp("web").claims(&tokens).await["email"], MINA);
    browser.open("/account").await;
    browser.assert_at("/account");
    browser.press("sign-out").await;
    browser.turn_to(&here);
    assert!(!is_signed_in(&here.rp("web"), &mut browser).await);
}

async fn a_code_of_one_node_is_redeemed_at_the_other_and_once(here: World) {
    let there = here.another_node().await;
    let mut browser = here.signed_in(MINA, "Mina Kim").await;
    let rp = here.rp("web");
    browser.open(&rp.authorize().with("scope", OFFLINE).url()).await;
    let code = rp.code(&browser);
    let tokens = rp.clone().through(&there).redeem(&code).await;
    rp.userinfo(&tokens.access).await.expect(200);
    // A thief with the code, at the node that gave it: all that came of it is over, everywhere.
    rp.try_redeem(&code).await.refused(400, "invalid_grant");
    for rp in [rp.clone().through(&there), rp] {
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
        rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    }
}

async fn of_fifty_redemptions_at_two_nodes_one_wins(here: World) {
    let there = here.another_node().await;
    let mut browser = here.signed_in(MINA, "Mina Kim").await;
    let rp = here.rp("web");
    browser.open(&rp.authorize().url()).await;
    let code = rp.code(&browser);
    let won = fifty(&rp, &there, move |rp| {
        let code = code.clone();
        async move { rp.try_redeem(&code).await.status }
    });
    assert_eq!(won.await, 1);
}

async fn of_fifty_refreshes_at_two_nodes_one_wins(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    here.change_client("app", |app| app.refresh_grace_seconds = 0).await;
    let rp = here.rp("app");
    let tokens = rp.sign_in_for(&mut here.browser(), &here, MINA, OFFLINE).await;
    let token = tokens.refresh().to_owned();
    let won = fifty(&rp, &there, move |rp| {
        let token = token.clone();
        async move { rp.try_refresh(&token, None).await.status }
    });
    assert_eq!(won.await, 1);
}

/// Does the same fifty times at once, at both nodes by turns; gives how often it went well.
async fn fifty<F>(rp: &Rp, there: &World, call: impl Fn(Rp) -> F) -> usize
where
    F: Future<Output = u16> + Send + 'static,
{
    let nodes = [rp.clone(), rp.clone().through(there)];
    let calls: Vec<_> = (0..50).map(|turn| tokio::spawn(call(nodes[turn % 2].clone()))).collect();
    let mut won = 0;
    for call in calls {
        let status = call.await.unwrap();
        assert!(status == 200 || status == 400, "{status}");
        won += usize::from(status == 200);
    }
    won
}

async fn a_refresh_token_used_again_at_the_other_node_ends_the_family(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    let rp = here.rp("app");
    let first = rp.sign_in_for(&mut here.browser(), &here, MINA, OFFLINE).await;
    let second = rp.refresh(first.refresh()).await;
    let third = rp.clone().through(&there).refresh(second.refresh()).await;
    here.advance(11);
    rp.clone().through(&there).try_refresh(first.refresh(), None).await.refused(400, "invalid_grant");
    rp.try_refresh(third.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(rp.userinfo(&third.access).await.status, 401);
}

async fn what_is_ended_here_is_ended_there(here: World) {
    let there = here.another_node().await;
    let mut laptop = here.signed_in(MINA, "Mina Kim").await;
    let (rp, other) = (here.rp("web"), there.rp("web"));
    // A token, by its client.
    let [opaque, jwt] = ["plain", "web"].map(|id| here.rp(id));
    for rp in [opaque, jwt] {
        let tokens = rp.sign_in(&mut laptop, &here, MINA).await;
        let other = rp.clone().through(&there);
        other.userinfo(&tokens.access).await.expect(200);
        rp.revoke(&tokens.access).await;
        assert_eq!(other.userinfo(&tokens.access).await.status, 401);
    }
    // A session, by its owner in another browser.
    let mut phone = here.browser();
    let tokens = rp.sign_in(&mut phone, &here, MINA).await;
    other.userinfo(&tokens.access).await.expect(200);
    phone.turn_to(&there);
    assert!(is_signed_in(&other, &mut phone).await);
    laptop.open("/account").await;
    let button = laptop.buttons("end_session").swap_remove(0);
    laptop.press(&button).await;
    assert!(!is_signed_in(&other, &mut phone).await);
    assert_eq!(other.userinfo(&tokens.access).await.status, 401);
    // Everything, by the operator.
    let tokens = rp.sign_in(&mut laptop, &here, MINA).await;
    here.suspend(here.owner_of(MINA).await.unwrap()).await;
    assert_eq!(other.userinfo(&tokens.access).await.status, 401);
    laptop.turn_to(&there);
    assert!(!is_signed_in(&other, &mut laptop).await);
}

async fn an_answer_taken_back_here_is_not_released_there(here: World) {
    let there = here.another_node().await;
    release::mina(&here).await;
    let hotel = here.rp("hotel");
    let mut browser = here.browser();
    release::ask(&hotel, &here, &mut browser, "openid email age").await;
    let tokens = release::allow(&hotel, &mut browser, &["email", release::AGE_18_BOX]).await;
    let other = hotel.clone().through(&there);
    assert_eq!(other.claims(&tokens).await["email"], release::EMAIL);
    let mina = here.owner_of(release::EMAIL).await.unwrap();
    here.store().withdraw_consent(mina, &"hotel".into(), ("email", "email"), here.now()).await.unwrap();
    let claims = other.claims(&tokens).await;
    assert!(claims.get("email").is_none() && claims.get(release::AGE_18).is_some(), "{claims}");
}

async fn a_sign_in_begun_here_is_finished_there(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    let rp = here.rp("web");
    let mut browser = here.at_the_code_page(MINA).await;
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code(MINA).await;
    browser.turn_to(&there);
    browser.reload().await;
    browser.assert_at("/sign-in/code");
    browser.fill("code", &here.code_mailed_to(MINA)).press("continue").await;
    let tokens: Tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(tokens.id["amr"][0], "otp");
    // The same code again, where it was made.
    let mut browser = here.at_the_code_page(MINA).await;
    let form = browser.form("continue");
    let code = here.code_mailed_to(MINA);
    browser.turn_to(&there);
    browser.fill("code", &code).press("continue").await;
    assert!(browser.is_away());
    browser.turn_to(&here);
    let fields: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (name.as_str(), if name == "code" { code.as_str() } else { value.as_str() }))
        .collect();
    browser.post_from(here.issuer(), "/sign-in/code", &fields).await;
    assert!(!browser.is_away(), "a code signs in once");
}

async fn wrong_codes_are_counted_together(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    let mut browser = here.at_the_code_page(MINA).await;
    let code = here.code_mailed_to(MINA);
    for turn in 0..5 {
        browser.turn_to(if turn % 2 == 0 { &there } else { &here });
        if browser.page.has_field("code") {
            browser.fill("code", &another_code(&code)).press("continue").await;
        }
    }
    if browser.page.has_field("code") {
        browser.fill("code", &code).press("continue").await;
    }
    assert!(!browser.is_away(), "the fifth wrong one was the last");
}

async fn codes_sent_are_counted_together(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    for node in [&here, &there, &here] {
        let mut browser = here.browser();
        browser.turn_to(node);
        browser.open(&here.rp("web").authorize().url()).await;
        browser.ask_for_code(MINA).await;
    }
    for node in [&here, &there] {
        let mut browser = here.browser();
        browser.turn_to(node);
        browser.open(&here.rp("web").authorize().url()).await;
        browser.fill("email", MINA).press("continue").await;
        assert!(!browser.page.has_field("code") && !browser.problem().is_empty());
    }
    assert_eq!((here.mails_to(MINA), there.mails_to(MINA)), (2, 1));
}

async fn wrong_passwords_are_counted_together(here: World) {
    let there = here.another_node().await;
    let account = here.person(MINA, "Mina Kim").await;
    here.set_password(account).await;
    let mut browser = here.browser();
    browser.open(&here.rp("web").authorize().url()).await;
    browser.fill("email", MINA).press("use-password").await;
    for turn in 0..10 {
        browser.turn_to(if turn % 2 == 0 { &there } else { &here });
        browser.fill("password", "not an albatross at all").press("continue").await;
        assert!(!browser.is_away() && browser.page.has_field("password"));
    }
    browser.fill("password", PASSWORD).press("continue").await;
    assert!(!browser.is_away(), "this browser has had its tries");
}

async fn an_assertion_counts_once_on_all_nodes(here: World) {
    let there = here.another_node().await;
    let (rp, fields) = changes::robot_with_a_key(&here).await;
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    rp.clone().through(&there).post("/token", &fields).await.expect(200);
    rp.post("/token", &fields).await.refused(401, "invalid_client");
}

async fn a_login_at_a_provider_comes_back_to_the_other_node(here: Stage) {
    let there = here.another_node().await;
    let (rp, mut browser) = here.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    browser.turn_to(&there);
    browser.open(callback.as_str()).await;
    browser.settle_as_new().await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    rp.userinfo(&tokens.access).await.expect(200);
    // The answer counts once, whichever node it comes to.
    browser.turn_to(&here);
    browser.open(callback.as_str()).await;
    assert!(!browser.is_away());
    assert_eq!(here.asked(Provider::Google, "/token"), 1);
}
