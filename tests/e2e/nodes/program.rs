//! Commands change what a running server keeps in memory: another process on the same records.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::process::Site;
use crate::support::tokens::part;
use crate::support::{Backend, Reply, Request, lossy};

#[test]
fn commands_reach_a_running_server_on_sqlite() {
    tell(Backend::Sqlite);
}

#[test]
fn commands_reach_a_running_server_on_postgres() {
    tell(Backend::Postgres);
}

fn tell(backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(site) = Site::new(backend) else { return };
        let _server = site.start().await;
        clients(&site).await;
        keys(&site).await;
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

/// What a command printed.
fn run(site: &Site, words: &[&str]) -> String {
    let output = site.run(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn send(site: &Site, request: Request) -> Reply {
    lossy::send(site.address, &site.host(), request).await.unwrap()
}

async fn redeem(site: &Site, id: &str, secret: &str) -> Reply {
    let fields =
        [("grant_type", "authorization_code"), ("code", "of-nobody"), ("redirect_uri", "https://rp.example/cb")];
    send(site, Request::post("/token").basic(id, secret).form(fields)).await
}

/// Asks again until the answer is the one expected: soon, though nobody here holds a watch to it.
async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what} in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn clients(site: &Site) {
    assert_eq!(redeem(site, "kiosk", "none").await.status, 401);
    let words = ["client", "create", "--id", "kiosk", "--name", "Kiosk", "--redirect-uri", "https://rp.example/cb"];
    let secret = |text: &str| -> String {
        let credentials: Value = serde_json::from_str(text).unwrap();
        credentials["client_secret"].as_str().unwrap().to_owned()
    };
    let old = secret(&run(site, &words));
    // A client that was not there is not remembered as missing.
    redeem(site, "kiosk", &old).await.refused(400, "invalid_grant");
    let new = secret(&run(site, &["client", "rotate-secret", "kiosk", "--keep-old-hours", "0"]));
    let (old, new) = (&old, &new);
    until("the old secret is to end", || async move { redeem(site, "kiosk", old).await.status == 401 }).await;
    redeem(site, "kiosk", new).await.refused(400, "invalid_grant");
}

async fn token(site: &Site) -> String {
    let fields = [("grant_type", "client_credentials"), ("scope", "orders.read")];
    let request = Request::post("/token").basic("robot", "robot-secret-of-the-tests").form(fields);
    let answer = send(site, request).await.expect(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn is_active(site: &Site, token: &str) -> bool {
    let request = Request::post("/introspect").basic("api", "api-secret-of-the-tests").form([("token", token)]);
    send(site, request).await.expect(200).json()["active"] == true
}

async fn keys(site: &Site) {
    let first = token(site).await;
    let first = first.as_str();
    assert!(is_active(site, first).await);
    let kid = |jwt: &str| part(jwt, 0)["kid"].as_str().unwrap().to_owned();
    let fresh = run(site, &["keys", "rotate", "--alg", "RS256"]);
    until("the new key is to sign", || async { kid(&token(site).await) == fresh.trim() }).await;
    assert!(is_active(site, first).await, "the old key goes on verifying");
    run(site, &["keys", "remove", &kid(first)]);
    until("the old key is to be forgotten", || async move { !is_active(site, first).await }).await;
    assert!(is_active(site, &token(site).await).await);
    let again = site.run(&["keys", "remove", &kid(first)]);
    assert!(!again.status.success());
}
