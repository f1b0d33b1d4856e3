//! A password, where the deployment has them.

use crate::support::people::PASSWORD;
use crate::support::{Browser, World};

stories!(
    a_password_opens_the_account,
    wrong_passwords_say_nothing_and_are_limited,
    passwords_can_be_off("sign_in.passwords = false"),
);

async fn with_password(browser: &mut Browser, world: &World, email: &str, password: &str) {
    browser.open(&world.rp("web").authorize().url()).await;
    browser.fill("email", email).press("use-password").await;
    assert_eq!(browser.page.attribute("#email", "value").as_deref(), Some(email));
    browser.fill("password", password).press("continue").await;
}

async fn a_password_opens_the_account(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.set_password(account).await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.fill("email", "mina@example.com").press("use-password").await;
    browser.fill("password", PASSWORD).press("continue").await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(tokens.id["amr"][0], "pwd");
    // A code works as well, always.
    let mut browser = world.browser();
    rp.sign_in(&mut browser, &world, "mina@example.com").await;
}

async fn wrong_passwords_say_nothing_and_are_limited(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.set_password(account).await;
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    browser.fill("email", "mina@example.com").press("use-password").await;
    for _ in 0..10 {
        browser.fill("password", "not an albatross at all").press("continue").await;
        assert!(!browser.is_away() && browser.page.has_field("password"));
        assert!(!browser.page.html.contains("not an albatross"), "what was typed is not sent back");
    }
    // This browser has had its tries, even with the right one; a code always works.
    browser.fill("password", PASSWORD).press("continue").await;
    assert!(!browser.is_away());
    browser.press("use-code").await;
    browser.assert_at("/sign-in/code");
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    assert!(browser.is_away());
    // A person whose browser is known is not kept out by the tries of strangers.
    let mut known = world.browser();
    world.advance(3600);
    with_password(&mut known, &world, "mina@example.com", PASSWORD).await;
    assert!(known.is_away());
    for _ in 0..3 {
        let mut stranger = world.browser();
        for _ in 0..10 {
            with_password(&mut stranger, &world, "mina@example.com", "guess after guess after guess").await;
        }
    }
    let mut stranger = world.browser();
    with_password(&mut stranger, &world, "mina@example.com", PASSWORD).await;
    assert!(!stranger.is_away());
    known.jar.remove("comity_session");
    with_password(&mut known, &world, "mina@example.com", PASSWORD).await;
    assert!(known.is_away());
}

async fn passwords_can_be_off(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    assert!(!browser.page.has("#use-password"));
    let txn = browser.page.url.query().unwrap().to_owned();
    browser.open(&format!("/sign-in/password?{txn}")).await;
    if browser.page.has_field("password") {
        browser.fill("email", "mina@example.com").fill("password", PASSWORD).press("continue").await;
    }
    assert!(!browser.is_away());
}
