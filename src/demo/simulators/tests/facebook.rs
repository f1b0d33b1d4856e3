use axum::http::{Method, StatusCode};

use super::support::{SECRET, Stage, text};
use crate::demo::simulators::{Provider, Quirk};
use crate::model::digest::hmac_sha256;

fn proof(token: &str) -> String {
    let tag = hmac_sha256(SECRET.as_bytes(), token.as_bytes());
    tag.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[tokio::test]
async fn fields_are_named_and_calls_are_proven() {
    let mut stage = Stage::new(Provider::Facebook);
    let answer = stage.sign_in("lea").await;
    assert!(answer.location().ends_with("#_=_"));
    let tokens = stage.redeem(&answer.code(), &[("grant_type", "")]).await.json();
    let token = text(&tokens, "/access_token");
    let proof = proof(token);
    let me = format!("/v24.0/me?access_token={token}&appsecret_proof={proof}");
    let fields = format!("{me}&fields=id,first_name,email,picture.width(200).height(200)");
    let body = stage.get(&fields, "").await.json();
    assert_eq!((&body["id"], &body["first_name"]), (&"10220000000000002".into(), &"Léa".into()));
    assert_eq!(body["email"], "lea.martin@example.fr");
    assert!(body["picture"]["data"]["url"].is_string());
    let body = stage.get(&me, "").await.json();
    assert!(body.get("name").is_some() && body.get("email").is_none());
    for bad in ["", "&appsecret_proof=00"] {
        let answer = stage.get(&format!("/v24.0/me?access_token={token}{bad}"), "").await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (StatusCode::BAD_REQUEST, &100.into()));
    }
    let answer = stage.get(&format!("/v24.0/me?access_token=unknown&appsecret_proof={proof}"), "").await;
    assert_eq!(answer.json()["error"]["code"], 190);
}

#[tokio::test]
async fn an_account_may_have_no_email() {
    let mut stage = Stage::new(Provider::Facebook);
    stage.set(Quirk::NoEmail);
    let tokens = stage.tokens("mina").await;
    let token = text(&tokens, "/access_token");
    let path = format!("/v24.0/me?fields=id,email&appsecret_proof={}", proof(token));
    assert!(stage.get(&path, token).await.json().get("email").is_none());
}

#[tokio::test]
async fn the_graph_tells_whose_token_it_is() {
    let mut stage = Stage::new(Provider::Facebook);
    let tokens = stage.tokens("mina").await;
    let ask = |token: &str, secret: &str| {
        format!("/debug_token?input_token={token}&access_token={}%7C{secret}", stage.client_id())
    };
    let data = stage.get(&ask(text(&tokens, "/access_token"), SECRET), "").await.json()["data"].clone();
    assert_eq!((&data["app_id"], &data["is_valid"]), (&stage.client_id().into(), &true.into()));
    assert_eq!(stage.get(&ask("unknown", SECRET), "").await.json()["data"]["is_valid"], false);
    assert_eq!(stage.get(&ask("unknown", "wrong"), "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_cancel_says_a_lot_and_errors_have_an_envelope() {
    let mut stage = Stage::new(Provider::Facebook);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let callback = stage.press(&page, "#cancel").await.callback();
    assert_eq!((callback["error"].as_str(), callback["error_reason"].as_str()), ("access_denied", "user_denied"));
    assert_eq!(callback["state"], "a state");
    stage.set(Quirk::ReusedCode);
    let code = stage.sign_in("mina").await.code();
    assert_eq!(stage.redeem(&code, &[]).await.json()["error"]["error_subcode"], 36_009);
    assert_eq!(stage.open(&url.replace("v24.0", "vX")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn permissions_can_be_given_back() {
    let mut stage = Stage::new(Provider::Facebook);
    let tokens = stage.tokens("mina").await;
    let token = text(&tokens, "/access_token");
    let path = format!("/v24.0/10220000000000001/permissions?access_token={token}&appsecret_proof={}", proof(token));
    assert_eq!(stage.call(Method::DELETE, &path, "", &[]).await.json()["success"], true);
    assert!(!stage.simulators.is_linked(Provider::Facebook, &stage.client_id(), "mina"));
}
