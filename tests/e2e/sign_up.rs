//! Becoming a customer: nothing is kept before the terms are accepted.

use comity::model::contact::ContactKind;

use crate::support::{Browser, Request, World};

stories!(
    a_newcomer_proves_a_mailbox_accepts_the_terms_and_is_in,
    nothing_is_kept_before_the_terms_are_accepted,
    a_name_and_the_required_documents_are_needed,
    a_name_is_text_and_nothing_else,
    only_what_was_proven_counts,
    leaving_tells_the_client_and_keeps_nothing,
    of_two_sign_ups_for_one_mailbox_one_wins,
    of_fifty_sign_ups_one_wins,
    documents_can_be_read_before_there_is_an_account,
    what_was_accepted_is_on_record,
    a_new_version_of_the_terms_is_asked_once,
    nobody_goes_on_without_the_new_terms,
    an_account_begun_at_our_own_page_ends_there,
);

async fn at_sign_up(world: &World, email: &str) -> Browser {
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    browser.sign_in(world, email).await;
    browser.assert_at("/sign-up");
    browser
}

async fn owners(world: &World, email: &str) -> usize {
    world.store().verified_owners(ContactKind::Email, email).await.unwrap().len()
}

async fn a_newcomer_proves_a_mailbox_accepts_the_terms_and_is_in(world: World) {
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().with("scope", "openid profile email stage").url()).await;
    browser.sign_in(&world, "nari@example.com").await;
    browser.assert_at("/sign-up");
    assert!(browser.page.text("main").contains("nari@example.com"));
    assert!(!browser.page.has("input[type=checkbox][checked]"), "nothing is ticked beforehand");
    browser.fill("name", "Nari Han").tick("accept-terms").tick("accept-privacy").press("continue").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(tokens.id["urn:comity:stage"], "registered");
    let claims = rp.claims(&tokens).await;
    assert_eq!((claims["name"].as_str(), claims["email"].as_str()), (Some("Nari Han"), Some("nari@example.com")));
    assert_eq!(claims["email_verified"], true);
    // Coming back she is known.
    let again = rp.sign_in(&mut world.browser(), &world, "nari@example.com").await;
    assert_eq!(again.sub(), tokens.sub());
}

async fn nothing_is_kept_before_the_terms_are_accepted(world: World) {
    let before = world.store().events(None, None, 100).await.unwrap().len();
    let mut browser = at_sign_up(&world, "nari@example.com").await;
    assert_eq!(owners(&world, "nari@example.com").await, 0);
    assert_eq!(world.store().events(None, None, 100).await.unwrap().len(), before);
    assert_eq!(browser.cookie("comity_session"), None);
    // Half an hour later the way is closed, and nothing was kept all the same.
    world.advance(1800);
    browser.fill("name", "Nari Han").tick_all().press("continue").await;
    assert!(!browser.is_away());
    assert_eq!(owners(&world, "nari@example.com").await, 0);
}

async fn a_name_and_the_required_documents_are_needed(world: World) {
    let mut browser = at_sign_up(&world, "nari@example.com").await;
    browser.fill("name", "  ").tick("accept-terms").tick("accept-privacy").press("continue").await;
    browser.assert_at("/sign-up");
    assert!(!browser.problem().is_empty());
    browser.fill("name", &"n".repeat(101)).tick_all().press("continue").await;
    browser.assert_at("/sign-up");
    browser.fill("name", "Nari Han").tick("accept-terms").untick("accept-privacy").press("continue").await;
    browser.assert_at("/sign-up");
    assert!(!browser.problem().is_empty());
    // What was filled in is still there.
    assert_eq!(browser.page.attribute("#name", "value").as_deref(), Some("Nari Han"));
    assert!(browser.page.has("#accept-terms[checked]") && !browser.page.has("#accept-privacy[checked]"));
    // Naming other documents does not help.
    browser.untick("accept-terms").untick("accept-privacy");
    browser.forge("accept.nothing", "yes").forge("accept.terms", "no").press("continue").await;
    browser.assert_at("/sign-up");
    assert_eq!(owners(&world, "nari@example.com").await, 0);
    browser.tick_all().press("continue").await;
    assert!(browser.is_away());
}

