//! What a client learns, line by line, and how it is taken back.

use std::collections::BTreeSet;

use axum::body::Body;
use comity::store::ConsentEvent;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Browser, Tokens, World, page::text_of};

stories!(
    each_line_shows_what_will_be_sent,
    voluntary_lines_are_free,
    an_essential_line_declined_is_left_out_and_login_goes_on,
    an_answer_is_remembered_and_only_what_is_new_is_asked,
    an_answer_is_asked_again_after_a_year,
    prompt_consent_asks_again,
    the_operators_own_sites_ask_for_what_rests_on_consent,
    another_company_always_asks,
    the_claims_parameter_never_exceeds_the_allow_list,
    an_age_is_told_without_the_day_of_birth,
    a_line_taken_back_is_gone_at_the_next_call,
    an_app_taken_back_is_out_at_once,
    a_new_version_of_a_purpose_is_asked_anew,
    the_form_says_yes_or_no_and_nothing_else,
    the_preview_tells_what_the_token_gives,
    the_ledger_holds_every_answer,
);

async fn at_consent(world: &World, browser: &mut Browser, scope: &str) {
    browser.open(&world.rp("hotel").authorize().with("scope", scope).url()).await;
    browser.assert_at("/consent");
}

fn lines(browser: &Browser) -> Vec<String> {
    browser.page.all("li.line", text_of)
}

fn boxes(browser: &Browser) -> Vec<String> {
    browser.page.all("input[type=checkbox]", |input| input.value().attr("name").unwrap().to_owned())
}

