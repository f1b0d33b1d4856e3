//! The database's primary is lost, and a standby takes over.

use std::time::Instant;

use super::on_services;
use super::scene::{QUICK, Scene};
use crate::support::Request;
use crate::support::phone::{self, refresh_token};
use crate::support::private_postgres::Pair;
use crate::support::process::{Site, note};

async fn scene() -> Option<(Scene, Pair)> {
    let pair = Pair::start()?;
    let site = Site::on_database(pair.url())?;
    Some((Scene::set(site).await, pair))
}

#[test]
fn a_standby_that_takes_over_is_followed_without_a_hand() {
    on_services(async {
        let Some((mut scene, mut pair)) = scene().await else { return };
        // Answered, and so on both.
        scene.refresh = refresh_token(&phone::refresh(&scene.door, &scene.refresh).await.unwrap());
        pair.primary.kill();
        for call in scene.calls() {
            let (reply, took) = scene.call(call).await;
            scene.assert_call_unavailable(&reply, took, QUICK);
        }
        for path in scene.pages() {
            let (page, took) = scene.page(&path).await;
            scene.assert_page_unavailable(&page, took, QUICK);
        }
        assert_eq!(scene.call(Request::get("/jwks")).await.0.status, 200);
        pair.promote();
        let promoted = Instant::now();
        scene.recovered().await;
        note(&format!("ready {:?} after the promotion", promoted.elapsed()));
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_server_that_starts_after_a_failover_finds_the_new_primary() {
    on_services(async {
        let Some((mut scene, mut pair)) = scene().await else { return };
        scene.server.kill();
        pair.primary.kill();
        pair.promote();
        // What comes back still takes itself for the primary, and is named first.
        pair.primary.start_again();
        scene.server = scene.site.start().await;
        scene.recovered().await;
        scene.assert_nothing_is_lost().await;
    });
}