async fn a_name_is_text_and_nothing_else(world: World) {
    let mut browser = at_sign_up(&world, "nari@example.com").await;
    let name = "<img src=x onerror=alert(1)> & \"Nari\" {csrf}";
    browser.fill("name", name).press("continue").await;
    assert!(!browser.page.has("main img"));
    assert_eq!(browser.page.attribute("#name", "value").as_deref(), Some(name));
    browser.fill("name", "Na\u{7}ri").tick_all().press("continue").await;
    browser.assert_at("/sign-up");
    browser.fill("name", name).tick_all().press("continue").await;
    assert!(browser.is_away());
    browser.open("/account").await;
    assert_eq!(browser.page.text("h1"), name);
    assert!(!browser.page.has("main img[onerror]"));
}

async fn only_what_was_proven_counts(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = at_sign_up(&world, "mal@example.com").await;
    for (field, value) in
        [("email", "mina@example.com"), ("sub", "u_x"), ("connection", "google"), ("email_verified", "true")]
    {
        browser.forge(field, value);
    }
    browser.fill("name", "Mal").tick_all().press("continue").await;
    assert!(browser.is_away());
    let tokens = rp.sign_in(&mut browser, &world, "mal@example.com").await;
    assert_eq!(rp.claims(&tokens).await["email"], "mal@example.com");
    assert_eq!(owners(&world, "mina@example.com").await, 1);
    // Without any proof the page leads back to the beginning.
    let mut stranger = world.browser();
    stranger.open(&rp.authorize().url()).await;
    let txn = stranger.page.attribute("input[name=txn]", "value").unwrap();
    let csrf = stranger.page.attribute("input[name=csrf]", "value").unwrap();
    let cookie = format!("comity_browser={}", stranger.cookie("comity_browser").unwrap());
    let fields =
        [("txn", txn.as_str()), ("csrf", &csrf), ("name", "Mal"), ("accept.terms", "yes"), ("accept.privacy", "yes")];
    let reply = world.send(Request::post("/sign-up").header("cookie", &cookie).form(fields)).await.expect(303);
    assert!(reply.header("location").unwrap().starts_with("/sign-in?"));
    assert!(reply.header("set-cookie").is_none_or(|cookie| !cookie.contains("session")));
}

async fn leaving_tells_the_client_and_keeps_nothing(world: World) {
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.sign_in(&world, "nari@example.com").await;
    browser.press("cancel").await;
    rp.assert_refused(&browser, "access_denied");
    assert_eq!(owners(&world, "nari@example.com").await, 0);
}

async fn of_two_sign_ups_for_one_mailbox_one_wins(world: World) {
    let mut phone = at_sign_up(&world, "nari@example.com").await;
    let mut laptop = at_sign_up(&world, "nari@example.com").await;
    phone.fill("name", "Nari").tick_all().press("continue").await;
    assert!(phone.is_away());
    laptop.fill("name", "Nari Han").tick_all().press("continue").await;
    laptop.assert_at("/sign-in");
    assert_eq!(owners(&world, "nari@example.com").await, 1);
    laptop.sign_in(&world, "nari@example.com").await;
    assert!(laptop.is_away());
}

