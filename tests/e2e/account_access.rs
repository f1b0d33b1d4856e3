//! Who gets in and who gets what, on the account page: logins, browsers, connected apps, and proofs asked for anew.

use std::time::Duration;

use comity::demo::simulators::{Endpoint, Provider, Quirk};

use crate::support::{Stage, World, client_id};

const EMAIL: &str = "mina@example.com";

stories!(
    browsers_are_listed_and_signed_out,
    signing_out_everywhere_else_leaves_this_browser,
    signing_out_ends_the_session,
    sensitive_changes_want_a_fresh_proof,
    a_fresh_proof_by_another_account_changes_nothing_of_the_first,
    apps_are_listed_with_what_they_receive,
    an_app_gone_is_asked_about_again,
    a_suspended_account_sees_nothing,
);

stage_stories!(
    logins_are_listed_and_taken_back_at_their_providers,
    a_provider_that_does_not_answer_keeps_no_login,
    sessions_made_through_a_login_end_with_it,
    a_linking_broken_off_comes_back_to_the_account,
);

async fn browsers_are_listed_and_signed_out(world: World) {
    let mut here = world.on_account_page(EMAIL).await;
    let mut there = world.on_account_page(EMAIL).await;
    here.open("/account").await;
    assert!(here.page.text("main").contains("Linux"));
    let others = here.buttons("end_session");
    assert_eq!(others.len(), 1);
    here.press(&others[0]).await;
    world.assert_done(&here, "session_ended");
    there.open("/account").await;
    there.assert_at("/sign-in");
    here.open("/account").await;
    here.assert_at("/account");
}

async fn signing_out_everywhere_else_leaves_this_browser(world: World) {
    let mut here = world.on_account_page(EMAIL).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(world.on_account_page(EMAIL).await);
    }
    here.open("/account").await;
    here.press("end-other-sessions").await;
    here.press("confirm").await;
    world.assert_done(&here, "sessions_ended");
    assert!(!here.page.has("#end-other-sessions"));
    for mut other in others {
        other.open("/account").await;
        other.assert_at("/sign-in");
    }
}

async fn signing_out_ends_the_session(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    let old = browser.cookie("comity_session").unwrap();
    browser.press("sign-out").await;
    browser.assert_at("/signed-out");
    assert!(browser.cookie("comity_session").is_none());
    // The secret is worth nothing to whoever kept it.
    browser.plant_cookie("comity_session", &old);
    browser.open("/account").await;
    browser.assert_at("/sign-in");
}

async fn sensitive_changes_want_a_fresh_proof(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.add_address(&world, "second@example.com").await;
    let remove = browser.buttons("remove_contact");
    world.advance(301);
    browser.open("/account").await;
    browser.press(&remove[0]).await;
    browser.assert_at("/sign-in");
    assert!(browser.page.text("main").contains(&world.say("en", "sign_in.reason_step_up")));
    browser.sign_in(&world, EMAIL).await;
    browser.assert_at("/account/confirm");
    // The page may have been open too long when its button is pressed.
    world.advance(301);
    browser.press("confirm").await;
    browser.assert_at("/sign-in");
    assert_eq!(world.store().contacts(world.owner_of(EMAIL).await.unwrap()).await.unwrap().len(), 2);
    browser.sign_in(&world, EMAIL).await;
    browser.press("confirm").await;
    world.assert_done(&browser, "contact_removed");
    // An address typed before the proof is not typed again after it.
    let known = if world.owner_of(EMAIL).await.is_some() { EMAIL } else { "second@example.com" };
    world.advance(301);
    browser.open("/account").await;
    browser.fill("email", "third@example.com").press("add-email").await;
    browser.assert_at("/sign-in");
    assert_eq!(world.mails_to("third@example.com"), 0);
    browser.sign_in(&world, known).await;
    browser.assert_at("/account/email");
    browser.fill("code", &world.code_mailed_to("third@example.com")).press("continue").await;
    world.assert_done(&browser, "contact_added");
}

