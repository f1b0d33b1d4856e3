//! Signing in at upstream providers: what each of them tells, what is kept of it, and who may finish a login.

use std::sync::Arc;

use comity::demo::simulators::{Endpoint, Provider, Quirk};

use comity::model::contact::ContactKind;

use serde_json::json;

use crate::support::{Browser, Stage, client_id};

stage_stories!(
    google_vouches_for_mailboxes_it_runs,
    google_vouches_for_hosted_domains_and_no_others,
    apple_tells_the_name_once_and_it_is_kept,
    apple_hides_addresses_behind_a_relay,
    kakao_tells_much_and_is_asked_within_a_day,
    naver_tells_it_nested_and_proves_no_address,
    line_signs_with_the_channel_secret_and_names_no_address,
    line_gets_a_second_chance_when_it_loses_the_state,
    facebook_may_tell_no_address,
    nothing_is_stored_before_the_terms_are_accepted,
    the_second_time_is_quick_and_the_same_person,
    a_login_is_named_first_where_it_was_used_last,
    logins_at_the_same_time_are_kept_apart,
    a_hint_of_a_client_goes_to_no_provider,
    a_proof_asked_for_anew_is_asked_for_at_the_provider,
    an_app_on_a_telephone_is_reached_through_a_provider,
);

async fn google_vouches_for_mailboxes_it_runs(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.assert_at("/sign-up");
    assert_eq!(browser.page.attribute("#name", "value").as_deref(), Some("김민지"));
    assert!(browser.page.text("main").contains("mina.skyway.demo@gmail.com"));
    browser.sign_up().await;
    let code = rp.code(&browser);
    let tokens = rp.redeem(&code).await;
    assert_eq!(tokens.id["amr"], json!(["fed"]));
    let claims = rp.claims(&tokens).await;
    assert_eq!(claims["email"], "mina.skyway.demo@gmail.com");
    assert_eq!(claims["email_verified"], true);
    assert_eq!(claims["name"], "김민지");
    assert_eq!(claims["family_name"], "김");
    let identity = stage.identity(Provider::Google, "mina").await.unwrap();
    assert_eq!(identity.key.subject, "110000000000000000001");
    assert_eq!(identity.label.as_deref(), Some("mina.skyway.demo@gmail.com"));
    let tokens = stage.store().upstream_tokens(identity.id).await.unwrap().unwrap();
    assert!(tokens.access_token.is_some_and(|token| token.expose().starts_with("ya29.")));
}

async fn google_vouches_for_hosted_domains_and_no_others(stage: Stage) {
    let rp = stage.rp("web");
    let tokens = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina-work").await;
    assert_eq!(rp.claims(&tokens).await["email_verified"], true);
    stage.change_person(Provider::Google, "lea", |lea| lea.hosted_domain = None);
    let tokens = rp.sign_in_at(&mut stage.browser(), Provider::Google, "lea").await;
    // What nobody proved is nobody's to hand on.
    assert!(rp.claims(&tokens).await.get("email").is_none());
    let account = stage.account_of(Provider::Google, "lea").await;
    let contacts = stage.store().contacts(account).await.unwrap();
    assert!(contacts[0].value == "lea@atelier.example" && contacts[0].verified_at.is_none());
}

async fn apple_tells_the_name_once_and_it_is_kept(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.press("connection-apple").await;
    browser.press("user-mina").await;
    browser.tick("share-email").press("allow").await;
    // The answer is a form of another site: it carries none of our cookies, and the browser comes back for it.
    browser.press("continue").await;
    let hops: Vec<_> = browser.hops.iter().map(|hop| (hop.method.as_str(), hop.url.path(), hop.status)).collect();
    let callback = "/federation/apple/callback";
    assert_eq!(hops, [("POST", callback, 303), ("GET", callback, 303), ("GET", "/sign-up", 200)]);
    assert_eq!(browser.page.attribute("#name", "value").as_deref(), Some("김민지"));
    browser.sign_up().await;
    let code = rp.code(&browser);
    let first = rp.redeem(&code).await;
    let account = stage.account_of(Provider::Apple, "mina").await;
    for (claim, value) in [("given_name", "민지"), ("family_name", "김")] {
        assert_eq!(stage.attribute(account, claim, "connection:apple").await, Some(json!(value)));
    }
    // Written together with the account: there is no event of a change after its creation.
    assert_eq!(stage.happened("profile.changed").await, 0);
    let again = rp.sign_in_at(&mut stage.browser(), Provider::Apple, "mina").await;
    assert_eq!(again.sub(), first.sub());
    let claims = rp.claims(&again).await;
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!("민지"), &json!("김")));
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("mina@example.kr"), &json!(true)));
}

