//! How long a sign-in lasts, and how its owner ends it.

use crate::support::{Browser, Rp, World, page::text_of};

stories!(
    a_session_idles_out,
    use_keeps_it_alive_up_to_a_point,
    sessions_survive_a_restart,
    the_owner_sees_and_ends_other_browsers,
    signing_out_on_the_account_page_is_signing_out,
    a_session_of_another_person_cannot_be_ended,
    sensitive_changes_want_a_fresh_proof,
    a_new_password_ends_all_other_sessions,
    two_browsers_are_two_sessions,
);

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.response(browser).get("code").is_some()
}

async fn a_session_idles_out(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    world.advance(1_209_600);
    assert!(is_signed_in(&rp, &mut browser).await);
    world.advance(1_209_601);
    assert!(!is_signed_in(&rp, &mut browser).await);
}

async fn use_keeps_it_alive_up_to_a_point(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for _ in 0..8 {
        world.advance(950_000);
        assert!(is_signed_in(&rp, &mut browser).await);
    }
    world.advance(7_776_000 - 8 * 950_000);
    assert!(!is_signed_in(&rp, &mut browser).await, "ninety days are the end");
}

async fn sessions_survive_a_restart(mut world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.restart().await;
    assert!(is_signed_in(&world.rp("web"), &mut browser).await);
}

async fn the_owner_sees_and_ends_other_browsers(world: World) {
    let mut laptop = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut phone = world.browser();
    let online = rp.sign_in(&mut phone, &world, "mina@example.com").await;
    let offline = rp.sign_in_for(&mut phone, &world, "mina@example.com", "openid offline_access").await;
    laptop.open("/account").await;
    let ids = laptop.page.all("button[name=end_session]", |button| button.value().id().unwrap().to_owned());
    assert_eq!(ids.len(), 1, "this browser has no such button: {}", laptop.page.text("main"));
    laptop.press(&ids[0]).await;
    assert!(!is_signed_in(&rp, &mut phone).await);
    assert!(is_signed_in(&rp, &mut laptop).await);
    assert_eq!(rp.userinfo(&online.access).await.status, 401);
    rp.refresh(offline.refresh()).await;
}

async fn signing_out_on_the_account_page_is_signing_out(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    browser.open("/account").await;
    let cookie = browser.cookie("comity_session").unwrap();
    browser.press("sign-out").await;
    assert!(!is_signed_in(&world.rp("web"), &mut browser).await);
    let mut thief = world.browser();
    thief.plant_cookie("comity_session", &cookie);
    assert!(!is_signed_in(&world.rp("web"), &mut thief).await);
}

async fn a_session_of_another_person_cannot_be_ended(world: World) {
    let mut mina = world.signed_in("mina@example.com", "Mina Kim").await;
    world.rp("web").sign_in(&mut world.browser(), &world, "mina@example.com").await;
    mina.open("/account").await;
    let hers = mina.page.attribute("button[name=end_session]", "value").unwrap();
    let mut mal = world.signed_in("mal@example.com", "Mal").await;
    world.rp("web").sign_in(&mut world.browser(), &world, "mal@example.com").await;
    mal.open("/account").await;
    // The button of Mal's own other browser, made to name Mina's session.
    let own = mal.page.attribute("button[name=end_session]", "value").unwrap();
    mal.page.html = mal.page.html.replace(&own, &hers);
    mal.press(&format!("end-session-{hers}")).await;
    mina.reload().await;
    assert_eq!(mina.page.attribute("button[name=end_session]", "value"), Some(hers));
}

async fn sensitive_changes_want_a_fresh_proof(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    world.advance(301);
    browser.open("/account/password").await;
    if browser.page.has_field("new_password") {
        browser.fill("new_password", "an albatross over Haneda").press("save").await;
    }
    browser.assert_at("/sign-in");
    browser.sign_in(&world, "mina@example.com").await;
    browser.assert_at("/account/password");
    browser.fill("new_password", "an albatross over Haneda").press("save").await;
    browser.assert_at("/account");
    // Whoever holds the mailbox hears of it.
    assert!(world.mails_to("mina@example.com") >= 3);
}

async fn a_new_password_ends_all_other_sessions(world: World) {
    let mut laptop = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut phone = world.browser();
    rp.sign_in(&mut phone, &world, "mina@example.com").await;
    laptop.open("/account/password").await;
    laptop.fill("new_password", "short").press("save").await;
    assert!(!laptop.problem().is_empty());
    laptop.fill("new_password", "an albatross over Haneda").press("save").await;
    laptop.assert_at("/account");
    assert!(is_signed_in(&rp, &mut laptop).await);
    assert!(!is_signed_in(&rp, &mut phone).await);
}

async fn two_browsers_are_two_sessions(world: World) {
    let laptop = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut phone = world.browser();
    let there = rp.sign_in(&mut phone, &world, "mina@example.com").await;
    let here = rp.sign_in(&mut laptop.clone(), &world, "mina@example.com").await;
    assert_ne!(there.id["sid"], here.id["sid"]);
    assert_eq!(there.sub(), here.sub());
    phone.open("/account").await;
    let rows = phone.page.all("section[aria-labelledby=h-sessions] li", text_of);
    assert_eq!(rows.len(), 2, "{rows:?}");
}
