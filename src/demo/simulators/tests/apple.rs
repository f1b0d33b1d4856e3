use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::support::{Stage, text};
use crate::demo::simulators::{Provider, Quirk};
use crate::jose::{Alg, SigningKey};

#[tokio::test]
async fn the_answer_is_a_form_post_and_the_name_comes_once() {
    let mut stage = Stage::new(Provider::Apple);
    let answer = stage.sign_in("mina").await;
    assert_eq!(answer.status, StatusCode::OK);
    let callback = answer.callback();
    assert_eq!(callback["state"], "a state");
    let user: Value = serde_json::from_str(&callback["user"]).unwrap();
    assert_eq!(user["name"]["firstName"], "민지");
    assert_eq!(user["email"], "k7w2m9x4qd@privaterelay.appleid.com");
    let tokens = stage.redeem(&callback["code"], &[]).await.json();
    let claims = stage.verify("/auth/keys", Alg::RS256, text(&tokens, "/id_token")).await.unwrap();
    assert_eq!(claims.text("email"), Some("k7w2m9x4qd@privaterelay.appleid.com"));
    assert_eq!(claims.text("email_verified"), Some("true"));
    assert_eq!(claims.text("is_private_email"), Some("true"));

    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    assert!(!stage.press(&page, "#continue").await.callback().contains_key("user"));
    stage.set(Quirk::FirstLogin);
    let page = stage.open(&url).await;
    assert!(stage.press(&page, "#continue").await.callback().contains_key("user"));
}

#[tokio::test]
async fn the_own_address_can_be_shared() {
    let mut stage = Stage::new(Provider::Apple);
    stage.set(Quirk::PlainBooleans);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-mina").await;
    let code = stage.press_changed(&page, "#allow", &["share-email"]).await.code();
    let tokens = stage.redeem(&code, &[]).await.json();
    let claims = stage.verify("/auth/keys", Alg::RS256, text(&tokens, "/id_token")).await.unwrap();
    assert_eq!(claims.text("email"), Some("mina@example.kr"));
    assert_eq!(claims.get("email_verified"), Some(&true.into()));
    assert_eq!(claims.get("is_private_email"), None);
}

#[tokio::test]
async fn after_revocation_the_name_comes_again() {
    let mut stage = Stage::new(Provider::Apple);
    let tokens = stage.tokens("lea").await;
    let (client_id, secret) = (stage.client_id(), stage.apple_secret(|_| {}));
    let form =
        [("client_id", client_id.as_str()), ("client_secret", &secret), ("token", text(&tokens, "/refresh_token"))];
    assert_eq!(stage.call(Method::POST, "/auth/revoke", "", &form).await.status, 200);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    assert!(stage.press(&page, "#allow").await.callback().contains_key("user"));
}

#[tokio::test]
async fn a_bad_client_secret_is_an_invalid_client() {
    let mut stage = Stage::new(Provider::Apple);
    let code = stage.sign_in("mina").await.code();
    let put = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value;
    let now = stage.clock.now().0;
    let mut bad = vec![
        stage.apple_secret(put("iss", "TEAM000002".into())),
        stage.apple_secret(put("sub", "another".into())),
        stage.apple_secret(put("aud", "https://elsewhere.example".into())),
        stage.apple_secret(put("exp", (now - 3600).into())),
        stage.apple_secret(put("exp", (now + 16_000_000).into())),
        "not.a.token".to_owned(),
    ];
    let own = std::mem::replace(&mut stage.apple_key, SigningKey::generate(Alg::ES256, Some("APPLEKEY01")).unwrap());
    bad.push(stage.apple_secret(|_| {}));
    stage.apple_key = own;
    for secret in &bad {
        let answer = stage.redeem(&code, &[("client_secret", secret)]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (400, Some("invalid_client")),
            "{secret}"
        );
    }
    let real = stage.apple_secret(put("aud", "https://appleid.apple.com".into()));
    assert_eq!(stage.redeem(&code, &[("client_secret", &real)]).await.status, 200);
}

#[tokio::test]
async fn a_code_lives_five_minutes_and_works_once() {
    let mut stage = Stage::new(Provider::Apple);
    let code = stage.sign_in("mina").await.code();
    stage.clock.advance(301);
    assert_eq!(stage.redeem(&code, &[]).await.json()["error"], "invalid_grant");
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let code = stage.press(&page, "#continue").await.code();
    stage.clock.advance(300);
    assert_eq!(stage.redeem(&code, &[]).await.status, 200);
    assert_eq!(stage.redeem(&code, &[]).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn scopes_demand_a_form_post() {
    let mut stage = Stage::new(Provider::Apple);
    let url = stage.authorize_url(&[("response_mode", "query")]);
    assert_eq!(stage.open(&url).await.status, StatusCode::BAD_REQUEST);
    let url = stage.authorize_url(&[("response_mode", "query"), ("scope", "")]);
    assert_eq!(stage.open(&url).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_hybrid_answer_and_a_cancel_are_posted_too() {
    let mut stage = Stage::new(Provider::Apple);
    let url = stage.authorize_url(&[("response_type", "code id_token")]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-mina").await;
    let callback = stage.press(&page, "#allow").await.callback();
    let claims = stage.verify("/auth/keys", Alg::RS256, &callback["id_token"]).await.unwrap();
    assert!(claims.text("c_hash").is_some());
    let page = stage.open(&url).await;
    let callback = stage.press(&page, "#cancel").await.callback();
    assert_eq!(callback["error"], "user_cancelled_authorize");
}
