//! LINE's user APIs: what a token is worth, who it belongs to, and how a connection ends.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::demo::simulators::call::Call;
use crate::demo::simulators::person::Person;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Token, owner};
use crate::demo::simulators::token::secret_in_parameters;
use crate::demo::simulators::{reply, resource};

const CHANNEL_TOKEN_LIFETIME: i64 = 900;

fn refused(description: &str) -> Response {
    reply::json(400, &json!({ "error": "invalid_request", "error_description": description }))
}

fn with_token(simulator: &Simulator, call: &Call, answer: impl FnOnce(Token, Person) -> Value) -> Response {
    match resource::bearer(simulator, call) {
        Some((token, person)) => reply::json(200, &answer(token, person)),
        None => reply::json(401, &json!({ "message": "The access token expired" })),
    }
}

pub(super) fn picture(person: &Person) -> Value {
    format!("https://profile.line-scdn.example/{}", person.id).into()
}

/// Subject, name and picture; the email address is in the ID token alone.
pub(super) async fn userinfo(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let mut body = Map::new();
        body.insert("sub".to_owned(), simulator.subject(&token.grant.client, &person).into());
        if token.shows(&simulator, "profile") {
            body.insert("name".to_owned(), person.nickname.clone().into());
            body.insert("picture".to_owned(), picture(&person));
        }
        Value::Object(body)
    })
}

pub(super) async fn profile(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        json!({
            "userId": simulator.subject(&token.grant.client, &person), "displayName": person.nickname,
            "pictureUrl": picture(&person), "statusMessage": "",
        })
    })
}

pub(super) async fn friendship(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |_, _| json!({ "friendFlag": false }))
}

/// Says which channel an access token was issued to.
pub(super) async fn verify_access_token(State(simulator): State<Simulator>, call: Call) -> Response {
    let token = call.query("access_token").and_then(|text| resource::access_token(&simulator, text));
    let Some((token, _)) = token else { return refused("access token expired") };
    let body = json!({
        "scope": token.grant.items.iter().cloned().collect::<Vec<_>>().join(" "),
        "client_id": token.grant.client.client_id,
        "expires_in": token.expires_at.since(simulator.now()),
    });
    reply::json(200, &body)
}

/// Verifies an ID token for a channel that would rather not do it itself.
pub(super) async fn verify_id_token(State(simulator): State<Simulator>, call: Call) -> Response {
    let issued = call.form("id_token").and_then(|text| simulator.state().id_tokens.get(text).cloned());
    let Some(claims) = issued else { return refused("Invalid IdToken.") };
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|expiry| expiry <= simulator.now().0) {
        return refused("IdToken expired.");
    }
    if claim("aud") != call.form("client_id") {
        return refused("Invalid IdToken Audience.");
    }
    if call.form("nonce").is_some_and(|nonce| claim("nonce") != Some(nonce)) {
        return refused("Invalid IdToken Nonce.");
    }
    if call.form("user_id").is_some_and(|user| claim("sub") != Some(user)) {
        return refused("Invalid IdToken Subject Identifier.");
    }
    reply::json(200, &claims)
}

/// Kills an access token with its refresh tokens; the connection stays.
pub(super) async fn revoke(State(simulator): State<Simulator>, call: Call) -> Response {
    let Ok(client) = secret_in_parameters(&simulator, &call) else { return refused("invalid client") };
    let Some(text) = call.form("access_token") else { return refused("access_token is required") };
    if let Some((token, _)) =
        simulator.token(text).filter(|(token, _)| token.grant.client.client_id == client.client_id)
    {
        let same = |other: &Token| std::sync::Arc::ptr_eq(&other.grant, &token.grant);
        simulator.state().tokens.retain(|_, other| !same(other));
    }
    StatusCode::OK.into_response()
}

/// A stateless channel access token: what proves the channel itself.
pub(super) async fn channel_token(State(simulator): State<Simulator>, call: Call) -> Response {
    if call.form("grant_type") != Some("client_credentials") {
        return refused("unsupported grant_type");
    }
    let Ok(client) = secret_in_parameters(&simulator, &call) else { return refused("invalid client") };
    let text = simulator.random.token().expose().clone();
    let expiry = simulator.now() + CHANNEL_TOKEN_LIFETIME;
    simulator.state().channel_tokens.insert(text.clone(), (client.client_id.clone(), expiry));
    reply::json(200, &json!({ "token_type": "Bearer", "access_token": text, "expires_in": CHANNEL_TOKEN_LIFETIME }))
}

/// The channel ends a user's connection.
pub(super) async fn deauthorize(State(simulator): State<Simulator>, call: Call) -> Response {
    let now = simulator.now();
    let channel = call.authorization("Bearer").and_then(|text| simulator.state().channel_tokens.get(text).cloned());
    let Some((client_id, _)) = channel.filter(|(_, expiry)| now < *expiry) else {
        return reply::json(401, &json!({ "message": "Authentication failed due to the expired access token" }));
    };
    let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
    let token =
        body.get("userAccessToken").and_then(Value::as_str).and_then(|text| resource::access_token(&simulator, text));
    let Some((token, person)) = token.filter(|(token, _)| token.grant.client.client_id == client_id) else {
        return reply::json(400, &json!({ "message": "invalid token" }));
    };
    simulator.state().unlink(owner(&token.grant.client), &person.id);
    StatusCode::NO_CONTENT.into_response()
}