async fn apple_hides_addresses_behind_a_relay(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Apple, "mina").await;
    // A relay address is known to nobody else: it says nothing about an account there may be.
    browser.assert_at("/sign-in/account");
    browser.settle_as_new().await;
    let code = rp.code(&browser);
    let claims = rp.claims(&rp.redeem(&code).await).await;
    assert_eq!(claims["name"], "김민지");
    let account = stage.account_of(Provider::Apple, "mina").await;
    let contacts = stage.store().contacts(account).await.unwrap();
    assert_eq!(contacts[0].value, "k7w2m9x4qd@privaterelay.appleid.com");
    assert!(contacts[0].verified_at.is_none() && claims.get("email").is_none(), "{claims}");
}

async fn kakao_tells_much_and_is_asked_within_a_day(stage: Stage) {
    let rp = stage.rp("web");
    rp.sign_in_at(&mut stage.browser(), Provider::Kakao, "mina").await;
    let account = stage.account_of(Provider::Kakao, "mina").await;
    let born = stage.simulators.people(Provider::Kakao)[0].birthdate.clone().unwrap();
    for (claim, value) in
        [("name", "김민지"), ("nickname", "민지"), ("birthdate", &born), ("phone_number", "+821012345678")]
    {
        assert_eq!(stage.attribute(account, claim, "connection:kakao").await, Some(json!(value)), "{claim}");
    }
    assert_eq!(stage.asked(Provider::Kakao, "/v2/user/me"), 1);
    stage.advance(25 * 3600);
    assert!(stage.simulators.is_linked(Provider::Kakao, client_id(Provider::Kakao), "mina"));
    // Kakao forgets those whose application never asks who they are.
    stage.simulators.reset();
    stage.simulators.set(Provider::Kakao, Quirk::Fail { endpoint: Endpoint::UserInfo, status: 503 });
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Kakao, "mina").await;
    stage.assert_sent_back(&browser, "connection_unavailable");
    assert!(stage.simulators.is_linked(Provider::Kakao, client_id(Provider::Kakao), "mina"));
    stage.advance(25 * 3600);
    assert!(!stage.simulators.is_linked(Provider::Kakao, client_id(Provider::Kakao), "mina"));
}

async fn naver_tells_it_nested_and_proves_no_address(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Naver, "mina").await;
    browser.assert_at("/sign-in/account");
    browser.settle_as_new().await;
    let code = rp.code(&browser);
    let claims = rp.claims(&rp.redeem(&code).await).await;
    assert!(claims.get("email").is_none() && claims.get("email_verified").is_none(), "{claims}");
    assert_eq!(claims["gender"], "female");
    assert_eq!(claims["birthdate"].as_str(), stage.simulators.people(Provider::Naver)[0].birthdate.as_deref());
    let account = stage.account_of(Provider::Naver, "mina").await;
    let contacts = stage.store().contacts(account).await.unwrap();
    assert!(contacts[0].value == "mina.demo@naver.com" && contacts[0].verified_at.is_none());
    assert_eq!(stage.attribute(account, "phone_number", "connection:naver").await, Some(json!("+821012345678")));
    let identity = stage.identity(Provider::Naver, "mina").await.unwrap();
    assert_eq!(identity.key.subject, "AbCdEfGh1234567890_abcdefghijklmnopqrstuvw");
    // Its lifetimes are text.
    let tokens = stage.store().upstream_tokens(identity.id).await.unwrap().unwrap();
    assert_eq!(tokens.expires_at, Some(stage.now() + 3600));
    assert!(tokens.access_token.is_some_and(|token| token.expose().starts_with("AAAA")));
}

async fn line_signs_with_the_channel_secret_and_names_no_address(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Line, "mina").await;
    browser.assert_at("/sign-in/account");
    browser.settle_as_new().await;
    let code = rp.code(&browser);
    let claims = rp.claims(&rp.redeem(&code).await).await;
    assert!(claims.get("email").is_none() && claims.get("email_verified").is_none(), "{claims}");
    assert_eq!(claims["nickname"], "민지");
    let account = stage.account_of(Provider::Line, "mina").await;
    assert!(stage.store().contacts(account).await.unwrap().is_empty());
    // No published key was needed, and none would have been believed.
    assert_eq!(stage.asked(Provider::Line, "/oauth2/v2.1/certs"), 0);
    stage.simulators.set(Provider::Line, Quirk::UnpublishedKey);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Line, "mina").await;
    stage.assert_sent_back(&browser, "connection_refused");
}

