//! Signing in by a mailed code or link, or a password.

use crate::support::{Request, World};

stories!(
    a_person_signs_in_with_the_code_from_the_mail,
    what_is_no_address_is_said_at_once,
    addresses_are_one_however_they_are_written,
    known_and_unknown_addresses_look_alike,
    the_session_cookie_is_as_it_should_be("server.issuer = \"https://id.example.com\""),
    a_form_of_another_site_is_refused,
    nobody_is_signed_in_as_somebody_else,
    without_cookies_the_reason_is_named,
    one_network_may_try_so_often("sign_in.attempts_per_minute = 5"),
    an_account_page_is_reached_by_signing_in,
);

async fn a_person_signs_in_with_the_code_from_the_mail(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.assert_at("/sign-in");
    assert!(browser.page.text("main").contains("Travel Shop"));
    browser.ask_for_code("mina@example.com").await;
    assert!(!browser.page.html.contains("mina@example.com"), "the address is masked");
    assert!(!browser.page.html.contains(&world.code_mailed_to("mina@example.com")));
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!((&tokens.id["amr"][0], &tokens.id["acr"]), (&"otp".into(), &"urn:comity:acr:1".into()));
    let claims = rp.claims(&tokens).await;
    assert_eq!((claims["name"].as_str(), claims["email"].as_str()), (Some("Mina Kim"), Some("mina@example.com")));
}

async fn what_is_no_address_is_said_at_once(world: World) {
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    for typed in [
        "",
        " ",
        "mina",
        "mina@",
        "@example.com",
        "a@b@example.com",
        "mina@example.com\u{202e}",
        "mina @example.com",
        "x\u{0}@example.com",
    ] {
        if typed.contains('\u{0}') {
            continue;
        }
        browser.fill("email", typed).press("continue").await;
        assert!(browser.page.has_field("email") && !browser.problem().is_empty(), "{typed:?}");
        assert_eq!(browser.page.attribute("#email", "aria-invalid").as_deref(), Some("true"));
    }
    let long = format!("{}@example.com", "x".repeat(300));
    browser.fill("email", &long).press("continue").await;
    assert!(browser.page.has_field("email") && !browser.problem().is_empty());
}

async fn addresses_are_one_however_they_are_written(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut subs = Vec::new();
    for typed in ["mina@example.com", "Mina@Example.COM", " mina@example.com ", "ｍｉｎａ@example.com"] {
        let mut browser = world.browser();
        browser.open(&rp.authorize().url()).await;
        browser.fill("email", typed).press("continue").await;
        browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
        subs.push(rp.redeem(&rp.code(&browser)).await.sub().to_owned());
    }
    subs.dedup();
    assert_eq!(subs.len(), 1);
}

async fn known_and_unknown_addresses_look_alike(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    let gone = world.person("gone@example.com", "Gone").await;
    world.suspend(gone).await;
    world.set_password(account).await;
    let mut pages = Vec::new();
    for email in ["mina@example.com", "nobody@example.com", "gone@example.com"] {
        let mut browser = world.at_the_code_page(email).await;
        let txn = browser.page.attribute("input[name=txn]", "value").unwrap();
        let csrf = browser.page.attribute("input[name=csrf]", "value").unwrap();
        let steady = |html: &str| html.replace(&txn, "TXN").replace(&csrf, "CSRF");
        let shown = steady(&browser.page.html).replace(&browser.page.text("strong"), "ADDRESS");
        let mail = world.mail_to(email);
        let mail = (mail.subject.clone(), mail.text.lines().count());
        browser.press("other").await;
        browser.press("use-password").await;
        browser.fill("email", email).fill("password", "a wrong password of some length").press("continue").await;
        pages.push((shown, mail, browser.page.status, browser.problem()));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

async fn the_session_cookie_is_as_it_should_be(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    let names = ["comity_session", "comity_browser"];
    for name in names {
        let cookie = browser.jar.find("id.example.com", name).unwrap();
        assert_eq!(cookie.name, format!("__Host-{name}"));
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.attributes.contains(attribute), "{name}: {}", cookie.attributes);
        }
        assert_eq!(cookie.value.len(), 43);
    }
    assert_eq!(world.link_mailed_to("mina@example.com").split("/sign-in").next(), Some("https://id.example.com"));
    // A neighbour's cookie without the prefix is not ours; two of one name are nobody's.
    let value = browser.cookie("comity_session").unwrap();
    let silent = rp.authorize().with("prompt", "none");
    let silent = format!("/authorize?{}", silent.query());
    for cookie in [
        format!("comity_session={value}"),
        format!("__Host-comity_session={value}; __Host-comity_session=planted"),
        format!("__Host-comity_session={value}x"),
        format!("__Host-comity_session=\"{value}\""),
        "__Host-comity_session=../../etc".to_owned(),
    ] {
        let reply = world.send(Request::get(&silent).header("cookie", &cookie)).await.expect(303);
        assert!(reply.header("location").unwrap().contains("error=login_required"), "{cookie}");
    }
    let reply = world.send(Request::get(&silent).header("cookie", &format!("__Host-comity_session={value}"))).await;
    assert!(reply.header("location").unwrap().contains("code="));
}

