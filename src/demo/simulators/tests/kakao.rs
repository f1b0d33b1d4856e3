use axum::http::{Method, StatusCode};

use super::support::{Stage, text};
use crate::demo::simulators::{Provider, Quirk};
use crate::jose::Alg;

#[tokio::test]
async fn the_profile_says_what_the_id_token_does_not() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    assert_eq!(tokens["refresh_token_expires_in"], 5_183_999);
    let claims = stage.verify("/.well-known/jwks.json", Alg::RS256, text(&tokens, "/id_token")).await.unwrap();
    assert_eq!(claims.subject(), Some("3900000001"));
    assert_eq!(claims.get("email_verified"), None);
    let me = stage.get("/v2/user/me", text(&tokens, "/access_token")).await.json();
    assert_eq!(me["id"], 3_900_000_001_i64);
    assert_eq!(me["kakao_account"]["email"], "mina@example.kr");
    assert_eq!(me["kakao_account"]["is_email_valid"], true);
    assert_eq!(me["kakao_account"]["is_email_verified"], true);
    assert_eq!(me["kakao_account"]["email_needs_agreement"], false);
    assert!(me["kakao_account"].get("phone_number").is_none(), "not asked for");
}

#[tokio::test]
async fn more_scopes_open_more_of_the_profile() {
    let mut stage = Stage::new(Provider::Kakao);
    let scope =
        "openid,profile_nickname,account_email,name,phone_number,birthday,birthyear,gender,age_range,account_ci";
    let url = stage.authorize_url(&[("scope", scope)]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-mina").await;
    let code = stage.press_changed(&page, "#allow", &["item-account_ci"]).await.code();
    let tokens = stage.redeem(&code, &[]).await.json();
    let me = stage.get("/v2/user/me", text(&tokens, "/access_token")).await.json();
    let account = &me["kakao_account"];
    assert_eq!(account["phone_number"], "+82 10-1234-5678");
    assert_eq!((&account["birthday"], &account["birthyear"]), (&"0517".into(), &"1994".into()));
    assert_eq!(account["age_range"], "30~39");
    assert_eq!(account["ci_needs_agreement"], true);
    assert!(account.get("ci").is_none());
}

#[tokio::test]
async fn an_unticked_email_needs_agreement_and_is_asked_for_again() {
    let mut stage = Stage::new(Provider::Kakao);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let page = stage.press(&page, "#user-mina").await;
    let code = stage.press_changed(&page, "#allow", &["item-account_email"]).await.code();
    let tokens = stage.redeem(&code, &[]).await.json();
    assert!(!text(&tokens, "/scope").contains("account_email"));
    let me = stage.get("/v2/user/me", text(&tokens, "/access_token")).await.json();
    assert_eq!(me["kakao_account"]["email_needs_agreement"], true);
    assert!(me["kakao_account"].get("email").is_none());
    assert!(stage.open(&url).await.has("#item-account_email"));
}

#[tokio::test]
async fn email_quirks_show_in_the_profile() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    let token = text(&tokens, "/access_token");
    stage.set(Quirk::UnverifiedEmail);
    let account = stage.get("/v2/user/me", token).await.json()["kakao_account"].clone();
    assert_eq!((&account["is_email_valid"], &account["is_email_verified"]), (&true.into(), &false.into()));
    stage.set(Quirk::EmailRefused);
    let account = stage.get("/v2/user/me", token).await.json()["kakao_account"].clone();
    assert_eq!(account["email_needs_agreement"], true);
    assert!(account.get("email").is_none());
    stage.simulators.clear(Provider::Kakao);
    stage.set(Quirk::NoEmail);
    let account = stage.get("/v2/user/me", token).await.json()["kakao_account"].clone();
    assert_eq!((&account["has_email"], &account["email_needs_agreement"]), (&false.into(), &false.into()));
}

#[tokio::test]
async fn a_day_without_a_look_at_the_profile_ends_the_connection() {
    let mut stage = Stage::new(Provider::Kakao);
    let client_id = stage.client_id();
    let tokens = stage.tokens("mina").await;
    assert!(stage.simulators.is_linked(Provider::Kakao, &client_id, "mina"));
    stage.clock.advance(86_401);
    assert!(!stage.simulators.is_linked(Provider::Kakao, &client_id, "mina"));
    let refresh = [("grant_type", "refresh_token"), ("code", ""), ("refresh_token", text(&tokens, "/refresh_token"))];
    assert_eq!(stage.redeem("", &refresh).await.json()["error_code"], "KOE322");

    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    let code = stage.press(&page, "#allow").await.code();
    let tokens = stage.redeem(&code, &[]).await.json();
    stage.get("/v2/user/me", text(&tokens, "/access_token")).await;
    stage.clock.advance(10 * 86_400);
    assert!(stage.simulators.is_linked(Provider::Kakao, &client_id, "mina"));
}

#[tokio::test]
async fn unlinking_works_with_token_and_tells_the_number() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    let bearer = format!("Bearer {}", text(&tokens, "/access_token"));
    let answer = stage.call(Method::POST, "/v1/user/unlink", &bearer, &[]).await;
    assert_eq!(answer.json()["id"], 3_900_000_001_i64);
    let again = stage.call(Method::POST, "/v1/user/unlink", &bearer, &[]).await;
    assert_eq!((again.status, &again.json()["code"]), (StatusCode::UNAUTHORIZED, &(-401).into()));
}

#[tokio::test]
async fn errors_have_numbers() {
    let mut stage = Stage::new(Provider::Kakao);
    let code = stage.sign_in("mina").await.code();
    assert_eq!(stage.redeem(&code, &[("client_secret", "wrong")]).await.json()["error_code"], "KOE010");
    assert_eq!(stage.redeem(&code, &[("client_id", "wrong")]).await.json()["error_code"], "KOE101");
    assert_eq!(stage.redeem("never", &[]).await.json()["error_code"], "KOE320");
    assert_eq!(stage.redeem(&code, &[("redirect_uri", "https://other.example")]).await.json()["error_code"], "KOE303");
    assert_eq!(stage.redeem(&code, &[]).await.json()["error_code"], "KOE320", "a failed attempt spends the code");
    let url = stage.authorize_url(&[("scope", "openid,friends")]);
    assert!(stage.open(&url).await.body.contains("KOE205"));
    let url = stage.authorize_url(&[("redirect_uri", "https://evil.example")]);
    assert!(stage.open(&url).await.body.contains("KOE006"));
}

#[tokio::test]
async fn a_refresh_token_is_renewed_in_its_last_month_only() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    stage.get("/v2/user/me", text(&tokens, "/access_token")).await;
    let refresh = [("grant_type", "refresh_token"), ("code", ""), ("refresh_token", text(&tokens, "/refresh_token"))];
    assert!(stage.redeem("", &refresh).await.json().get("refresh_token").is_none());
    stage.clock.advance(40 * 86_400);
    assert!(stage.redeem("", &refresh).await.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn agreement_to_one_item_can_be_taken_back() {
    let mut stage = Stage::new(Provider::Kakao);
    let tokens = stage.tokens("mina").await;
    let bearer = format!("Bearer {}", text(&tokens, "/access_token"));
    let scopes = [("scopes", "[\"account_email\",\"profile_nickname\"]")];
    stage.call(Method::POST, "/v2/user/revoke/scopes", &bearer, &scopes).await;
    let me = stage.get("/v2/user/me", text(&tokens, "/access_token")).await.json();
    assert_eq!(me["kakao_account"]["email_needs_agreement"], true);
    assert_eq!(me["kakao_account"]["profile"]["nickname"], "민지");
}
