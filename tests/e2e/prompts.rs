//! Which pages a request leads through, and whose they are [OIDC Core §3.1.2.1, §3.1.2.3].

use serde_json::json;

use crate::support::{Request, World};

stories!(
    prompt_none_is_silent,
    prompt_login_proves_the_person_anew,
    max_age_is_measured_in_seconds_since_the_proof,
    prompt_select_account_offers_the_account_and_another,
    an_id_token_hint_names_the_only_person_welcome,
    acr_is_honoured_or_refused,
    a_subject_asked_for_is_the_only_one,
    declining_is_told_to_the_client,
    a_transaction_belongs_to_its_browser,
    steps_cannot_be_skipped,
    another_person_at_the_same_browser_gets_a_new_session,
);

async fn prompt_none_is_silent(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let silent = || rp.authorize().with("prompt", "none");
    let mut browser = world.browser();
    browser.open(&silent().url()).await;
    rp.assert_refused(&browser, "login_required");
    rp.sign_in(&mut browser, &world, "mina@example.com").await;
    browser.open(&silent().url()).await;
    rp.code(&browser);
    // Another company's lines await an answer.
    let hotel = world.rp("hotel");
    browser.open(&hotel.authorize().with("prompt", "none").url()).await;
    hotel.assert_refused(&browser, "consent_required");
    hotel.sign_in(&mut browser, &world, "mina@example.com").await;
    browser.open(&hotel.authorize().with("prompt", "none").url()).await;
    hotel.code(&browser);
    // Zero seconds ask for a sign-in now, as `prompt=login` does.
    browser.open(&rp.authorize().with("prompt", "none").with("max_age", "0").url()).await;
    rp.assert_refused(&browser, "login_required");
    world.advance(2);
    browser.open(&rp.authorize().with("prompt", "none").with("max_age", "1").url()).await;
    rp.assert_refused(&browser, "login_required");
}

async fn prompt_login_proves_the_person_anew(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let before = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let cookie = browser.cookie("comity_session");
    world.advance(10);
    browser.open(&rp.authorize().with("prompt", "login").url()).await;
    browser.assert_at("/sign-in");
    browser.sign_in(&world, "mina@example.com").await;
    let after = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(after.id["auth_time"].as_i64(), Some(before.id["auth_time"].as_i64().unwrap() + 10));
    assert_eq!(after.sub(), before.sub());
    assert_ne!(browser.cookie("comity_session"), cookie);
    // The session that came in does not count as the proof asked for, however the pages are walked.
    world.advance(10);
    browser.open(&rp.authorize().with("prompt", "login").url()).await;
    let txn = browser.page.url.clone();
    let txn = txn.query().unwrap();
    for path in ["/consent", "/terms", "/sign-in/select"] {
        browser.open(&format!("{path}?{txn}")).await;
        assert!(!browser.is_away());
    }
}

async fn max_age_is_measured_in_seconds_since_the_proof(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    world.advance(100);
    browser.open(&rp.authorize().with("max_age", "100").url()).await;
    let first = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(first.id["auth_time"].as_i64(), Some(world.now().0 - 100));
    browser.open(&rp.authorize().with("max_age", "99").url()).await;
    browser.assert_at("/sign-in");
    browser.sign_in(&world, "mina@example.com").await;
    let again = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(again.id["auth_time"].as_i64(), Some(world.now().0));
    // A client may have said so once for all its requests.
    world.change_client("web", |client| client.default_max_age = Some(5)).await;
    world.advance(6);
    browser.open(&rp.authorize().url()).await;
    browser.assert_at("/sign-in");
}

async fn prompt_select_account_offers_the_account_and_another(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.person("ken@example.com", "Ken Sato").await;
    let rp = world.rp("web");
    let mina = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    browser.open(&rp.authorize().with("prompt", "select_account").url()).await;
    browser.assert_at("/sign-in/select");
    assert!(!browser.page.html.contains("mina@example.com"), "the address is masked");
    browser.press("account-1").await;
    let chosen = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(chosen.sub(), mina.sub());
    browser.open(&rp.authorize().with("prompt", "select_account").url()).await;
    browser.press("other").await;
    browser.sign_in(&world, "ken@example.com").await;
    let other = rp.redeem(&rp.code(&browser)).await;
    assert_ne!(other.sub(), mina.sub());
}

async fn an_id_token_hint_names_the_only_person_welcome(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.person("ken@example.com", "Ken Sato").await;
    let rp = world.rp("web");
    let mina = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let ken = rp.sign_in(&mut world.browser(), &world, "ken@example.com").await;
    let hinted = |hint: &str| rp.authorize().with("id_token_hint", hint).with("prompt", "none");
    browser.open(&hinted(&mina.id_token).url()).await;
    rp.code(&browser);
    world.advance(86_400);
    browser.open(&hinted(&mina.id_token).url()).await;
    rp.code(&browser);
    browser.open(&hinted(&ken.id_token).url()).await;
    rp.assert_refused(&browser, "login_required");
    // Asked in person, the browser's owner may become the one meant, and nobody else.
    browser.open(&rp.authorize().with("id_token_hint", &ken.id_token).url()).await;
    browser.assert_at("/sign-in");
    browser.sign_in(&world, "mina@example.com").await;
    rp.assert_refused(&browser, "login_required");
    browser.open(&rp.authorize().with("id_token_hint", &ken.id_token).url()).await;
    browser.sign_in(&world, "ken@example.com").await;
    assert_eq!(rp.redeem(&rp.code(&browser)).await.sub(), ken.sub());
    // Another client's hint, an access token and a token of bits are no hints.
    let portal = world.rp("plain").sign_in(&mut browser, &world, "ken@example.com").await;
    for hint in [&portal.id_token, &ken.access, &ken.id_token[..ken.id_token.len() - 4]] {
        browser.open(&hinted(hint).url()).await;
        rp.assert_refused(&browser, "invalid_request");
    }
}

