use std::time::{Duration, Instant};

use axum::http::StatusCode;

use super::support::{Stage, text};
use crate::demo::simulators::{Endpoint, Provider, Quirk};
use crate::jose::{Alg, Rejected};

const PATHS: [(Provider, &str); 3] = [
    (Provider::Google, "/oauth2/v3/certs"),
    (Provider::Apple, "/auth/keys"),
    (Provider::Kakao, "/.well-known/jwks.json"),
];

#[tokio::test]
async fn a_careful_verifier_refuses_every_spoilt_id_token() {
    for (provider, jwks) in PATHS {
        let mut stage = Stage::new(provider);
        let first = stage.tokens("mina").await;
        assert!(stage.verify(jwks, Alg::RS256, text(&first, "/id_token")).await.is_ok());
        for (quirk, reason) in [
            (Quirk::WrongIssuer, Rejected::Claim("iss")),
            (Quirk::WrongNonce, Rejected::Claim("nonce")),
            (Quirk::MissingNonce, Rejected::Claim("nonce")),
            (Quirk::ExpiredIdToken, Rejected::Expired),
            (Quirk::HsConfusion, Rejected::Alg),
            (Quirk::UnpublishedKey, Rejected::UnknownKey),
        ] {
            stage.simulators.clear(provider);
            stage.set(quirk.clone());
            let url = stage.authorize_url(&[]);
            let page = stage.open(&url).await;
            let code = stage.press(&page, "#continue").await.code();
            let tokens = stage.redeem(&code, &[]).await.json();
            let verdict = stage.verify(jwks, Alg::RS256, text(&tokens, "/id_token")).await;
            assert_eq!(verdict.err(), Some(reason), "{provider} {quirk:?}");
        }
        for quirk in [Quirk::WrongAudience, Quirk::AlgNone] {
            stage.simulators.clear(provider);
            stage.set(quirk.clone());
            let url = stage.authorize_url(&[]);
            let page = stage.open(&url).await;
            let code = stage.press(&page, "#continue").await.code();
            let tokens = stage.redeem(&code, &[]).await.json();
            assert!(stage.verify(jwks, Alg::RS256, text(&tokens, "/id_token")).await.is_err(), "{provider} {quirk:?}");
        }
    }
}

#[tokio::test]
async fn a_rotated_key_is_published_beside_the_old_one() {
    let mut stage = Stage::new(Provider::Google);
    let old = stage.tokens("mina").await;
    stage.set(Quirk::RotatedKey);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let code = stage.press(&page, "#continue").await.code();
    let new = stage.redeem(&code, &[]).await.json();
    for tokens in [&old, &new] {
        assert!(stage.verify("/oauth2/v3/certs", Alg::RS256, text(tokens, "/id_token")).await.is_ok());
    }
    let set = stage.get("/oauth2/v3/certs", "").await.json();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn codes_expire_or_were_used_at_a_switch() {
    for provider in Provider::ALL {
        for quirk in [Quirk::ExpiredCode, Quirk::ReusedCode] {
            let mut stage = Stage::new(provider);
            stage.set(quirk);
            let code = stage.sign_in("mina").await.code();
            assert!(stage.redeem(&code, &[]).await.json().get("error").is_some(), "{provider}");
        }
    }
}

#[tokio::test]
async fn endpoints_fail_dawdle_and_overflow_one_at_a_time() {
    let mut stage = Stage::new(Provider::Facebook);
    stage.set(Quirk::Fail { endpoint: Endpoint::UserInfo, status: 503 });
    assert_eq!(stage.get("/v24.0/me", "x").await.status, StatusCode::SERVICE_UNAVAILABLE);
    stage.set(Quirk::Fail { endpoint: Endpoint::UserInfo, status: 500 });
    assert_eq!(stage.get("/v24.0/me", "x").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(stage.simulators.quirks(Provider::Facebook).len(), 1);
    stage.set(Quirk::Huge { endpoint: Endpoint::Token });
    assert!(stage.redeem("code", &[]).await.body.len() > 10_000_000);
    stage.set(Quirk::Slow { endpoint: Endpoint::Authorize, milliseconds: 30 });
    let started = Instant::now();
    let url = stage.authorize_url(&[]);
    stage.open(&url).await;
    assert!(started.elapsed() >= Duration::from_millis(30));
    stage.simulators.unset(Provider::Facebook, &Quirk::Fail { endpoint: Endpoint::UserInfo, status: 0 });
    assert_eq!(stage.get("/v24.0/me", "x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_log_tells_what_was_asked() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    stage.get("/v2/user/me", text(&tokens, "/access_token")).await;
    let log = stage.simulators.log(Provider::Kakao);
    let token = log.iter().find(|entry| entry.path == "/oauth/token").unwrap();
    assert_eq!((token.method.as_str(), token.status), ("POST", Some(200)));
    assert_eq!(token.parameter("grant_type"), Some("authorization_code"));
    let me = log.last().unwrap();
    assert!(me.path == "/v2/user/me" && me.authorization.as_ref().unwrap().starts_with("Bearer "));
    assert!(stage.simulators.log(Provider::Line).is_empty());
    stage.simulators.reset();
    assert!(stage.simulators.log(Provider::Kakao).is_empty());
}

#[test]
fn quirks_travel_as_json() {
    let quirk: Quirk = serde_json::from_str(r#"{"slow":{"endpoint":"user_info","milliseconds":9}}"#).unwrap();
    assert_eq!(quirk, Quirk::Slow { endpoint: Endpoint::UserInfo, milliseconds: 9 });
    assert_eq!(serde_json::to_string(&Quirk::AlgNone).unwrap(), "\"alg_none\"");
}