async fn a_fresh_proof_by_another_account_changes_nothing_of_the_first(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.add_address(&world, "second@example.com").await;
    world.person("other@example.com", "Other").await;
    let remove = browser.buttons("remove_contact");
    world.advance(301);
    browser.open("/account").await;
    browser.press(&remove[0]).await;
    // Somebody else proves themselves in the same browser.
    browser.sign_in(&world, "other@example.com").await;
    assert!(!browser.page.has("#confirm") || browser.is_at("/account"), "{}", browser.page.text("main"));
    browser
        .open(&format!("/account/confirm?deed=remove_contact&id={}", remove[0].trim_start_matches("remove-contact-")))
        .await;
    browser.assert_at("/account");
    assert_eq!(world.store().contacts(world.owner_of(EMAIL).await.unwrap()).await.unwrap().len(), 2);
    // And the wish of the one is not followed for the other.
    browser.jar.remove("comity_session");
    browser.open("/account").await;
    browser.sign_in(&world, EMAIL).await;
    world.advance(301);
    browser.open("/account").await;
    browser.fill("email", "third@example.com").press("add-email").await;
    browser.sign_in(&world, "other@example.com").await;
    assert_eq!(world.mails_to("third@example.com"), 0);
}

async fn apps_are_listed_with_what_they_receive(world: World) {
    world.person(EMAIL, "Mina Kim").await;
    let mut browser = world.browser();
    world.rp("web").sign_in(&mut browser, &world, EMAIL).await;
    let hotel = world.rp("hotel");
    browser.open(&hotel.authorize().with("scope", "openid profile email").url()).await;
    browser.tick("claim-line.profile.name").press("allow").await;
    hotel.code(&browser);
    let code = hotel.code(&browser);
    hotel.redeem(&code).await;
    browser.open("/account").await;
    let apps = browser.page.all("li.app", crate::support::page::text_of);
    assert_eq!(apps.len(), 2, "{apps:?}");
    let of = |name: &str| apps.iter().find(|app| app.contains(name)).unwrap();
    assert!(of("Hotel Haneul").contains("Hotel Haneul Co., Ltd."));
    assert!(of("Hotel Haneul").contains(&world.say("en", "claim.name")));
    assert!(!of("Hotel Haneul").contains(&world.say("en", "claim.email")), "{apps:?}");
    assert!(of("Travel Shop").contains(&world.say("en", "claim.email")));
}

async fn an_app_gone_is_asked_about_again(world: World) {
    world.person(EMAIL, "Mina Kim").await;
    let mut browser = world.browser();
    let web = world.rp("web");
    let tokens = web.sign_in_for(&mut browser, &world, EMAIL, "openid profile offline_access").await;
    browser.open("/account").await;
    browser.press("revoke-app-1").await;
    assert!(browser.page.text("main").contains("Travel Shop"));
    browser.press("cancel").await;
    web.userinfo(&tokens.access).await.expect(200);
    browser.press("revoke-app-1").await;
    browser.press("confirm").await;
    world.assert_done(&browser, "app_revoked");
    web.userinfo(&tokens.access).await.expect(401);
    web.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(world.happened("grant.revoked").await, 1);
    // Signing in there again is as the first time.
    web.sign_in_for(&mut browser, &world, EMAIL, "openid profile").await;
}

async fn a_suspended_account_sees_nothing(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    world.suspend(world.owner_of(EMAIL).await.unwrap()).await;
    browser.open("/account").await;
    browser.assert_at("/sign-in");
    browser.sign_in(&world, EMAIL).await;
    assert!(browser.cookie("comity_session").is_none() || !browser.is_at("/account"));
    browser.open("/account").await;
    browser.assert_at("/sign-in");
}

