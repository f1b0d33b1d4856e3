use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::support::{SECRET, Stage, text};
use crate::demo::simulators::{Provider, Quirk};
use crate::jose::Alg;

const CERTS: &str = "/oauth2/v3/certs";

#[tokio::test]
async fn a_sign_in_gives_an_id_token_and_userinfo() {
    let mut stage = Stage::new(Provider::Google);
    let tokens = stage.tokens("mina-work").await;
    assert_eq!(tokens["expires_in"], 3599);
    assert!(tokens.get("refresh_token").is_none(), "offline access was not asked for");
    let claims = stage.verify(CERTS, Alg::RS256, text(&tokens, "/id_token")).await.unwrap();
    assert_eq!(claims.subject(), Some("110000000000000000002"));
    assert_eq!(claims.text("hd"), Some("agency.example"));
    assert_eq!(claims.get("email_verified"), Some(&true.into()));
    let userinfo = stage.get("/v1/userinfo", text(&tokens, "/access_token")).await.json();
    assert_eq!(userinfo["sub"], "110000000000000000002");
    assert_eq!(userinfo["email"], "mina.kim@agency.example");
    assert_eq!(stage.get("/v1/userinfo", "unknown").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_discovery_document_names_paths_that_exist() {
    let stage = Stage::new(Provider::Google);
    let document = stage.get("/.well-known/openid-configuration", "").await.json();
    assert_eq!(document["issuer"], stage.issuer());
    for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint"]
    {
        let path = text(&document, &format!("/{endpoint}")).strip_prefix(&stage.issuer()).unwrap().to_owned();
        assert_ne!(stage.get(&path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_offline_consent_only() {
    let mut stage = Stage::new(Provider::Google);
    let url = stage.authorize_url(&[("access_type", "offline")]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-lea").await;
    let code = stage.press(&page, "#allow").await.code();
    let first = stage.redeem(&code, &[]).await.json();
    let refresh = [("grant_type", "refresh_token"), ("code", ""), ("refresh_token", text(&first, "/refresh_token"))];
    let refreshed = stage.redeem("", &refresh).await.json();
    assert!(refreshed["access_token"].is_string() && refreshed.get("refresh_token").is_none());

    let page = stage.open(&url).await;
    let code = stage.press(&page, "#continue").await.code();
    assert!(stage.redeem(&code, &[]).await.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn revocation_ends_token_and_connection() {
    let mut stage = Stage::new(Provider::Google);
    let tokens = stage.tokens("mina").await;
    let access_token = text(&tokens, "/access_token");
    assert_eq!(stage.call(Method::POST, "/revoke", "", &[("token", access_token)]).await.status, 200);
    assert_eq!(stage.call(Method::POST, "/revoke", "", &[("token", access_token)]).await.status, 400);
    assert_eq!(stage.get("/v1/userinfo", access_token).await.status, 401);
    assert!(!stage.simulators.is_linked(Provider::Google, &stage.client_id(), "mina"));
}

#[tokio::test]
async fn the_secret_may_come_in_the_header() {
    let mut stage = Stage::new(Provider::Google);
    let code = stage.sign_in("mina").await.code();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{SECRET}", stage.client_id())));
    let callback = stage.callback();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", callback.as_str()),
        ("code_verifier", super::support::VERIFIER),
    ];
    assert_eq!(stage.call(Method::POST, "/token", &basic, &form).await.status, 200);
}

#[tokio::test]
async fn embedded_browsers_are_turned_away() {
    let mut stage = Stage::new(Provider::Google);
    stage.agent = "Mozilla/5.0 (Linux; Android 15; wv) KAKAOTALK 25.1.0";
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("disallowed_useragent"));
}

#[tokio::test]
async fn the_issuer_may_come_bare_and_the_boolean_as_text() {
    let mut stage = Stage::new(Provider::Google);
    stage.set(Quirk::BareIssuer);
    stage.set(Quirk::StringBooleans);
    let tokens = stage.tokens("mina").await;
    let payload = text(&tokens, "/id_token").split('.').nth(1).unwrap().to_owned();
    let claims: serde_json::Value = serde_json::from_slice(&crate::model::digest::unb64(&payload).unwrap()).unwrap();
    assert_eq!(claims["iss"], "google.localhost:8080");
    assert_eq!(claims["email_verified"], "true");
}
