//! The cache goes away, and forgets.

use http::Method;

use super::scene::{QUICK, Scene};
use super::{on_services, redis};
use crate::support::gate::{Gate, State};
use crate::support::lossy::Walker;
use crate::support::phone::{self, assert_refused, refresh_token};
use crate::support::process::Site;
use crate::support::{Backend, Page};

async fn scene() -> Option<(Scene, Gate)> {
    let mut site = Site::new(Backend::Postgres)?;
    let mut url: url::Url = site.cache.parse().unwrap();
    let gate = Gate::to(url.port().unwrap());
    url.set_port(Some(gate.port)).unwrap();
    site.cache = url.to_string();
    Some((Scene::set(site).await, gate))
}

/// Whatever would be counted or remembered is refused; nothing is waved through because nobody can count.
async fn assert_closed(scene: &Scene) {
    // A stranger's attempt to sign in is not counted: then it is not made.
    let (mut walker, page) = scene.stranger.clone();
    let began = std::time::Instant::now();
    let (answer, _) = walker.press(&page, "continue", &[("email", "somebody@example.com")]).await.unwrap();
    assert_unavailable(&answer);
    assert!(began.elapsed() < QUICK);
    // A code can be neither issued nor redeemed.
    let path = phone::authorization_url(&scene.door, "a-verifier-of-the-tests-that-is-long-enough-xx");
    let (page, took) = scene.page(path.trim_start_matches(&scene.door.issuer)).await;
    scene.assert_page_unavailable(&page, took, QUICK);
    let (reply, took) = scene.call(phone::redemption(&scene.code.0, &scene.code.1)).await;
    scene.assert_call_unavailable(&reply, took, QUICK);
}

#[track_caller]
fn assert_unavailable(page: &Page) {
    assert_eq!(page.status, 503, "{}", page.text("body"));
    assert!(page.header("retry-after").is_some() && !page.text("#trace").is_empty());
}

#[test]
fn a_cache_that_refuses_or_falls_silent_lets_nobody_through_and_comes_back() {
    on_services(async {
        let Some((mut scene, gate)) = scene().await else { return };
        gate.set(State::Shut);
        gate.settled().await;
        assert_closed(&scene).await;
        // What the database alone decides goes on.
        scene.refresh = refresh_token(&phone::refresh(&scene.door, &scene.refresh).await.unwrap());
        gate.set(State::Open);
        gate.settled().await;
        scene.recovered().await;
        // The code was refused, not used up.
        refresh_token(&phone::redeem(&scene.door, &scene.code.0, &scene.code.1).await.unwrap());
        gate.set(State::Blocked);
        assert_closed(&scene).await;
        gate.set(State::Open);
        scene.recovered().await;
        assert_refused(&phone::redeem(&scene.door, &scene.code.0, &scene.code.1).await.unwrap(), "a used code");
        // The stranger goes on where they were.
        let (mut walker, page) = scene.stranger.clone();
        let page = walker.press_on(&page, "continue", &[("email", "somebody@example.com")]).await.unwrap();
        assert_eq!((page.status, page.url.path()), (200, "/sign-in/code"));
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_cache_that_forgets_everything_revives_nothing_that_was_used() {
    on_services(async {
        let Some((scene, _gate)) = scene().await else { return };
        redis(&scene.site.services().unwrap().cache, &["FLUSHDB", "SCRIPT FLUSH"]);
        // A code that nobody redeemed is gone, and nothing else of it remains.
        let (code, verifier) = &scene.code;
        assert_refused(&phone::redeem(&scene.door, code, verifier).await.unwrap(), "a forgotten code");
        // Whoever was on the way to sign in is told so, and can begin anew.
        let (mut walker, page) = scene.stranger.clone();
        let (answer, _) = walker.press(&page, "continue", &[("email", "somebody@example.com")]).await.unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text("body"));
        assert!(!answer.text("h1").is_empty() && !answer.text("#trace").is_empty());
        let (answer, _) = walker.step(Method::GET, &page.url, &[]).await.unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text("body"));
        let url = phone::authorization_url(&scene.door, "a-verifier-of-the-tests-that-is-long-enough-xx");
        assert_eq!(walker.open(&url).await.unwrap().url.path(), "/sign-in");
        // Used codes and used refresh tokens stay used.
        scene.assert_nothing_is_lost().await;
        let mut walker = Walker::signed_in(&scene.door.issuer, &scene.resident.cookie);
        assert_eq!(walker.open("/account").await.unwrap().status, 200);
    });
}