async fn acr_is_honoured_or_refused(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let asking = |acr: &str| {
        let claims = json!({ "id_token": { "acr": { "essential": true, "values": [acr] } } });
        rp.authorize().with("claims", &claims.to_string())
    };
    browser.open(&asking("urn:comity:acr:1").url()).await;
    assert_eq!(rp.redeem(&rp.code(&browser)).await.id["acr"], "urn:comity:acr:1");
    browser.open(&asking("urn:comity:acr:9").url()).await;
    rp.assert_refused(&browser, "unmet_authentication_requirements");
    browser.open(&rp.authorize().with("acr_values", "urn:comity:acr:9 urn:comity:acr:1").url()).await;
    assert_eq!(rp.redeem(&rp.code(&browser)).await.id["acr"], "urn:comity:acr:1");
}

async fn a_subject_asked_for_is_the_only_one(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mina = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let asking = |sub: &str| {
        let claims = json!({ "id_token": { "sub": { "value": sub } } });
        rp.authorize().with("claims", &claims.to_string()).with("prompt", "none")
    };
    browser.open(&asking(mina.sub()).url()).await;
    rp.code(&browser);
    browser.open(&asking("somebody-else").url()).await;
    rp.assert_refused(&browser, "login_required");
}

async fn declining_is_told_to_the_client(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.press("cancel").await;
    rp.assert_refused(&browser, "access_denied");
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code("mina@example.com").await;
    browser.press("cancel").await;
    rp.assert_refused(&browser, "access_denied");
    browser.open(&rp.authorize().url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/consent");
    let consent = browser.page.url.to_string();
    browser.press("deny").await;
    rp.assert_refused(&browser, "access_denied");
    // The transaction is over.
    browser.open(&consent).await;
    browser.assert_error(400);
}

async fn a_transaction_belongs_to_its_browser(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let mut mal = world.browser();
    mal.open(&rp.authorize().url()).await;
    let planted = mal.page.url.to_string();
    // The victim opens what the attacker began.
    let mut mina = world.browser();
    mina.open_from("https://evil.example/", &planted).await;
    mina.assert_error(400);
    world.rp("web").sign_in(&mut mina, &world, "mina@example.com").await;
    for path in ["/sign-in", "/sign-in/code", "/sign-in/password", "/sign-up", "/terms", "/consent", "/sign-in/select"]
    {
        let url = planted.replace("/sign-in?", &format!("{path}?"));
        mina.open(&url).await;
        mina.assert_error(400);
    }
    // And the other way round: nobody finishes what somebody else began.
    mina.open(&rp.authorize().url()).await;
    mina.assert_at("/consent");
    let theirs = mina.page.url.to_string();
    mal.open(&theirs).await;
    mal.assert_error(400);
}

async fn steps_cannot_be_skipped(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("hotel");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    let txn = browser.page.attribute("input[name=txn]", "value").unwrap();
    let csrf = browser.page.attribute("input[name=csrf]", "value").unwrap();
    let cookie = format!("comity_browser={}", browser.cookie("comity_browser").unwrap());
    // Nobody is signed in: no page of the flow yields a code, whatever is sent to it.
    let buttons = ["", "allow", "continue", "verify", "other", "resend", "new", "existing", "prove", "accept", "skip"];
    for path in [
        "/sign-in",
        "/sign-in/code",
        "/sign-in/password",
        "/sign-up",
        "/sign-in/account",
        "/sign-in/select",
        "/terms",
        "/consent",
    ] {
        for button in buttons {
            let fields = [("txn", txn.as_str()), ("csrf", &csrf), ("do", button)];
            let reply = world.send(Request::post(path).header("cookie", &cookie).form(fields)).await;
            let location = reply.header("location").unwrap_or_default();
            let code = location.contains("?code=") || location.contains("&code=");
            assert!(reply.status < 500 && !code, "{path} {button}: {} {location}", reply.status);
            assert!(
                reply.headers.get_all("set-cookie").iter().all(|cookie| !cookie.to_str().unwrap().contains("session="))
            );
        }
    }
}

async fn another_person_at_the_same_browser_gets_a_new_session(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.person("ken@example.com", "Ken Sato").await;
    let rp = world.rp("web");
    let mina = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let old_cookie = browser.cookie("comity_session").unwrap();
    browser.open(&rp.authorize().with("prompt", "login").url()).await;
    browser.sign_in(&world, "ken@example.com").await;
    let ken = rp.redeem(&rp.code(&browser)).await;
    assert_ne!((ken.sub(), &ken.id["sid"]), (mina.sub(), &mina.id["sid"]));
    assert_ne!(ken.id["sid"], mina.id["sid"]);
    // The session before is over, wherever its cookie still is.
    let mut thief = world.browser();
    thief.plant_cookie("comity_session", &old_cookie);
    thief.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.assert_refused(&thief, "login_required");
}
