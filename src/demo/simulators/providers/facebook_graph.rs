//! The Graph API: fields by name, calls proven with the app secret, and a way to see whose token it is.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::facebook::error;
use crate::demo::simulators::call::Call;
use crate::demo::simulators::person::Person;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Token, owner};
use crate::demo::simulators::{reply, resource};
use crate::model::digest::hmac_sha256;

pub(super) fn picture(person: &Person) -> Value {
    format!("https://platform-lookaside.fbsbx.example/{}", person.id).into()
}

/// The token of a call whose `appsecret_proof` is right; the app insists on one.
fn proven(simulator: &Simulator, call: &Call) -> Result<(Token, Person), Value> {
    let text = call.parameter("access_token").or_else(|| call.authorization("Bearer"));
    let Some(text) = text else {
        let message = "An active access token must be used to query information about the current user.";
        return Err(error(message, 2500, None));
    };
    let (token, person) = resource::access_token(simulator, text)
        .ok_or_else(|| error("Invalid OAuth access token - Cannot parse access token", 190, None))?;
    let secret = token.grant.client.client_secret.expose();
    let proof = hmac_sha256(secret.as_bytes(), text.as_bytes());
    let proof = proof.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    match call.parameter("appsecret_proof") {
        Some(given) if given == proof => Ok((token, person)),
        Some(_) => Err(error("Invalid appsecret_proof provided in the API argument", 100, None)),
        None => Err(error("API calls from the server require an appsecret_proof argument", 100, None)),
    }
}

/// Names of the fields asked for, their own arguments left out: `picture.width(200){url}` is `picture`.
fn fields(call: &Call) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = String::new();
    for character in call.query("fields").unwrap_or("id,name").chars() {
        match character {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            other if depth == 0 => names.push(other),
            _ => {}
        }
    }
    names.split(',').filter_map(|name| name.trim().split('.').next()).map(str::to_owned).collect()
}

pub(super) async fn me(State(simulator): State<Simulator>, call: Call) -> Response {
    let (token, person) = match proven(&simulator, &call) {
        Ok(proven) => proven,
        Err(body) => return reply::json(400, &body),
    };
    let mut body = Map::new();
    for field in fields(&call) {
        match field_value(&simulator, &token, &person, &field) {
            Ok(Some(value)) => drop(body.insert(field, value)),
            Ok(None) => {}
            Err(unknown) => return reply::json(400, &unknown),
        }
    }
    body.insert("id".to_owned(), simulator.subject(&token.grant.client, &person).into());
    reply::json(200, &Value::Object(body))
}

/// A field's value; nothing when the user has none or did not permit it.
fn field_value(simulator: &Simulator, token: &Token, person: &Person, field: &str) -> Result<Option<Value>, Value> {
    let birthday = || person.birth().map(|(year, month, day)| format!("{month}/{day}/{year}").into());
    Ok(match field {
        "id" | "middle_name" => None,
        "name" => Some(person.name.clone().into()),
        "first_name" => Some(person.given_name.clone().into()),
        "last_name" => Some(person.family_name.clone().into()),
        "short_name" => Some(person.nickname.clone().into()),
        "email" => simulator.email(person, token.shows(simulator, "email")).map(Value::from),
        "picture" => Some(json!({
            "data": { "height": 50, "width": 50, "is_silhouette": false, "url": picture(person) },
        })),
        "birthday" => birthday().filter(|_| token.shows(simulator, "user_birthday")),
        "gender" => person.gender.clone().map(Value::from).filter(|_| token.shows(simulator, "user_gender")),
        unknown => {
            let message = format!("(#100) Tried accessing nonexisting field ({unknown}) on node type (User)");
            return Err(error(&message, 100, None));
        }
    })
}

/// Whose token is it? Only an application may ask, with `{app-id}|{app-secret}`.
pub(super) async fn debug_token(State(simulator): State<Simulator>, call: Call) -> Response {
    let asking = call.query("access_token").and_then(|text| text.split_once('|'));
    let is_app = asking
        .is_some_and(|(id, secret)| simulator.client(id).is_some_and(|client| client.client_secret.expose() == secret));
    if !is_app {
        return reply::json(400, &error("Invalid OAuth access token signature.", 190, None));
    }
    let input = call.query("input_token").and_then(|text| resource::access_token(&simulator, text));
    let Some((token, person)) = input else {
        let problem = json!({ "code": 190, "message": "Invalid OAuth access token." });
        return reply::json(200, &json!({ "data": { "error": problem, "is_valid": false, "scopes": [] } }));
    };
    let data = json!({
        "app_id": token.grant.client.client_id,
        "type": "USER",
        "application": "simulated",
        "data_access_expires_at": (token.issued_at + 90 * 86_400).0,
        "expires_at": token.expires_at.0,
        "issued_at": token.issued_at.0,
        "is_valid": true,
        "scopes": token.grant.items,
        "user_id": simulator.subject(&token.grant.client, &person),
    });
    reply::json(200, &json!({ "data": data }))
}

/// `DELETE /{user-id}/permissions`: the application lets go of the user.
pub(super) async fn remove_permissions(State(simulator): State<Simulator>, call: Call) -> Response {
    let (token, person) = match proven(&simulator, &call) {
        Ok(proven) => proven,
        Err(body) => return reply::json(400, &body),
    };
    let user = call.path.rsplit('/').nth(1).unwrap_or_default();
    if user != "me" && user != simulator.subject(&token.grant.client, &person) {
        return reply::json(400, &error("(#100) Permission error", 100, None));
    }
    simulator.state().unlink(owner(&token.grant.client), &person.id);
    reply::json(200, &json!({ "success": true }))
}
