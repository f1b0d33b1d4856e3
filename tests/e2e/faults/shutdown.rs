//! The operator stops the server while it works.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::on_services;
use super::scene::Scene;
use crate::support::gate::{Gate, State};
use crate::support::lossy::Door;
use crate::support::phone::{self, refresh_token};
use crate::support::process::Site;
use crate::support::{Backend, Request};

#[test]
fn requests_under_way_are_answered_before_the_process_ends() {
    on_services(async {
        let Some(mut site) = Site::new(Backend::Postgres) else { return };
        let mut url: url::Url = site.database.parse().unwrap();
        let gate = Gate::to(url.port().unwrap());
        url.set_port(Some(gate.port)).unwrap();
        site.database = url.to_string();
        let mut scene = Scene::set(site).await;
        // A request that waits for the database when the signal comes.
        gate.set(State::Blocked);
        let (door, refresh) = (scene.door.clone(), scene.refresh.clone());
        let under_way = tokio::spawn(async move { phone::refresh(&door, &refresh).await });
        let metrics = Door::private(&scene.site);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(metrics.send(Request::get("/health")).await.unwrap().status, 200);
        scene.server.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(5);
        while !scene.site.log().contains("\"stopping\"") || scene.door.send(Request::get("/jwks")).await.is_ok() {
            assert!(Instant::now() < deadline, "it does not stop");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gate.set(State::Open);
        let answer = under_way.await.unwrap().expect("an answer to a request that was under way");
        let status = scene.server.ended(Duration::from_secs(12)).await;
        assert!(status.success(), "{status}");
        // What was answered was done.
        scene.refresh = refresh_token(&answer);
        scene.server = scene.site.start().await;
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_server_that_is_about_to_end_says_so_first_and_serves_on() {
    on_services(async {
        let mut site = Site::new(Backend::Sqlite).unwrap();
        site.drain_seconds = 3600;
        let mut scene = Scene::set(site).await;
        let private = Door::private(&scene.site);
        assert_eq!(private.send(Request::get("/ready")).await.unwrap().status, 200);
        scene.server.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(5);
        while private.send(Request::get("/ready")).await.unwrap().status == 200 {
            assert!(Instant::now() < deadline, "it does not say so");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(private.send(Request::get("/health")).await.unwrap().status, 200);
        scene.assert_nothing_is_lost().await;
        // Whoever cannot wait says it twice.
        scene.server.signal("TERM");
        assert!(scene.server.ended(Duration::from_secs(12)).await.success());
    });
}

#[test]
fn a_busy_server_stops_cleanly_and_its_answers_stand() {
    on_services(async {
        let mut scene = Scene::set(Site::new(Backend::Sqlite).unwrap()).await;
        let mut clients = JoinSet::new();
        for _ in 0..4 {
            let (door, cookie) = (scene.door.clone(), scene.resident.cookie.clone());
            clients.spawn(async move {
                let mut newest = Vec::new();
                loop {
                    let verifier = "a-verifier-of-the-tests-that-is-long-enough-xx";
                    let Ok(code) = phone::authorize(&door, &cookie, verifier).await else { return newest };
                    let Ok(tokens) = phone::redeem(&door, &code, verifier).await else { return newest };
                    newest.push(refresh_token(&tokens));
                    let Ok(tokens) = phone::refresh(&door, newest.last().unwrap()).await else { return newest };
                    *newest.last_mut().unwrap() = refresh_token(&tokens);
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        scene.server.signal("TERM");
        let status = scene.server.ended(Duration::from_secs(12)).await;
        assert!(status.success(), "{status}");
        // The write-ahead log is folded into the file, which is complete by itself.
        let log = std::fs::metadata(scene.site.path("comity.sqlite-wal"));
        assert!(log.is_err() || log.unwrap().len() == 0);
        scene.server = scene.site.start().await;
        let mut stood = 0;
        while let Some(newest) = clients.join_next().await {
            for token in newest.unwrap() {
                refresh_token(&phone::refresh(&scene.door, &token).await.unwrap());
                stood += 1;
            }
        }
        assert!(stood > 4, "only {stood} chains");
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_database_that_is_silent_does_not_keep_the_process() {
    on_services(async {
        let Some(mut site) = Site::new(Backend::Postgres) else { return };
        let mut url: url::Url = site.database.parse().unwrap();
        let gate = Gate::to(url.port().unwrap());
        url.set_port(Some(gate.port)).unwrap();
        site.database = url.to_string();
        let mut scene = Scene::set(site).await;
        gate.set(State::Blocked);
        let (door, refresh) = (scene.door.clone(), scene.refresh.clone());
        let under_way = tokio::spawn(async move { phone::refresh(&door, &refresh).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        scene.server.signal("TERM");
        let status = scene.server.ended(Duration::from_secs(20)).await;
        assert!(status.success(), "{status}");
        assert_eq!(under_way.await.unwrap().expect("an answer").status, 503);
    });
}
