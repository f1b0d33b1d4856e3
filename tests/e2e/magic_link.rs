//! The link in the mail: opening it does nothing, its button signs in the browser that asked.

use crate::support::{Request, World};

stories!(
    opening_the_link_does_nothing,
    the_link_works_once_and_with_the_code_never_twice,
    the_link_signs_nobody_in_elsewhere,
);

async fn opening_the_link_does_nothing(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let link = world.link_mailed_to("mina@example.com");
    assert!(link.starts_with(world.issuer()), "built from configuration");
    // A mail scanner opens it, again and again.
    let target = link.strip_prefix(world.issuer()).unwrap();
    for _ in 0..3 {
        let reply = world.send(Request::get(target)).await.expect(200);
        assert!(!reply.text().contains("id=\"confirm\""), "another browser finds no button");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        world.send(Request::new(http::Method::HEAD, target)).await.expect(200);
    }
    browser.open(&link).await;
    assert!(browser.page.has("#confirm"));
    assert_eq!(browser.cookie("comity_session"), None);
    browser.press("confirm").await;
    let rp = world.rp("web");
    assert_eq!(rp.response(&browser).get("error"), None);
    assert!(browser.cookie("comity_session").is_some());
}

async fn the_link_works_once_and_with_the_code_never_twice(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let (code, link) = (world.code_mailed_to("mina@example.com"), world.link_mailed_to("mina@example.com"));
    let code_page = browser.page.clone();
    browser.open(&link).await;
    let link_page = browser.page.clone();
    browser.press("confirm").await;
    assert!(browser.is_away());
    browser.page = link_page;
    browser.press("confirm").await;
    assert!(!browser.is_away());
    browser.page = code_page;
    browser.fill("code", &code).press("continue").await;
    assert!(!browser.is_away());
    // The other way round.
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let link = world.link_mailed_to("mina@example.com");
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    assert!(browser.is_away());
    browser.open(&link).await;
    assert!(!browser.page.has("#confirm"));
}

async fn the_link_signs_nobody_in_elsewhere(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    // The attacker asks for a mail to the victim's address; the victim presses what came.
    let mut mal = world.at_the_code_page("mina@example.com").await;
    let link = world.link_mailed_to("mina@example.com");
    let mut mina = world.browser();
    mina.open(&link).await;
    assert!(!mina.page.has("#confirm"), "{}", mina.page.text("main"));
    // Even a form made by hand is refused in a browser that did not ask.
    let token = link.split_once("token=").unwrap().1;
    mina.open(&world.rp("web").authorize().url()).await;
    let csrf = mina.page.attribute("input[name=csrf]", "value").unwrap();
    let cookie = format!("comity_browser={}", mina.cookie("comity_browser").unwrap());
    let fields = [("txn", token), ("csrf", csrf.as_str()), ("do", "confirm")];
    let reply = world.send(Request::post("/sign-in/link").header("cookie", &cookie).form(fields)).await;
    assert!(reply.headers.get("location").is_none());
    assert_eq!(mal.reload().await.url.path(), "/sign-in/code");
}
