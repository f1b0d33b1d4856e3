//! What every page says to the browser.

use crate::support::{Browser, Page, Request, World};

stories!(
    every_page_is_armoured,
    pages_hold_no_inline_code,
    forms_lead_home_and_to_the_client,
    redirects_repeat_no_body_and_are_not_kept,
    nobody_else_may_read_pages("server.issuer = \"https://id.example.com\""),
    static_files_are_kept_for_good,
);

fn check(page: &Page) {
    let at = &page.url;
    let policy = page.header("content-security-policy").unwrap_or_else(|| panic!("no policy at {at}"));
    for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(directive), "{at}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src *"), "{at}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.header(name), Some(value), "{at}: {name}");
    }
    assert_eq!(page.header("access-control-allow-origin"), None, "{at}");
    assert_eq!(page.header("server"), None, "{at}");
    assert!(page.header("x-request-id").is_some(), "{at}");
}

/// Walks through the pages; calls `see` on each.
async fn walk(world: &World, see: impl Fn(&Page)) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    let look = |browser: &Browser| see(&browser.page);
    let rp = world.rp("hotel");
    browser.open(&rp.authorize().url()).await;
    look(&browser);
    browser.press("use-password").await;
    look(&browser);
    browser.press("use-code").await;
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code("mina@example.com").await;
    look(&browser);
    let link = world.link_mailed_to("mina@example.com");
    browser.clone().open(&link).await;
    let mut elsewhere = world.browser();
    elsewhere.open(&link).await;
    look(&elsewhere);
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    browser.assert_at("/consent");
    look(&browser);
    browser.open(&rp.authorize().with("prompt", "select_account").url()).await;
    look(&browser);
    let request = rp.authorize().with("response_mode", "form_post").with("prompt", "none");
    browser.open(&request.url()).await;
    look(&browser);
    for path in
        ["/account", "/account/profile", "/account/password", "/documents/terms", "/logout", "/nowhere", "/authorize"]
    {
        browser.open(path).await;
        look(&browser);
    }
    let mut newcomer = world.browser();
    newcomer.open(&world.rp("web").authorize().url()).await;
    newcomer.sign_in(world, "nari@example.com").await;
    newcomer.assert_at("/sign-up");
    look(&newcomer);
    browser.open("/logout").await;
    browser.press("sign-out").await;
    look(&browser);
}

async fn every_page_is_armoured(world: World) {
    walk(&world, check).await;
}

async fn pages_hold_no_inline_code(world: World) {
    walk(&world, |page| {
        assert!(!page.has("script:not([src])") && !page.has("style") && !page.has("[style]"), "{}", page.url);
        let handlers = page.all("*", |element| {
            element.value().attrs().any(|(name, _)| name.starts_with("on")).then(|| element.value().name().to_owned())
        });
        assert_eq!(handlers.into_iter().flatten().collect::<Vec<_>>(), Vec::<String>::new(), "{}", page.url);
        for source in page.all("script[src], link[href], img[src]", |element| {
            element.value().attr("src").or(element.value().attr("href")).unwrap().to_owned()
        }) {
            assert!(source.starts_with("/static/"), "{}: {source}", page.url);
        }
        for href in page.all("a[href]", |element| element.value().attr("href").unwrap().to_owned()) {
            assert!(href.starts_with(['/', '#', '?']) || href.starts_with("https://"), "{}: {href}", page.url);
        }
    })
    .await;
}

async fn forms_lead_home_and_to_the_client(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    browser.open(&world.rp("app").authorize().url()).await;
    let policy = browser.page.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("com.example.app:"), "{policy}");
    // The browser here enforces it: the way to the application is open.
    browser.sign_in(&world, "mina@example.com").await;
    assert_eq!(browser.page.url.scheme(), "com.example.app");
    let rp = world.rp("app").at("http://127.0.0.1:50505/callback");
    browser.open(&rp.authorize().with("prompt", "login").url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    rp.code(&browser);
    browser.open("/account").await;
    let policy = browser.page.header("content-security-policy").unwrap();
    assert!(!policy.contains("com.example.app:"), "{policy}");
}

async fn redirects_repeat_no_body_and_are_not_kept(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    let rp = world.rp("web");
    browser.open(&rp.authorize().url()).await;
    browser.ask_for_code("mina@example.com").await;
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    for hop in &browser.hops {
        assert!(hop.status == 303, "{} {}: {}", hop.method, hop.url, hop.status);
    }
    let cookie = format!("comity_session={}", browser.cookie("comity_session").unwrap());
    let target = format!("/authorize?{}", rp.authorize().query());
    let reply = world.send(Request::get(&target).header("cookie", &cookie)).await.expect(303);
    assert_eq!(
        (reply.header("cache-control"), reply.header("referrer-policy")),
        (Some("no-store"), Some("no-referrer"))
    );
    assert!(reply.body.is_empty());
}

async fn nobody_else_may_read_pages(world: World) {
    let reply = world.send(Request::get("/account").header("origin", "https://evil.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    for path in ["/authorize", "/account", "/logout", "/token", "/userinfo", "/introspect"] {
        let preflight = Request::new(http::Method::OPTIONS, path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST");
        let reply = world.send(preflight).await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(reply.header("access-control-allow-credentials"), None, "{path}");
    }
    // Over https, and never again without.
    let reply = world.send(Request::get("/documents/terms").header("accept", "text/html")).await.expect(200);
    assert!(reply.header("strict-transport-security").unwrap().starts_with("max-age=31536000"));
}

async fn static_files_are_kept_for_good(world: World) {
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    let style = browser.page.attribute("link[rel=stylesheet]", "href").unwrap();
    let reply = world.send(Request::get(&style)).await.expect(200);
    assert!(reply.header("cache-control").unwrap().contains("immutable"));
    assert!(reply.header("content-type").unwrap().starts_with("text/css"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("set-cookie").is_none());
    for path in
        ["/static/", "/static/css", "/static//etc/passwd", "/static/..%2f..%2fCargo.toml", "/static/%2e%2e/Cargo.toml"]
    {
        assert_eq!(world.send(Request::get(path)).await.status, 404, "{path}");
    }
}