async fn logins_are_listed_and_taken_back_at_their_providers(stage: Stage) {
    let mut browser = stage.on_account_page(EMAIL).await;
    for provider in Provider::ALL {
        browser.open("/account").await;
        browser.press(&format!("connection-{provider}")).await;
        browser.pass("mina").await;
        stage.assert_done(&browser, "identity_linked");
    }
    let account = stage.owner_of(EMAIL).await.unwrap();
    assert_eq!(stage.store().identities(account).await.unwrap().len(), 6);
    assert_eq!(browser.buttons("unlink_identity").len(), 6);
    for provider in Provider::ALL {
        assert!(stage.simulators.is_linked(provider, client_id(provider), "mina"), "{provider}");
        let identity = stage.identity(provider, "mina").await.unwrap();
        browser.press(&format!("unlink-identity-{}", identity.id)).await;
        browser.press("confirm").await;
        stage.assert_done(&browser, "identity_unlinked");
        assert!(stage.identity(provider, "mina").await.is_none());
        assert!(stage.store().upstream_tokens(identity.id).await.unwrap().is_none());
        // The provider is told behind the person's back. LINE takes a token back and keeps the connection.
        let told = async {
            let path = |path: &str| path.contains("revoke") || path.contains("unlink") || path.contains("permissions");
            while !stage.simulators.log(provider).iter().any(|entry| path(&entry.path) && entry.status == Some(200)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told).await.unwrap_or_else(|_| panic!("{provider} was not told"));
        if provider != Provider::Line {
            assert!(!stage.simulators.is_linked(provider, client_id(provider), "mina"), "{provider}");
        }
    }
    assert!(stage.mail_to(EMAIL).text.contains("Facebook"));
    assert_eq!(stage.happened("identity.unlinked").await, 6);
}

async fn a_provider_that_does_not_answer_keeps_no_login(stage: Stage) {
    let mut browser = stage.on_account_page(EMAIL).await;
    browser.press("connection-kakao").await;
    browser.pass("mina").await;
    stage.simulators.set(Provider::Kakao, Quirk::Slow { endpoint: Endpoint::Revoke, milliseconds: 30_000 });
    let identity = stage.identity(Provider::Kakao, "mina").await.unwrap();
    browser.press(&format!("unlink-identity-{}", identity.id)).await;
    browser.press("confirm").await;
    stage.assert_done(&browser, "identity_unlinked");
    assert!(stage.identity(Provider::Kakao, "mina").await.is_none());
}

async fn sessions_made_through_a_login_end_with_it(stage: Stage) {
    let rp = stage.rp("web");
    let mut by_google = stage.browser();
    let tokens = rp.sign_in_at_for(&mut by_google, Provider::Google, "mina", "openid").await;
    let email = "mina.skyway.demo@gmail.com";
    let mut by_code = stage.on_account_page(email).await;
    let identity = stage.identity(Provider::Google, "mina").await.unwrap();
    by_code.press(&format!("unlink-identity-{}", identity.id)).await;
    by_code.press("confirm").await;
    stage.assert_done(&by_code, "identity_unlinked");
    by_google.open("/account").await;
    by_google.assert_at("/sign-in");
    // What a client got in that session ends, too.
    rp.userinfo(&tokens.access).await.expect(401);
}

async fn a_linking_broken_off_comes_back_to_the_account(stage: Stage) {
    let mut browser = stage.on_account_page(EMAIL).await;
    browser.press("connection-naver").await;
    browser.press("cancel").await;
    stage.assert_problem(&browser, "connection_cancelled");
    browser.assert_at("/account");
    for (quirk, problem) in [
        (Quirk::ReusedCode, "connection_refused"),
        (Quirk::Fail { endpoint: Endpoint::Token, status: 503 }, "connection_unavailable"),
    ] {
        stage.simulators.reset();
        stage.simulators.set(Provider::Naver, quirk);
        browser.press("connection-naver").await;
        browser.pass("mina").await;
        browser.assert_at("/account");
        stage.assert_problem(&browser, problem);
    }
    let account = stage.owner_of(EMAIL).await.unwrap();
    assert!(stage.store().identities(account).await.unwrap().is_empty());
}
