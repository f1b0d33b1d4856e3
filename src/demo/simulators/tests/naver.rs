use axum::http::{Method, StatusCode};

use super::support::{SECRET, Stage, text};
use crate::demo::simulators::Provider;

#[tokio::test]
async fn the_lifetime_is_text_and_the_profile_nested() {
    let mut stage = Stage::new(Provider::Naver);
    let tokens = stage.tokens("mina").await;
    assert_eq!(tokens["expires_in"], "3600");
    assert!(tokens.get("id_token").is_none());
    let token = text(&tokens, "/access_token");
    assert!(token.contains(['+', '/']), "a token that needs encoding: {token}");
    let me = stage.get("/v1/nid/me", token).await.json();
    assert_eq!(me["resultcode"], "00");
    assert_eq!(me["response"]["id"], "AbCdEfGh1234567890_abcdefghijklmnopqrstuvw");
    assert_eq!(me["response"]["mobile"], "010-1234-5678");
    assert_eq!(me["response"]["mobile_e164"], "+821012345678");
    assert_eq!(me["response"]["birthday"], "05-17");
}

#[tokio::test]
async fn errors_come_with_success() {
    let mut stage = Stage::new(Provider::Naver);
    let answer = stage.redeem("never", &[]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::OK, &"invalid_request".into()));
    let code = stage.sign_in("mina").await.code();
    let answer = stage.redeem(&code, &[("client_secret", "wrong")]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::OK, &"invalid_client".into()));
    let answer = stage.get("/v1/nid/me", "unknown").await;
    assert_eq!((answer.status, &answer.json()["resultcode"]), (StatusCode::UNAUTHORIZED, &"024".into()));
    assert_eq!(stage.get("/v1/nid/me", "").await.json()["resultcode"], "028");
}

#[tokio::test]
async fn neither_challenge_nor_callback_is_looked_at_again() {
    let mut stage = Stage::new(Provider::Naver);
    let code = stage.sign_in("mina").await.code();
    let answer = stage.redeem(&code, &[("code_verifier", "wrong"), ("redirect_uri", "")]).await;
    assert!(answer.json()["access_token"].is_string());
}

#[tokio::test]
async fn items_are_the_consoles_and_the_optional_ones_may_be_declined() {
    let mut stage = Stage::new(Provider::Naver);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-mina").await;
    let code = stage.press_changed(&page, "#allow", &["item-email", "item-mobile"]).await.code();
    let tokens = stage.redeem(&code, &[]).await.json();
    let response = stage.get("/v1/nid/me", text(&tokens, "/access_token")).await.json()["response"].clone();
    assert!(response.get("email").is_none() && response.get("mobile_e164").is_none());
    assert_eq!(response["name"], "김민지");
    assert!(stage.open(&url).await.has("#continue"), "a declined item is not asked for again");
    let url = stage.authorize_url(&[("auth_type", "reprompt")]);
    assert!(stage.open(&url).await.has("#item-email"), "unless the application says so");
}

#[tokio::test]
async fn state_is_required() {
    let mut stage = Stage::new(Provider::Naver);
    let url = stage.authorize_url(&[("state", "")]);
    assert_eq!(stage.open(&url).await.callback()["error"], "invalid_request");
}

#[tokio::test]
async fn revocation_ends_the_connection_and_forgives_unknown_tokens() {
    let mut stage = Stage::new(Provider::Naver);
    let tokens = stage.tokens("mina").await;
    let client_id = stage.client_id();
    let form = |token| [("client_id", client_id.as_str()), ("client_secret", SECRET), ("token", token)];
    for token in [text(&tokens, "/access_token"), "unknown"] {
        assert_eq!(stage.call(Method::POST, "/oauth2.0/revoke", "", &form(token)).await.status, 200);
    }
    assert!(!stage.simulators.is_linked(Provider::Naver, &client_id, "mina"));
}
