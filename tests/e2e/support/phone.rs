//! A client that is a few lines: public, refresh tokens that rotate, for servers that may be gone at any moment.

use comity::model::digest::sha256_b64;
use comity::protocol::Params;
use http::Method;
use serde_json::Value;

use super::lossy::{Door, Lost, Walker};
use super::{Reply, Request};

/// Its row in a clients file. Its refresh tokens may be repeated for a minute: a restart must fit in, however busy the
/// machine.
pub const PHONE: &str = r#"
[[client]]
client_id = "phone"
client_name = "Phone"
token_endpoint_auth_method = "none"
redirect_uris = ["com.example.phone:/callback"]
grant_types = ["authorization_code", "refresh_token"]
refresh_grace_seconds = 60
release = { scopes = ["openid", "offline_access"] }
"#;

const REDIRECT_URI: &str = "com.example.phone:/callback";

/// The address of an authorization request.
pub fn authorization_url(door: &Door, verifier: &str) -> String {
    let query = Params::new()
        .with("client_id", "phone")
        .with("redirect_uri", REDIRECT_URI)
        .with("response_type", "code")
        .with("scope", "openid offline_access")
        .with("state", "s")
        .with("code_challenge", sha256_b64(verifier))
        .with("code_challenge_method", "S256")
        .to_urlencoded();
    format!("{}/authorize?{query}", door.issuer)
}

/// Single sign-on: the session's cookie becomes a code.
pub async fn authorize(door: &Door, session: &str, verifier: &str) -> Result<String, Lost> {
    let mut walker = Walker::signed_in(&door.issuer, session);
    let url = authorization_url(door, verifier).parse().unwrap();
    let (page, mut next) = walker.step(Method::GET, &url, &[]).await?;
    if let Some(asked) = next.as_ref().filter(|next| next.path() == "/consent") {
        let page = walker.follow(asked.clone()).await?;
        next = walker.press(&page, "allow", &[]).await?.1;
    }
    let next = next.unwrap_or_else(|| panic!("no redirect but {}: {}", page.status, page.text("body")));
    let code = next.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned());
    Ok(code.unwrap_or_else(|| panic!("no code in {next}")))
}

pub async fn redeem(door: &Door, code: &str, verifier: &str) -> Result<Reply, Lost> {
    door.send(redemption(code, verifier)).await
}

pub fn redemption(code: &str, verifier: &str) -> Request {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "phone"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", verifier),
    ];
    Request::post("/token").form(fields)
}

pub async fn refresh(door: &Door, token: &str) -> Result<Reply, Lost> {
    door.send(refreshment(token)).await
}

pub fn refreshment(token: &str) -> Request {
    Request::post("/token").form([("grant_type", "refresh_token"), ("client_id", "phone"), ("refresh_token", token)])
}

pub async fn revoke(door: &Door, token: &str) -> Result<Reply, Lost> {
    door.send(Request::post("/revoke").form([("client_id", "phone"), ("token", token)])).await
}

/// A member of a token response.
#[track_caller]
pub fn member(reply: &Reply, name: &str) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

#[track_caller]
pub fn refresh_token(reply: &Reply) -> String {
    member(reply, "refresh_token")
}

#[track_caller]
pub fn assert_refused(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer["error"], "invalid_grant", "{what}");
}