/// The names of the claims a client gets by userinfo, without `sub`.
async fn names(world: &World, id: &str, tokens: &Tokens) -> BTreeSet<String> {
    let claims = world.rp(id).claims(tokens).await;
    claims.as_object().unwrap().keys().filter(|name| *name != "sub").cloned().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn each_line_shows_what_will_be_sent(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina <b>Kim</b>").await;
    at_consent(&world, &mut browser, "openid profile email").await;
    let shown = lines(&browser).join("\n");
    assert!(shown.contains("Mina <b>Kim</b>") && shown.contains("mina@example.com"), "{shown}");
    let page = browser.page.text("main");
    assert!(page.contains("Hotel Haneul Co., Ltd."), "another company is named: {page}");
    assert!(!browser.page.has("li.line b"));
    assert!(!browser.page.has("input[type=checkbox][checked]"), "nothing is ticked beforehand");
    // What is shown is what goes out.
    browser.tick_all().press("allow").await;
    let rp = world.rp("hotel");
    let response = rp.response(&browser);
    assert!(response.get("code").is_some());
}

async fn voluntary_lines_are_free(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    browser.open(&rp.authorize().url()).await;
    browser.press("allow").await;
    let nothing = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(names(&world, "hotel", &nothing).await, set(&[]));
    assert!(!nothing.sub().is_empty());
    let mut other = world.signed_in("ken@example.com", "Ken Sato").await;
    other.open(&rp.authorize().url()).await;
    other.tick("claim-line.email.email").press("allow").await;
    let some = rp.redeem(&rp.code(&other)).await;
    assert_eq!(names(&world, "hotel", &some).await, set(&["email"]));
    assert_eq!(some.scope(), ["email", "openid", "profile"]);
}

async fn an_essential_line_declined_is_left_out_and_login_goes_on(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let claims =
        json!({ "id_token": { "email": { "essential": true } }, "userinfo": { "name": { "essential": true } } });
    let request = || rp.authorize().with("claims", &claims.to_string());
    browser.open(&request().url()).await;
    browser.press("allow").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert!(tokens.id.get("email").is_none());
    assert_eq!(names(&world, "hotel", &tokens).await, set(&[]));
    // What is essential may be asked again; what is not may not.
    world.advance(1);
    browser.open(&request().url()).await;
    if !browser.is_away() {
        browser.assert_at("/consent");
        assert_eq!(boxes(&browser).len(), 2, "{:?}", boxes(&browser));
        browser.tick_all().press("allow").await;
    }
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(tokens.id["email"], "mina@example.com");
}

async fn an_answer_is_remembered_and_only_what_is_new_is_asked(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let first = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid profile").await;
    browser.open(&rp.authorize().with("scope", "openid profile").with("prompt", "none").url()).await;
    rp.code(&browser);
    at_consent(&world, &mut browser, "openid profile email").await;
    let asked = lines(&browser);
    assert!(asked.iter().all(|line| !line.contains("Mina Kim")), "{asked:?}");
    assert_eq!(boxes(&browser), ["line.email.email", "line.email.email_verified"]);
    browser.tick_all().press("allow").await;
    assert!(browser.is_away());
    // The tokens of before tell no more than what they were for.
    assert!(!names(&world, "hotel", &first).await.contains("email"));
    // Another person at the same client is asked everything.
    let mut other = world.signed_in("ken@example.com", "Ken Sato").await;
    at_consent(&world, &mut other, "openid profile email").await;
    assert!(lines(&other).iter().any(|line| line.contains("Ken Sato")));
}

async fn an_answer_is_asked_again_after_a_year(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid profile").await;
    world.advance(365 * 86_400 - 1);
    rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    let mut browser = world.browser();
    world.advance(1);
    browser.open(&rp.authorize().with("scope", "openid profile").url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/consent");
}

async fn prompt_consent_asks_again(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for id in ["web", "hotel"] {
        let rp = world.rp(id);
        rp.sign_in(&mut browser, &world, "mina@example.com").await;
        world.advance(10);
        browser.open(&rp.authorize().with("prompt", "consent").url()).await;
        browser.assert_at("/consent");
        browser.tick_all().press("allow").await;
        rp.code(&browser);
    }
    // A yes may become a no.
    world.advance(10);
    let rp = world.rp("hotel");
    browser.open(&rp.authorize().with("prompt", "consent").url()).await;
    browser.press("allow").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(names(&world, "hotel", &tokens).await, set(&[]));
}

async fn the_operators_own_sites_ask_for_what_rests_on_consent(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.learn(account, "birthdate", "1990-02-03").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    rp.sign_in(&mut browser, &world, "mina@example.com").await;
    browser.open(&rp.authorize().with("scope", "openid profile age").url()).await;
    browser.assert_at("/consent");
    assert!(boxes(&browser).iter().all(|name| name.starts_with("line.age.")), "{:?}", boxes(&browser));
    browser.tick("claim-line.age.urn-comity-age_over_18").press("allow").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    let claims = rp.claims(&tokens).await;
    assert_eq!(claims["urn:comity:age_over_18"], true);
    assert!(claims.get("urn:comity:age_over_20").is_none());
}

async fn another_company_always_asks(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    browser.open(&rp.authorize().with("scope", "openid").url()).await;
    browser.assert_at("/consent");
    browser.press("deny").await;
    rp.assert_refused(&browser, "access_denied");
    browser.open(&rp.authorize().with("scope", "openid").with("prompt", "none").url()).await;
    rp.assert_refused(&browser, "consent_required");
}

async fn the_claims_parameter_never_exceeds_the_allow_list(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    for (claim, value) in [("birthdate", "1990-02-03"), ("gender", "female")] {
        world.learn(account, claim, value).await;
    }
    world
        .change_client("hotel", |client| {
            client.release.scopes.remove("profile");
            client.release.scopes.remove("email");
            client.release.claims.insert("name".to_owned());
        })
        .await;
    let rp = world.rp("hotel");
    let wanted = json!({ "essential": true });
    let everything = json!({
        "name": null, "gender": wanted, "birthdate": wanted, "email": wanted, "urn:comity:memberships": wanted,
        "iss": { "value": "https://evil.example" }, "roles": wanted, "urn:nobody:knows": wanted,
    });
    let claims = json!({ "userinfo": everything, "id_token": everything });
    let mut browser = world.browser();
    browser.open(&rp.authorize().with("scope", "openid").with("claims", &claims.to_string()).url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/consent");
    browser.tick_all().press("allow").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(names(&world, "hotel", &tokens).await, set(&["name"]));
    for secret in ["birthdate", "gender", "email", "urn:comity:memberships", "roles"] {
        assert!(tokens.id.get(secret).is_none());
    }
    assert_eq!((tokens.id["name"].as_str(), tokens.id["iss"].as_str()), (Some("Mina Kim"), Some(world.issuer())));
}

async fn an_age_is_told_without_the_day_of_birth(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    // In Seoul it is nine hours later: there she turns eighteen fifteen hours from now.
    world.learn(account, "birthdate", "2008-09-02").await;
    let rp = world.rp("hotel");
    let mut browser = world.browser();
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid age offline_access").await;
    let before = rp.claims(&tokens).await;
    assert_eq!((&before["urn:comity:age_over_18"], &before["urn:comity:age_over_14"]), (&json!(false), &json!(true)));
    world.advance(15 * 3600 - 1);
    let tokens = rp.refresh(tokens.refresh.as_deref().unwrap()).await;
    assert_eq!(rp.claims(&tokens).await["urn:comity:age_over_18"], false);
    world.advance(1);
    let after = rp.claims(&tokens).await;
    assert_eq!(after["urn:comity:age_over_18"], true);
    for told in
        [&tokens.id.to_string(), &tokens.access, &after.to_string(), &rp.introspect(&tokens.access).await.to_string()]
    {
        assert!(!told.contains("2008"), "{told}");
    }
    for event in world.store().events(Some(account), None, 100).await.unwrap() {
        assert!(!format!("{event:?}").contains("2008"));
    }
}

/// Presses the button of the account page whose id begins so, and confirms.
async fn take_back(browser: &mut Browser, button: &str) {
    browser.open("/account").await;
    browser.assert_at("/account");
    let id = browser.page.attribute(&format!("button[id^={button:?}]"), "id").expect("such a button");
    browser.press(&id).await;
    browser.assert_at("/account/confirm");
    browser.press("confirm").await;
    browser.assert_at("/account");
}

async fn a_line_taken_back_is_gone_at_the_next_call(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let scope = "openid email offline_access";
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    assert!(names(&world, "hotel", &tokens).await.contains("email"));
    while !names(&world, "hotel", &tokens).await.is_empty() {
        take_back(&mut browser, "revoke-claim-").await;
    }
    let refreshed = rp.refresh(tokens.refresh()).await;
    assert_eq!(names(&world, "hotel", &refreshed).await, set(&[]), "nor while she is away");
    assert!(rp.introspect(&refreshed.access).await.get("email").is_none());
    // It is asked again only when she is there, and her yes stands from then on.
    world.advance(1);
    at_consent(&world, &mut browser, scope).await;
}

async fn an_app_taken_back_is_out_at_once(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let (hotel, web) = (world.rp("hotel"), world.rp("web"));
    let scope = "openid email offline_access";
    let tokens = hotel.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    let other = web.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    browser.open("/account").await;
    let buttons = browser.page.all("button[name=revoke_app]", |button| {
        (button.value().attr("value").unwrap().to_owned(), button.value().id().unwrap().to_owned())
    });
    let (_, id) = buttons.iter().find(|(client, _)| client == "hotel").expect("the hotel among the apps");
    take_back(&mut browser, id).await;
    assert_eq!(hotel.userinfo(&tokens.access).await.status, 401);
    hotel.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(hotel.introspect(&tokens.access).await["active"], false);
    web.userinfo(&other.access).await.expect(200);
    web.refresh(other.refresh()).await;
    browser.open(&hotel.authorize().with("scope", scope).url()).await;
    browser.assert_at("/consent");
}

async fn a_new_version_of_a_purpose_is_asked_anew(mut world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid email").await;
    world
        .restart_with(
            "[[purposes]]\nid = \"contact\"\nversion = 2\nbasis = \"contract\"\nrequired = false\n\
             text = { en = \"To send you offers\", ko = \"혜택 안내\", ja = \"ご案内\" }\n",
        )
        .await;
    world.advance(1);
    let rp = world.rp("hotel");
    assert_eq!(names(&world, "hotel", &tokens).await, set(&[]), "a yes to other words is no yes");
    browser.open(&rp.authorize().with("scope", "openid email").url()).await;
    browser.assert_at("/consent");
    assert!(browser.page.text("main").contains("To send you offers"));
}

async fn the_form_says_yes_or_no_and_nothing_else(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.learn(account, "birthdate", "1990-02-03").await;
    let rp = world.rp("hotel");
    let mut browser = world.browser();
    browser.open(&rp.authorize().with("scope", "openid email").url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/consent");
    for (name, value) in [
        ("line.profile.name", "yes"),
        ("line.profile.birthdate", "yes"),
        ("line.age.urn-comity-age_over_18", "yes"),
        ("scope", "openid profile email"),
        ("client_id", "web"),
        ("account", "somebody"),
    ] {
        browser.forge(name, value);
    }
    browser.tick("claim-line.email.email").press("allow").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(names(&world, "hotel", &tokens).await, set(&["email"]));
    let recorded = world.store().consents(account, &"hotel".into()).await.unwrap();
    assert!(recorded.iter().all(|consent| ["openid", "email"].contains(&consent.scope.as_str())), "{recorded:?}");
}

async fn the_preview_tells_what_the_token_gives(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.learn(account, "birthdate", "1990-02-03").await;
    let mut browser = world.browser();
    for (id, scope) in [
        ("web", "openid profile email phone age"),
        ("hotel", "openid profile email age"),
        ("plain", "openid profile age"),
    ] {
        let tokens = world.rp(id).sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
        let body = json!({ "client_id": id, "account": account, "scope": scope }).to_string();
        let request = http::Request::post("/release/explain").header("content-type", "application/json");
        let response = world.app().private_router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(!text.contains("Mina") && !text.contains("1990"), "names and rules, never values: {text}");
        let explained: Value = serde_json::from_str(&text).unwrap();
        let told: BTreeSet<String> = explained["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["allowed"] == true && line["deliver"].as_array().unwrap().contains(&json!("userinfo")))
            .filter_map(|line| line["claim"].as_str().filter(|claim| !claim.is_empty()).map(str::to_owned))
            .collect();
        assert_eq!(told, names(&world, id, &tokens).await, "{id}");
    }
    // Nothing of the private listener is to be had on the public one.
    for path in ["/metrics", "/health", "/ready", "/release/explain"] {
        assert_eq!(world.send(crate::support::Request::get(path)).await.status, 404, "{path}");
    }
}

async fn the_ledger_holds_every_answer(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    let rp = world.rp("hotel");
    rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid email").await;
    take_back(&mut browser, "revoke-claim-").await;
    let entries = world.store().consent_events(account).await.unwrap();
    let [given, withdrawn] = entries.try_into().expect("an answer, and one of its lines taken back");
    let claims = |event: &ConsentEvent| event.answers.iter().map(|answer| answer.claim.clone()).collect::<Vec<_>>();
    assert!(claims(&given).contains(&"email".to_owned()), "{given:?}");
    assert_eq!(claims(&withdrawn).len(), 1, "{withdrawn:?}");
    assert_eq!(given.evidence["page"], "consent");
    assert!(world.store().verify_consent_chain(account).await.unwrap());
}
