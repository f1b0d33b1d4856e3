//! Kakao's user API: the profile with a word of agreement on each item, and the ways to end a connection.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::demo::simulators::call::Call;
use crate::demo::simulators::person::Person;
use crate::demo::simulators::profile::Item;
use crate::demo::simulators::quirk::Quirk;
use crate::demo::simulators::simulator::Simulator;
use crate::demo::simulators::state::{Grant, Token, owner};
use crate::demo::simulators::{reply, resource};
use crate::model::Secret;

fn with_token(simulator: &Simulator, call: &Call, answer: impl FnOnce(Token, Person) -> Value) -> Response {
    match resource::bearer(simulator, call) {
        Some((token, person)) => reply::json(200, &answer(token, person)),
        None => reply::json(401, &json!({ "msg": "this access token does not exist", "code": -401 })),
    }
}

/// The user's number, a JSON number.
fn id(simulator: &Simulator, token: &Token, person: &Person) -> Value {
    let subject = simulator.subject(&token.grant.client, person);
    subject.parse::<i64>().map_or(Value::String(subject), Value::from)
}

fn picture(person: &Person, size: &str) -> Value {
    format!("http://k.kakaocdn.example/dn/{}/{size}.jpg", person.id).into()
}

/// What ID token and OIDC user-info say alike.
pub(super) fn oidc_claims(simulator: &Simulator, grant: &Grant) -> Map<String, Value> {
    let mut claims = Map::new();
    let Some(person) = simulator.state().person(&grant.person) else { return claims };
    if grant.items.contains("profile_nickname") {
        claims.insert("nickname".to_owned(), person.nickname.clone().into());
    }
    if grant.items.contains("profile_image") {
        claims.insert("picture".to_owned(), picture(&person, "img_110x110"));
    }
    if let Some(email) = simulator.email(&person, grant.items.contains("account_email")) {
        claims.insert("email".to_owned(), email.into());
    }
    claims
}

pub(super) async fn userinfo(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let mut body = oidc_claims(&simulator, &token.grant);
        body.insert("sub".to_owned(), simulator.subject(&token.grant.client, &person).into());
        Value::Object(body)
    })
}

/// `/v2/user/me`: a connection whose application never comes here is undone after a day.
pub(super) async fn me(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let mut connected_at = token.issued_at;
        if let Some(link) = simulator.state().link_mut(&token.grant.client, &person.id) {
            link.was_read = true;
            connected_at = link.connected_at;
        }
        let mut body = json!({
            "id": id(&simulator, &token, &person),
            "connected_at": connected_at.to_rfc3339(),
            "kakao_account": account(&simulator, &token, &person),
        });
        if token.shows(&simulator, "profile_nickname") {
            reply::put(&mut body, "properties", json!({ "nickname": person.nickname }));
        }
        body
    })
}

fn account(simulator: &Simulator, token: &Token, person: &Person) -> Value {
    let mut account = Map::new();
    let mut put = |name: &str, value: Value| account.insert(name.to_owned(), value);
    let asked = |item: &str| token.grant.has_scope(item) || token.grant.items.contains(item);
    put_profile(simulator, token, person, &mut put);
    if asked("account_email") || token.grant.scope.is_empty() {
        let granted = token.shows(simulator, "account_email");
        let has_email = person.email.is_some() && !simulator.has(&Quirk::NoEmail);
        put("has_email", has_email.into());
        let needs_agreement = has_email && (!granted || simulator.has(&Quirk::EmailRefused));
        put("email_needs_agreement", reply::boolean(simulator, needs_agreement, false));
        if let Some(email) = simulator.email(person, granted) {
            let is_verified = simulator.is_email_verified(person);
            put("is_email_valid", reply::boolean(simulator, true, false));
            put("is_email_verified", reply::boolean(simulator, is_verified, false));
            put("email", email.into());
        }
    }
    for (item, member, value) in facts(simulator, person) {
        if asked(item) {
            let is_shown = token.shows(simulator, item);
            put(&format!("{member}_needs_agreement"), (!is_shown).into());
            if is_shown && !value.is_null() {
                put(member, value);
                if item == "birthday" {
                    put("birthday_type", "SOLAR".into());
                    put("is_leap_month", false.into());
                }
            }
        }
    }
    Value::Object(account)
}

fn put_profile<T>(simulator: &Simulator, token: &Token, person: &Person, put: &mut impl FnMut(&str, Value) -> T) {
    let mut profile = Map::new();
    let shows_nickname = token.shows(simulator, "profile_nickname");
    put("profile_nickname_needs_agreement", (!shows_nickname).into());
    if shows_nickname {
        profile.insert("nickname".to_owned(), person.nickname.clone().into());
        profile.insert("is_default_nickname".to_owned(), false.into());
    }
    if token.shows(simulator, "profile_image") {
        put("profile_image_needs_agreement", false.into());
        profile.insert("thumbnail_image_url".to_owned(), picture(person, "img_110x110"));
        profile.insert("profile_image_url".to_owned(), picture(person, "img_640x640"));
        profile.insert("is_default_image".to_owned(), false.into());
    }
    if !profile.is_empty() {
        put("profile", Value::Object(profile));
    }
}