async fn a_form_of_another_site_is_refused(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    let fields = browser.form("continue");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let cookie = format!("comity_browser={}", browser.cookie("comity_browser").unwrap());
    let request = || Request::post("/sign-in").header("cookie", &cookie);
    let form = |drop: &str| fields.iter().copied().filter(|(name, _)| *name != drop).collect::<Vec<_>>();
    let refused = [
        request().header("origin", "https://evil.example").form(form("")),
        request().header("origin", &format!("{}.evil.example", world.issuer())).form(form("")),
        request().header("sec-fetch-site", "cross-site").form(form("")),
        request().header("sec-fetch-site", "same-site").form(form("")),
        request().form(form("csrf")),
        request().form(form("csrf").into_iter().chain([("csrf", "x")])),
        Request::post("/sign-in").form(form("")),
    ];
    for request in refused {
        let reply = world.send(request.header("accept", "text/html")).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
    }
    // A browser that says nothing is judged by the token alone.
    world.send(request().form(form(""))).await.expect(200);
    world
        .send(request().header("origin", world.issuer()).header("sec-fetch-site", "same-origin").form(form("")))
        .await
        .expect(200);
    // Another browser's token is none.
    let mut other = world.browser();
    other.open(&world.rp("web").authorize().url()).await;
    let theirs = other.page.attribute("input[name=csrf]", "value").unwrap();
    let stolen = form("csrf").into_iter().chain([("csrf", theirs.as_str())]);
    world.send(request().form(stolen)).await.expect(403);
}

async fn nobody_is_signed_in_as_somebody_else(world: World) {
    world.person("mal@example.com", "Mal").await;
    let mal = world.at_the_code_page("mal@example.com").await;
    let mut fields = mal.form("continue");
    let code = world.code_mailed_to("mal@example.com");
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The victim's browser is made to send the attacker's finished form.
    let mut mina = world.browser();
    mina.open(&world.rp("web").authorize().url()).await;
    mina.post_from("https://evil.example/", "/sign-in/code", &fields).await;
    mina.assert_error(403);
    assert_eq!(mina.cookie("comity_session"), None);
    mina.open(mal.page.url.as_str()).await;
    mina.assert_error(400);
    // A session cookie planted before sign-in is not the one after it.
    mina.plant_cookie("comity_session", "0123456789012345678901234567890123456789012");
    world.person("mina@example.com", "Mina Kim").await;
    mina.open(&world.rp("web").authorize().url()).await;
    mina.sign_in(&world, "mina@example.com").await;
    assert_ne!(mina.cookie("comity_session").unwrap(), "0123456789012345678901234567890123456789012");
}

async fn without_cookies_the_reason_is_named(world: World) {
    let mut browser = world.browser().without_cookies();
    browser.open(&world.rp("web").authorize().url()).await;
    let heading = browser.assert_error(400);
    assert!(heading.to_lowercase().contains("cookie"), "{heading}");
}

async fn one_network_may_try_so_often(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    for _ in 0..5 {
        browser.fill("email", "no address").press("continue").await;
        browser.assert_at("/sign-in");
    }
    browser.fill("email", "mina@example.com").press("continue").await;
    browser.assert_error(429);
    world.advance(60);
    browser.open(&world.rp("web").authorize().url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    assert!(browser.is_away());
}

async fn an_account_page_is_reached_by_signing_in(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.assert_at("/sign-in");
    assert!(!browser.page.has("#cancel"), "there is no client to go back to");
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/account");
    assert_eq!(browser.page.text("h1"), "Mina Kim");
}
