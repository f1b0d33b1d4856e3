//! Master keys: rotated, missing, wrong.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::on_services;
use super::scene::Scene;
use crate::support::Backend;
use crate::support::process::Site;

#[test]
fn an_older_master_key_still_reads_until_everything_is_sealed_anew() {
    on_services(async {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            let Some(site) = Site::new(backend) else { continue };
            let mut scene = Scene::set(site).await;
            let folder = scene.site.path("").display().to_string();
            let with_keys = |files: &[&str]| {
                let files: Vec<String> = files.iter().map(|file| format!("\"{folder}{file}\"")).collect();
                let old = format!("[\"{folder}master.key\"]");
                let text = scene.site.settings("");
                assert!(text.contains(&old), "{text}");
                text.replace(&old, &format!("[{}]", files.join(", ")))
            };
            scene.site.write("new.key", &BASE64_STANDARD.encode([9; 32]));
            scene.server.signal("TERM");
            assert!(scene.server.ended(Duration::from_secs(12)).await.success());
            // The new key alone opens nothing, says so, and spoils nothing.
            scene.site.write("settings.toml", &with_keys(&["new.key"]));
            let mut failed = scene.site.launch();
            assert_eq!(failed.ended(Duration::from_secs(30)).await.code(), Some(1));
            let said = scene.site.log();
            let said = said.lines().rfind(|line| line.starts_with("comity: ")).expect("a line for the operator");
            assert!(said.contains("key"), "{said}");
            // First the new one, then the old one.
            scene.site.write("settings.toml", &with_keys(&["new.key", "master.key"]));
            let keys = scene.site.run(&["keys", "list"]).stdout;
            scene.server = scene.site.start().await;
            assert_eq!(scene.page("/account").await.0.status, 200);
            let userinfo = crate::support::Request::get("/userinfo").bearer(&scene.access);
            assert_eq!(scene.call(userinfo.clone()).await.0.status, 200);
            // Everything is sealed anew beside the running server; then the old one can go.
            let output = scene.site.run(&["keys", "reseal"]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            scene.server.signal("TERM");
            assert!(scene.server.ended(Duration::from_secs(12)).await.success());
            scene.site.write("settings.toml", &with_keys(&["new.key"]));
            assert_eq!(scene.site.run(&["keys", "list"]).stdout, keys, "the signing keys are the same");
            scene.server = scene.site.start().await;
            assert_eq!(scene.call(userinfo).await.0.status, 200);
            assert_eq!(scene.page("/account").await.0.status, 200);
        }
    });
}