async fn of_fifty_sign_ups_one_wins(world: World) {
    let browser = at_sign_up(&world, "nari@example.com").await;
    let fields = browser.form("continue");
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(name, _)| *name != "name");
    let fields = fields.chain([("name", "Nari"), ("accept.terms", "yes"), ("accept.privacy", "yes")]);
    let cookie = format!("comity_browser={}", browser.cookie("comity_browser").unwrap());
    let request = Request::post("/sign-up").header("cookie", &cookie).form(fields);
    let rp = world.rp("web");
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (rp, request) = (rp.clone(), request.clone());
            tokio::spawn(async move { rp.send(request).await })
        })
        .collect();
    let mut sessions = 0;
    for call in calls {
        let reply = call.await.unwrap();
        assert!(reply.status < 500, "{}", reply.text());
        sessions += usize::from(
            reply.headers.get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().contains("session=")),
        );
    }
    assert_eq!((sessions, owners(&world, "nari@example.com").await), (1, 1));
}

async fn documents_can_be_read_before_there_is_an_account(world: World) {
    let mut browser = at_sign_up(&world, "nari@example.com").await;
    for id in ["terms", "privacy"] {
        let href = browser.page.attribute(&format!("#read-{id}"), "href").unwrap();
        let mut reader = browser.clone();
        reader.open(&href).await;
        assert_eq!(reader.page.status, 200);
        assert!(reader.page.text("main").contains("Replace this text"));
    }
    browser.open("/documents/nothing").await;
    browser.assert_error(404);
}

async fn what_was_accepted_is_on_record(world: World) {
    let mut browser = world.browser().reading("ko");
    browser.open(&world.rp("web").authorize().url()).await;
    browser.sign_in(&world, "nari@example.com").await;
    browser.fill("name", "한나리").tick_all().press("continue").await;
    let owner = world.store().verified_owners(ContactKind::Email, "nari@example.com").await.unwrap()[0];
    let accepted = world.store().acceptances(owner).await.unwrap();
    assert_eq!(accepted.len(), 2);
    for acceptance in accepted {
        assert_eq!((acceptance.version, acceptance.locale.as_str(), acceptance.accepted_at), (1, "ko", world.now()));
        let texts = &world.app().web().accounts.policy().documents;
        let document = texts.iter().find(|document| document.id == acceptance.document).unwrap();
        let text = document.text.get(&acceptance.locale).unwrap();
        assert_eq!(acceptance.hash, comity::model::digest::sha256_b64(text));
    }
    assert_eq!(world.store().account(owner).await.unwrap().unwrap().locale.as_str(), "ko");
}

const NEW_TERMS: &str = "[[documents]]\nid = \"terms\"\nversion = 2\nrequired = true\n\
                         title = { en = \"New terms\" }\ntext = { en = \"Everything changes.\" }\n";

async fn a_new_version_of_the_terms_is_asked_once(mut world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.restart_with(NEW_TERMS).await;
    let rp = world.rp("web");
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.assert_refused(&browser, "interaction_required");
    browser.open(&rp.authorize().url()).await;
    browser.assert_at("/terms");
    assert!(browser.page.has("#accept-terms") && !browser.page.has("#accept-privacy"));
    browser.press("continue").await;
    browser.assert_at("/terms");
    assert!(!browser.problem().is_empty());
    browser.tick("accept-terms").press("continue").await;
    rp.code(&browser);
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.code(&browser);
}

async fn nobody_goes_on_without_the_new_terms(mut world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.restart_with(NEW_TERMS).await;
    let rp = world.rp("web");
    browser.open(&rp.authorize().url()).await;
    browser.press("decline").await;
    rp.assert_refused(&browser, "access_denied");
    browser.open(&rp.authorize().url()).await;
    let consent = browser.page.url.to_string().replace("/terms", "/consent");
    browser.open(&consent).await;
    if browser.page.has("#allow") {
        browser.press("allow").await;
    }
    assert!(!browser.is_away(), "consent is no way around the terms");
}

async fn an_account_begun_at_our_own_page_ends_there(world: World) {
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.sign_in(&world, "nari@example.com").await;
    browser.fill("name", "Nari Han").tick_all().press("continue").await;
    browser.assert_at("/account");
    assert_eq!(browser.page.text("h1"), "Nari Han");
}
