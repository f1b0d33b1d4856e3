//! Clients change while nodes serve: the node that changed them knows at once, every other within a second.

use comity::jose::{Alg, SigningKey};
use comity::model::digest::sha256_b64;
use serde_json::json;

use crate::support::rp::Credentials;
use crate::support::{Request, Rp, World};

stories!(
    a_new_client_is_known_everywhere_at_once,
    a_secret_that_ended_opens_nothing_a_second_later,
    a_client_switched_off_is_refused_a_second_later,
    a_client_removed_is_gone_a_second_later,
    a_clients_new_keys_replace_the_old_ones,
    a_scope_taken_from_a_client_is_released_no_more,
    a_node_that_starts_with_another_clients_file_tells_the_others,
);

const ROBOT: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "orders.read")];

async fn status(rp: &Rp) -> u16 {
    rp.post("/token", &ROBOT).await.status
}

/// A machine that signs its assertions, and a request of it that may be made once.
pub(super) async fn robot_with_a_key(world: &World) -> (Rp, Vec<(String, String)>) {
    let key = give_key(world).await;
    let rp = world.rp("robot").with_credentials(Credentials::Key(key.clone()));
    let assertion = comity::jose::sign(&key, "JWT", &rp.assertion()).unwrap();
    let own = [("client_assertion_type", crate::support::rp::ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
    let fields = ROBOT.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (rp.with_credentials(Credentials::Bare), fields.collect())
}

async fn give_key(world: &World) -> SigningKey {
    let key = SigningKey::generate(Alg::EdDSA, None).unwrap();
    let jwks = json!({ "keys": [key.public_jwk()] });
    world
        .change_client("robot", |robot| {
            robot.token_endpoint_auth_method = serde_json::from_value(json!("private_key_jwt")).unwrap();
            robot.jwks = Some(jwks);
        })
        .await;
    key
}

async fn a_new_client_is_known_everywhere_at_once(here: World) {
    let there = here.another_node().await;
    let kiosk = there.rp("kiosk").with_credentials(Credentials::Basic("kiosk-secret".into()));
    assert_eq!(status(&kiosk).await, 401);
    here.register(
        r#"
        [[client]]
        client_id = "kiosk"
        client_name = "Kiosk"
        client_secret = "kiosk-secret"
        grant_types = ["client_credentials"]
        [client.release]
        scopes = ["orders.read"]
        "#,
    )
    .await;
    assert_eq!(status(&kiosk).await, 200);
}

async fn a_secret_that_ended_opens_nothing_a_second_later(here: World) {
    let there = here.another_node().await;
    let old = here.rp("robot");
    let new = old.clone().with_credentials(Credentials::Basic("another-secret-of-the-tests".into()));
    assert_eq!(status(&old.clone().through(&there)).await, 200);
    let hash = sha256_b64("another-secret-of-the-tests");
    let now = here.now();
    assert!(here.store().rotate_client_secret(&"robot".into(), &hash, now, now).await.unwrap());
    assert_eq!((status(&old).await, status(&new).await), (401, 200));
    here.advance(1);
    assert_eq!((status(&old.through(&there)).await, status(&new.through(&there)).await), (401, 200));
}

async fn a_client_switched_off_is_refused_a_second_later(here: World) {
    let there = here.another_node().await;
    let robot = here.rp("robot");
    let api = here.rp("api").through(&there);
    let answer = robot.clone().through(&there).post("/token", &ROBOT).await.expect(200).json();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(api.introspect(token).await["active"], true);
    for id in ["robot", "web"] {
        here.change_client(id, |client| client.disabled = true).await;
    }
    assert_eq!(status(&robot).await, 401);
    here.advance(1);
    assert_eq!(status(&robot.through(&there)).await, 401);
    assert_eq!(api.introspect(token).await["active"], false);
    let mut browser = there.browser();
    browser.turn_to(&there);
    browser.open(&there.rp("web").authorize().url()).await;
    browser.assert_error(400);
    for id in ["robot", "web"] {
        here.change_client(id, |client| client.disabled = false).await;
    }
    here.advance(1);
    browser.open(&there.rp("web").authorize().url()).await;
    browser.assert_at("/sign-in");
}

async fn a_client_removed_is_gone_a_second_later(here: World) {
    let there = here.another_node().await;
    let web = here.rp("web");
    here.person("mina@example.com", "Mina Kim").await;
    let tokens = web.sign_in(&mut here.browser(), &here, "mina@example.com").await;
    let other = web.clone().through(&there);
    other.userinfo(&tokens.access).await.expect(200);
    assert!(here.store().remove_client(&"web".into(), here.now()).await.unwrap());
    // What it was given ends with it.
    assert_eq!(other.userinfo(&tokens.access).await.status, 401);
    assert_eq!(web.userinfo(&tokens.access).await.status, 401);
    here.advance(1);
    other.try_redeem("of-nobody").await.refused(401, "invalid_client");
}

async fn a_clients_new_keys_replace_the_old_ones(here: World) {
    let there = here.another_node().await;
    let old = here.rp("robot").with_credentials(Credentials::Key(give_key(&here).await)).through(&there);
    assert_eq!(status(&old).await, 200);
    let new = old.clone().with_credentials(Credentials::Key(give_key(&here).await));
    here.advance(1);
    assert_eq!((status(&old).await, status(&new).await), (401, 200));
}

async fn a_scope_taken_from_a_client_is_released_no_more(here: World) {
    let there = here.another_node().await;
    here.person("mina@example.com", "Mina Kim").await;
    let web = here.rp("web");
    let tokens = web.sign_in(&mut here.browser(), &here, "mina@example.com").await;
    let other = web.clone().through(&there);
    assert_eq!(other.claims(&tokens).await["email"], "mina@example.com");
    here.change_client("web", |web| web.release.scopes.retain(|scope| scope != "email")).await;
    assert!(web.claims(&tokens).await.get("email").is_none());
    here.advance(1);
    assert!(other.claims(&tokens).await.get("email").is_none());
}

async fn a_node_that_starts_with_another_clients_file_tells_the_others(here: World) {
    let mut there = here.another_node().await;
    let edition = |name: &str, secret: &str| {
        format!(
            "[[client]]\nclient_id = \"kiosk\"\nclient_name = \"{name}\"\nclient_secret = \"{secret}\"\n\
             redirect_uris = [\"https://rp.example/callback\"]\n\
             grant_types = [\"authorization_code\", \"client_credentials\"]\nrelease.scopes = [\"orders.read\", \"openid\"]"
        )
    };
    here.register(&edition("Kiosk", "first-secret")).await;
    let [first, second] = ["first-secret", "second-secret"]
        .map(|secret| here.rp("kiosk").with_credentials(Credentials::Basic(secret.to_owned())));
    assert_eq!((status(&first).await, status(&second).await), (200, 401));
    let file = here.directory().join("more-clients.toml");
    std::fs::write(&file, edition("Kiosk in the Lobby", "second-secret")).unwrap();
    there.restart_with(&format!("clients.file = {:?}", file.display().to_string())).await;
    here.advance(1);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
    let authorize = format!("/authorize?{}", second.authorize().query());
    let page = here.send(Request::get(&authorize)).await;
    assert_eq!(page.status, 303);
    // A start with the same file changes nothing, and nobody reads anything anew.
    let version = here.store().clients_version().await.unwrap();
    there.restart().await;
    assert_eq!(here.store().clients_version().await.unwrap(), version);
}
