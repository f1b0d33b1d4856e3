use axum::http::{Method, StatusCode};

use super::support::{NOW, SECRET, Stage, text};
use crate::demo::simulators::{Provider, Quirk};
use crate::jose::{Alg, Audience, Expected, hs256_verify};

#[tokio::test]
async fn the_id_token_is_under_the_channel_secret_and_alone_has_the_email() {
    let mut stage = Stage::new(Provider::Line);
    let tokens = stage.tokens("ken").await;
    let (issuer, client_id) = (stage.issuer(), stage.client_id());
    let audience = [client_id.as_str()];
    let expected = Expected::upstream_id_token(&[], &issuer, Audience::Only(&audience), Some("a nonce"));
    let claims = hs256_verify(text(&tokens, "/id_token"), SECRET.as_bytes(), &expected, NOW).unwrap();
    assert_eq!(claims.text("email"), Some("ken.sato@example.jp"));
    assert_eq!(claims.get("amr").unwrap()[0], "pwd");
    let userinfo = stage.get("/oauth2/v2.1/userinfo", text(&tokens, "/access_token")).await.json();
    assert_eq!(userinfo["sub"], claims.subject().unwrap());
    assert!(userinfo.get("email").is_none());
}

#[tokio::test]
async fn a_key_signs_when_asked_to() {
    let mut stage = Stage::new(Provider::Line);
    let code = stage.sign_in("mina").await.code();
    let tokens = stage.redeem(&code, &[("id_token_key_type", "JWK")]).await.json();
    let claims = stage.verify("/oauth2/v2.1/certs", Alg::ES256, text(&tokens, "/id_token")).await.unwrap();
    assert_eq!(claims.get("email"), None, "Mina has no address at LINE");
}

#[tokio::test]
async fn automatic_login_may_lose_the_request() {
    let mut stage = Stage::new(Provider::Line);
    stage.set(Quirk::AutoLoginFailure);
    let url = stage.authorize_url(&[]);
    let callback = stage.open(&url).await.callback();
    assert_ne!(callback["state"], "a state");
    let answer = stage.redeem(&callback["code"], &[]).await;
    assert_eq!(answer.json()["error"], "invalid_grant");
    let url = stage.authorize_url(&[("disable_auto_login", "true")]);
    assert!(stage.open(&url).await.has("#user-ken"));
}

#[tokio::test]
async fn tokens_can_be_verified_at_line() {
    let mut stage = Stage::new(Provider::Line);
    let tokens = stage.tokens("ken").await;
    let client_id = stage.client_id();
    let access_token = text(&tokens, "/access_token");
    let answer = stage.get(&format!("/oauth2/v2.1/verify?access_token={access_token}"), "").await;
    assert_eq!(answer.json()["client_id"], client_id);
    let form = |id: &'static str, nonce: &'static str| [("client_id", id), ("nonce", nonce)];
    for (form, message) in [
        (form("line-client", "a nonce"), None),
        (form("line-client", "other"), Some("Invalid IdToken Nonce.")),
        (form("other", "a nonce"), Some("Invalid IdToken Audience.")),
    ] {
        let form = [form[0], form[1], ("id_token", text(&tokens, "/id_token"))];
        let answer = stage.call(Method::POST, "/oauth2/v2.1/verify", "", &form).await;
        assert_eq!(answer.json().get("error_description").and_then(|text| text.as_str()), message);
    }
}

#[tokio::test]
async fn revoking_kills_tokens_but_not_the_connection() {
    let mut stage = Stage::new(Provider::Line);
    let tokens = stage.tokens("ken").await;
    let (client_id, access_token) = (stage.client_id(), text(&tokens, "/access_token"));
    let form = [("client_id", client_id.as_str()), ("client_secret", SECRET), ("access_token", access_token)];
    assert_eq!(stage.call(Method::POST, "/oauth2/v2.1/revoke", "", &form).await.status, 200);
    assert_eq!(stage.get("/v2/profile", access_token).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.simulators.is_linked(Provider::Line, &client_id, "ken"));
}