async fn line_gets_a_second_chance_when_it_loses_the_state(stage: Stage) {
    stage.simulators.set(Provider::Line, Quirk::AutoLoginFailure);
    let rp = stage.rp("web");
    rp.sign_in_at(&mut stage.browser(), Provider::Line, "ken").await;
    let asked = stage.simulators.log(Provider::Line);
    let retried = asked.iter().filter(|entry| entry.parameter("disable_auto_login") == Some("true"));
    assert!(retried.count() > 0);
    assert!(stage.identity(Provider::Line, "ken").await.is_some());
}

async fn facebook_may_tell_no_address(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.press("connection-facebook").await;
    browser.press("user-mina").await;
    browser.untick("item-email").press("allow").await;
    browser.assert_at("/sign-in/account");
    browser.settle_as_new().await;
    let code = rp.code(&browser);
    let claims = rp.claims(&rp.redeem(&code).await).await;
    assert!(claims.get("email").is_none(), "{claims}");
    let account = stage.account_of(Provider::Facebook, "mina").await;
    assert!(stage.store().contacts(account).await.unwrap().is_empty());
    // With it, it is a claim and no proof.
    let tokens = rp.sign_in_at(&mut stage.browser(), Provider::Facebook, "lea").await;
    assert!(rp.claims(&tokens).await.get("email").is_none());
    let account = stage.account_of(Provider::Facebook, "lea").await;
    let contacts = stage.store().contacts(account).await.unwrap();
    assert!(contacts[0].value == "lea.martin@example.fr" && contacts[0].verified_at.is_none());
}

async fn nothing_is_stored_before_the_terms_are_accepted(stage: Stage) {
    for provider in Provider::ALL {
        let (rp, mut browser) = stage.begin().await;
        browser.sign_in_at(provider, "mina").await;
        if browser.is_at("/sign-in/account") {
            browser.press("new").await;
        }
        browser.assert_at("/sign-up");
        browser.press("continue").await;
        browser.assert_at("/sign-up");
        assert_eq!(browser.problem(), stage.say("en", "problem.terms_required"));
        // Apple and Kakao speak of the same address here: the second one to come asks for the first one's account.
        assert!(stage.identity(provider, "mina").await.is_none(), "{provider}");
        assert_eq!(stage.events().await.len(), 0, "{provider}");
        assert!(browser.cookie("comity_session").is_none());
        // Nor is anything of it stored when the person walks away.
        browser.press("cancel").await;
        rp.assert_refused(&browser, "access_denied");
    }
    for email in ["mina.skyway.demo@gmail.com", "mina@example.kr", "mina.demo@naver.com"] {
        let owners = stage.store().verified_owners(ContactKind::Email, email).await.unwrap();
        assert!(owners.is_empty(), "{email}");
    }
}

async fn the_second_time_is_quick_and_the_same_person(stage: Stage) {
    for provider in Provider::ALL {
        let (rp, mut browser) = stage.begin().await;
        browser.sign_in_at(provider, "mina").await;
        browser.settle_as_new().await;
        let code = rp.code(&browser);
        let first = rp.redeem(&code).await;
        let account = stage.account_of(provider, "mina").await;
        // Signed out here, still known there: one tap here, one there.
        browser.jar.remove("comity_session");
        browser.open(&rp.authorize().url()).await;
        browser.press(&format!("connection-{provider}")).await;
        browser.press("continue").await;
        browser.pass("mina").await;
        let code = rp.code(&browser);
        let second = rp.redeem(&code).await;
        assert_eq!(first.sub(), second.sub(), "{provider}");
        assert_eq!(stage.account_of(provider, "mina").await, account);
    }
    assert_eq!(stage.happened("account.created").await, 6);
    assert_eq!(stage.happened("identity.linked").await, 6);
}

async fn a_login_is_named_first_where_it_was_used_last(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    let ids = |browser: &Browser| browser.page.all("button.idp", |it| it.attr("id").unwrap().to_owned());
    assert_eq!(ids(&browser)[0], "connection-google");
    let mut korean = stage.browser().reading("ko");
    korean.open(&rp.authorize().url()).await;
    assert_eq!(ids(&korean)[..2], ["connection-kakao", "connection-naver"]);
    rp.sign_in_at(&mut browser, Provider::Facebook, "lea").await;
    browser.jar.remove("comity_session");
    browser.open(&rp.authorize().url()).await;
    assert_eq!(ids(&browser)[0], "connection-facebook");
    assert!(browser.page.text("#connection-facebook").contains(&stage.say("en", "sign_in.last_time")));
}

