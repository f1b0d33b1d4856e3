//! Token introspection [RFC 7662].

use serde_json::json;

use crate::support::tokens::part;
use crate::support::{Request, World};

stories!(
    the_owner_and_the_audience_learn_what_a_token_is_worth,
    anything_else_is_inactive_and_nothing_more,
    tokens_of_others_are_as_inactive_as_unknown_ones,
    refresh_tokens_are_their_clients_business,
    callers_must_say_who_they_are,
);

async fn the_owner_and_the_audience_learn_what_a_token_is_worth(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let seen = rp.introspect(&tokens.access).await;
    let inside = part(&tokens.access, 1);
    for name in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "auth_time", "acr"] {
        assert_eq!(seen[name], inside[name], "{name}");
    }
    assert_eq!((&seen["active"], &seen["token_type"]), (&json!(true), &json!("Bearer")));
    let opaque = world.rp("plain").sign_in(&mut browser, &world, "mina@example.com").await;
    assert_eq!(world.rp("plain").introspect(&opaque.access).await["client_id"], "plain");
    world.change_client("web", |client| client.audience = Some("https://api.example".to_owned())).await;
    let for_api = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    assert_eq!(world.rp("api").introspect(&for_api.access).await["active"], true);
}

async fn anything_else_is_inactive_and_nothing_more(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    browser.open(&rp.authorize().url()).await;
    let code = rp.code(&browser);
    let session = browser.cookie("comity_session").unwrap();
    for token in ["x", "x.y.z", &tokens.id_token, &code, &session, &format!("{}A", tokens.access)] {
        assert_eq!(rp.introspect(token).await, json!({ "active": false }));
    }
    let hint = [("token", tokens.refresh()), ("token_type_hint", "access_token")];
    assert_eq!(rp.post("/introspect", &hint).await.json()["active"], true, "a hint is but a hint");
    rp.post("/introspect", &[]).await.refused(400, "invalid_request");
    world.advance(600);
    assert_eq!(rp.introspect(&tokens.access).await, json!({ "active": false }));
}

async fn tokens_of_others_are_as_inactive_as_unknown_ones(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let tokens = world.rp("web").sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    for id in ["plain", "hotel", "api", "robot"] {
        for token in [&tokens.access, tokens.refresh()] {
            assert_eq!(world.rp(id).introspect(token).await, json!({ "active": false }), "{id}");
        }
    }
}

async fn refresh_tokens_are_their_clients_business(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("plain");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    let seen = rp.introspect(tokens.refresh()).await;
    assert_eq!((&seen["active"], seen["sub"].as_str()), (&json!(true), Some(tokens.sub())));
    let next = rp.refresh(tokens.refresh()).await;
    assert_eq!(rp.introspect(tokens.refresh()).await, json!({ "active": false }));
    assert_eq!(rp.introspect(next.refresh()).await["active"], true);
}

async fn callers_must_say_who_they_are(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let tokens = world.rp("web").sign_in(&mut browser, &world, "mina@example.com").await;
    let form = |fields: &[(&'static str, &str)]| {
        let token = [("token", tokens.access.as_str())];
        Request::post("/introspect").form(token.into_iter().chain(fields.iter().copied()))
    };
    world.send(form(&[])).await.refused(401, "invalid_client");
    world.send(form(&[("client_id", "web")])).await.refused(401, "invalid_client");
    world.send(form(&[("client_id", "app")])).await.refused(401, "invalid_client");
    world.send(form(&[]).bearer(&tokens.access)).await.refused(401, "invalid_client");
    world.send(Request::get("/introspect")).await.expect(405);
}
