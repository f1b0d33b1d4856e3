//! The database goes away and comes back.

use std::time::{Duration, Instant};

use super::scene::{QUICK, Scene};
use super::{on_services, psql};
use crate::support::gate::{Gate, State};
use crate::support::lossy::Door;
use crate::support::process::Site;
use crate::support::{Backend, Request};

/// A server whose database is behind a door.
async fn scene() -> Option<(Scene, Gate)> {
    let mut site = Site::new(Backend::Postgres)?;
    let mut url: url::Url = site.database.parse().unwrap();
    let gate = Gate::to(url.port().unwrap());
    url.set_port(Some(gate.port)).unwrap();
    site.database = url.to_string();
    Some((Scene::set(site).await, gate))
}

async fn assert_closed(scene: &Scene, quick: Duration) {
    let private = Door::private(&scene.site);
    let (calls, pages, ready) = tokio::join!(
        all(scene.calls().into_iter().map(|call| scene.call(call))),
        all(scene.pages().into_iter().map(|path| async move { scene.page(&path).await })),
        private.send(Request::get("/ready")),
    );
    for (reply, took) in calls {
        scene.assert_call_unavailable(&reply, took, quick);
    }
    for (page, took) in pages {
        scene.assert_page_unavailable(&page, took, quick);
    }
    assert_eq!(ready.unwrap().status, 503);
    // What needs no records goes on.
    assert_eq!(private.send(Request::get("/health")).await.unwrap().status, 200);
    for path in ["/jwks", "/.well-known/openid-configuration", "/documents/terms", "/signed-out"] {
        assert_eq!(scene.call(Request::get(path)).await.0.status, 200, "{path}");
    }
}

async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut done = Vec::new();
    for future in futures {
        done.push(future.await);
    }
    done
}

#[test]
fn a_database_that_refuses_is_said_so_and_nothing_is_lost() {
    on_services(async {
        let Some((mut scene, gate)) = scene().await else { return };
        gate.set(State::Shut);
        gate.settled().await;
        assert_closed(&scene, QUICK).await;
        gate.set(State::Open);
        gate.settled().await;
        scene.recovered().await;
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_database_that_falls_silent_is_not_waited_for() {
    on_services(async {
        let Some((mut scene, gate)) = scene().await else { return };
        gate.set(State::Blocked);
        assert_closed(&scene, QUICK).await;
        gate.set(State::Open);
        scene.recovered().await;
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_database_that_is_restarted_costs_nobody_more_than_a_second_try() {
    on_services(async {
        let Some((mut scene, _gate)) = scene().await else { return };
        let database = &scene.site.services().unwrap().database;
        psql(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'comity' AND datname = current_database()",
        );
        let began = Instant::now();
        // Every connection of the pool is dead: each may cost one request.
        for _ in 0..16 {
            let (reply, took) = scene.call(Request::get("/userinfo").bearer(&scene.access)).await;
            assert!(took < QUICK);
            match reply.status {
                200 => {}
                503 => scene.assert_call_unavailable(&reply, took, QUICK),
                status => panic!("{status}: {}", reply.text()),
            }
        }
        scene.recovered().await;
        assert!(began.elapsed() < Duration::from_secs(5));
        scene.assert_nothing_is_lost().await;
    });
}

#[test]
fn a_database_that_only_reads_serves_what_can_be_read() {
    on_services(async {
        let Some((mut scene, _gate)) = scene().await else { return };
        let database = scene.site.services().unwrap().database.clone();
        let name = database.rsplit_once('/').unwrap().1;
        let turn = |word: &str| {
            psql(&database, &format!("ALTER DATABASE {name} SET default_transaction_read_only = {word}"));
            psql(
                &database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'comity' AND datname = current_database()",
            );
        };
        turn("on");
        let deadline = Instant::now() + Duration::from_secs(10);
        while scene.call(Request::get("/userinfo").bearer(&scene.access)).await.0.status != 200 {
            assert!(Instant::now() < deadline, "reading does not work");
        }
        let calls = scene.calls();
        let (reply, took) = scene.call(calls[0].clone()).await;
        scene.assert_call_unavailable(&reply, took, QUICK);
        turn("off");
        scene.recovered().await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while scene.call(Request::post("/revoke").form([("client_id", "phone"), ("token", "x")])).await.0.status != 200
        {
            assert!(Instant::now() < deadline, "writing does not work");
        }
        scene.assert_nothing_is_lost().await;
    });
}