/// Consent item, member of `kakao_account`, value.
fn facts(simulator: &Simulator, person: &Person) -> [(&'static str, &'static str, Value); 7] {
    let birth = person.birth();
    let decade = person.decade(simulator.now()).map(|(first, last)| format!("{first}~{last}"));
    [
        ("name", "name", person.name.clone().into()),
        ("gender", "gender", person.gender.clone().into()),
        ("age_range", "age_range", decade.into()),
        ("birthday", "birthday", birth.map(|(_, month, day)| format!("{month}{day}")).into()),
        ("birthyear", "birthyear", birth.map(|(year, _, _)| year).into()),
        ("phone_number", "phone_number", person.korean_phone().map(|local| format!("+82 {local}")).into()),
        ("account_ci", "ci", format!("Q0ktRVhBTVBMRS0{}", person.id).into()),
    ]
}

pub(super) async fn access_token_info(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let client_id = &token.grant.client.client_id;
        let nth = simulator.clients().iter().position(|client| client.client_id == *client_id).unwrap_or_default();
        json!({
            "id": id(&simulator, &token, &person),
            "expires_in": token.expires_at.since(simulator.now()),
            "app_id": 1_200_001 + nth,
        })
    })
}

/// With the user's token, or with the application's admin key and the user's number.
pub(super) async fn unlink(State(simulator): State<Simulator>, call: Call) -> Response {
    if let Some(key) = call.authorization("KakaoAK") {
        return unlink_as_admin(&simulator, &call, key);
    }
    with_token(&simulator, &call, |token, person| {
        simulator.state().unlink(owner(&token.grant.client), &person.id);
        json!({ "id": id(&simulator, &token, &person) })
    })
}

fn unlink_as_admin(simulator: &Simulator, call: &Call, key: &str) -> Response {
    let is_key = |known: &Secret<String>| known.expose() == key;
    let client = simulator.clients().iter().find(|client| client.admin_key.as_ref().is_some_and(is_key));
    let Some(client) = client else {
        return reply::json(401, &json!({ "msg": "wrong appKey format", "code": -401 }));
    };
    let target = call.form("target_id").filter(|_| call.form("target_id_type") == Some("user_id"));
    let people = simulator.state().people.clone();
    let person = people.iter().find(|person| target == Some(simulator.subject(client, person).as_str()));
    let is_unlinked = person.is_some_and(|person| simulator.state().unlink(owner(client), &person.id));
    match target.and_then(|target| target.parse::<i64>().ok()).filter(|_| is_unlinked) {
        Some(id) => reply::json(200, &json!({ "id": id })),
        None => reply::json(400, &json!({ "msg": "NotRegisteredUserException", "code": -101 })),
    }
}

/// Expires the user's tokens; the connection stays.
pub(super) async fn logout(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let (client_id, id_of) = (&token.grant.client.client_id, &token.grant.person);
        simulator
            .state()
            .tokens
            .retain(|_, other| other.grant.client.client_id != *client_id || other.grant.person != *id_of);
        json!({ "id": id(&simulator, &token, &person) })
    })
}

pub(super) async fn scopes(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| listed_scopes(&simulator, &token, &person))
}

fn listed_scopes(simulator: &Simulator, token: &Token, person: &Person) -> Value {
    let state = simulator.state();
    let Some(link) = state.link(&token.grant.client, &person.id) else { return json!({ "scopes": [] }) };
    let asked = simulator.profile.items.iter().filter(|item| link.asked.contains(item.scope));
    let describe = |item: &Item| {
        let (korean, is_agreed) = (item.label[0], link.granted.contains(item.scope));
        json!({
            "id": item.scope, "display_name": korean, "type": "PRIVACY", "using": true,
            "agreed": is_agreed, "revocable": item.is_optional && is_agreed,
        })
    };
    let scopes: Vec<_> = asked.map(describe).collect();
    drop(state);
    json!({ "id": id(simulator, token, person), "scopes": scopes })
}

/// Takes back the user's agreement to optional items.
pub(super) async fn revoke_scopes(State(simulator): State<Simulator>, call: Call) -> Response {
    with_token(&simulator, &call, |token, person| {
        let named: Vec<String> =
            call.form("scopes").and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        let optional =
            |scope: &String| simulator.profile.items.iter().any(|item| item.is_optional && item.scope == scope);
        if let Some(link) = simulator.state().link_mut(&token.grant.client, &person.id) {
            for scope in named.iter().filter(|scope| optional(scope)) {
                link.granted.remove(scope);
            }
        }
        listed_scopes(&simulator, &token, &person)
    })
}