async fn logins_at_the_same_time_are_kept_apart(stage: Stage) {
    let people = [
        (Provider::Google, "mina"),
        (Provider::Google, "mina-work"),
        (Provider::Google, "lea"),
        (Provider::Apple, "lea"),
        (Provider::Kakao, "mina"),
        (Provider::Naver, "mina"),
        (Provider::Line, "mina"),
        (Provider::Line, "ken"),
        (Provider::Facebook, "lea"),
    ];
    let stage = Arc::new(stage);
    let mut known: Vec<Option<String>> = vec![None; people.len()];
    for _ in 0..3 {
        let mut tasks = tokio::task::JoinSet::new();
        for (index, (provider, person)) in people.into_iter().enumerate() {
            let stage = Arc::clone(&stage);
            tasks.spawn(async move {
                let rp = stage.rp("web");
                let tokens = rp.sign_in_at(&mut stage.browser(), provider, person).await;
                let identity = stage.identity(provider, person).await.unwrap();
                let claims = rp.claims(&tokens).await;
                assert_eq!(claims["sub"], tokens.sub());
                let owner = stage.store().profile(identity.account).await.unwrap().unwrap();
                let name = owner.attributes.iter().find(|it| it.name == "name" && it.source == "user").unwrap();
                assert_eq!(claims["name"], name.value);
                (index, tokens.sub().to_owned())
            });
        }
        for (index, sub) in tasks.join_all().await {
            let earlier = known[index].get_or_insert_with(|| sub.clone());
            assert_eq!(*earlier, sub, "{:?}", people[index]);
        }
    }
    let mut subs: Vec<_> = known.into_iter().flatten().collect();
    subs.sort_unstable();
    subs.dedup();
    assert_eq!(subs.len(), people.len());
}

async fn a_hint_of_a_client_goes_to_no_provider(stage: Stage) {
    let (rp, mut browser) = (stage.rp("web"), stage.browser());
    browser.open(&rp.authorize().with("login_hint", "victim@gmail.com").url()).await;
    browser.press("connection-google").await;
    assert!(!browser.page.url.as_str().contains("login_hint"), "{}", browser.page.url);
    assert!(!browser.page.url.as_str().contains("victim"));
}

async fn a_proof_asked_for_anew_is_asked_for_at_the_provider(stage: Stage) {
    let rp = stage.rp("web");
    for provider in [Provider::Google, Provider::Kakao, Provider::Naver, Provider::Facebook] {
        let mut browser = stage.browser();
        let first = rp.sign_in_at(&mut browser, provider, "mina").await;
        stage.advance(60);
        // The session at the provider lives and would answer without a question.
        stage.simulators.set(provider, Quirk::Silent);
        browser.open(&rp.authorize().with("prompt", "login").url()).await;
        browser.press(&format!("connection-{provider}")).await;
        assert!(browser.is_at_provider(), "{provider} was not told to ask");
        browser.pass("mina").await;
        let code = rp.code(&browser);
        let again = rp.redeem(&code).await;
        assert_eq!(again.sub(), first.sub(), "{provider}");
        assert_eq!(again.id["auth_time"], stage.now().0);
        // Signing in where nobody is, the live session will do.
        browser.jar.remove("comity_session");
        browser.open(&rp.authorize().url()).await;
        browser.press(&format!("connection-{provider}")).await;
        rp.code(&browser);
    }
}

async fn an_app_on_a_telephone_is_reached_through_a_provider(stage: Stage) {
    let rp = stage.rp("app");
    let mut browser = stage.browser();
    rp.sign_in_at(&mut browser, Provider::Kakao, "mina").await;
    browser.jar.remove("comity_session");
    browser.open(&rp.authorize().url()).await;
    browser.sign_in_at(Provider::Kakao, "mina").await;
    rp.code(&browser);
    // And by the link of a mail.
    let mut browser = stage.browser();
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code("mina@example.kr").await;
    let link = stage.link_mailed_to("mina@example.kr");
    browser.open(&link).await;
    let button = browser.page.all("form button.primary", |it| it.attr("id").unwrap().to_owned()).remove(0);
    browser.press(&button).await;
    rp.code(&browser);
}
