//! The disk is full.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::on_services;
use super::scene::Scene;
use crate::support::phone::{self, refresh_token};
use crate::support::process::Site;
use crate::support::{Backend, Request};

/// Sets the size no file of a running process may outgrow.
fn limit(process: u32, bytes: &str) -> bool {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &process.to_string(), &format!("--fsize={bytes}:unlimited")]);
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_refuses_what_must_be_written_and_recovers_when_there_is_room() {
    on_services(async {
        let site = Site::new(Backend::Sqlite).unwrap();
        let mut scene = Scene::set(site).await;
        scene.server.kill();
        scene.server = scene.site.launch_ignoring_file_limits();
        scene.server.wait_until_it_answers(&scene.site).await;
        if !limit(scene.server.id(), "4096") {
            return eprintln!("skipped: prlimit is not installed");
        }
        let (reply, took) = scene.call(phone::refreshment(&scene.refresh)).await;
        assert!(took < Duration::from_secs(3));
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert_eq!(reply.json()["error"], "temporarily_unavailable");
        // What is only read goes on.
        assert_eq!(scene.call(Request::get("/userinfo").bearer(&scene.access)).await.0.status, 200);
        assert_eq!(scene.page("/account").await.0.status, 200);
        assert!(limit(scene.server.id(), "unlimited"));
        let deadline = Instant::now() + Duration::from_secs(5);
        scene.refresh = loop {
            let reply = scene.call(phone::refreshment(&scene.refresh)).await.0;
            if reply.status == 200 {
                break refresh_token(&reply);
            }
            assert!(Instant::now() < deadline, "not recovered: {}", reply.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        scene.assert_nothing_is_lost().await;
    });
}
