//! The contract's calls.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::challenges::{Answer, Method, Verdict};
use super::control::LoyaltyHost;
use super::exchange::exchange;
use super::members::{Member, TIERS};
use super::words::Words;

const PROGRAMME: &str = "skyway";
const ANSWERS_KEPT: usize = 10_000;

pub(super) fn routes(host: &LoyaltyHost) -> Router<LoyaltyHost> {
    Router::new()
        .route("/capabilities", get(capabilities))
        .route("/challenges", post(start_challenge))
        .route("/challenges/{id_verify}", post(verify_challenge))
        .route("/members/{member_ref}", get(member))
        .route("/members/{member_ref}/balances", get(balances))
        .route("/links/{member_ref}", put(put_link).delete(delete_link))
        .route("/changes", get(changes))
        .fallback(async || problem(StatusCode::NOT_FOUND, "denied", "there is no such resource"))
        .layer(from_fn_with_state(host.clone(), exchange))
}

/// An error as RFC 9457 describes it.
pub(super) fn problem(status: StatusCode, kind: &str, title: &str) -> Response {
    let body = json!({ "type": format!("urn:comity:loyalty:{kind}"), "title": title, "status": status.as_u16() });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Box<Response>> {
    serde_json::from_slice(body)
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "denied", "the request does not follow the contract").into())
}

async fn capabilities() -> Json<Value> {
    Json(json!({
        "programmes": [{
            "code": PROGRAMME,
            "number_format": { "pattern": "[0-9]{10}", "check": "mod7" },
            "proofs": ["otp", "pin", "kba"],
            "tiers": TIERS,
            "units": ["mile"],
        }],
        "changes": true,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartChallenge {
    programme: String,
    number: String,
    method: String,
    locale: Option<String>,
}

async fn start_challenge(State(host): State<LoyaltyHost>, headers: HeaderMap, body: Bytes) -> Response {
    let request: StartChallenge = match read(&body) {
        Ok(request) => request,
        Err(refused) => return *refused,
    };
    if request.programme != PROGRAMME {
        return problem(StatusCode::NOT_FOUND, "denied", "there is no such programme");
    }
    let Ok(method) = serde_json::from_value::<Method>(Value::String(request.method)) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "unknown_method", "this proof is not offered");
    };
    let key = idempotency_key(&headers, "start");
    if let Some(answer) = answered(&host, key.as_deref()) {
        return answer;
    }
    let (started, recipient) = {
        let mut scene = host.scene();
        let member = scene.members.iter().find(|member| member.number == request.number).cloned();
        let started = scene.challenges.start(&request.number, member.as_ref(), method, host.random(), host.now());
        (started, member.filter(|_| method == Method::Otp))
    };
    if let Some(member) = recipient {
        let words = Words::of(request.locale.as_deref().unwrap_or(&member.locale));
        host.deliver(&member.phone, &words.code_message.replace("{code}", &started.code));
    }
    let mut answer = json!({ "challenge_id": started.challenge_id, "expires_in": started.expires_in });
    if let (Some(hint), Some(object)) = (started.hint, answer.as_object_mut()) {
        object.insert("hint".to_owned(), Value::String(hint));
    }
    keep(&host, key, StatusCode::CREATED, answer)
}

async fn verify_challenge(
    State(host): State<LoyaltyHost>,
    Path(id_verify): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(id) = id_verify.strip_suffix(":verify") else {
        return problem(StatusCode::NOT_FOUND, "denied", "there is no such resource");
    };
    let answer: Answer = match read(&body) {
        Ok(answer) => answer,
        Err(refused) => return *refused,
    };
    let key = idempotency_key(&headers, id);
    if let Some(answer) = answered(&host, key.as_deref()) {
        return answer;
    }
    let verdict = {
        let mut scene = host.scene();
        let members = scene.members.clone();
        scene.challenges.verify(id, &answer, &members, host.now())
    };
    let answer = match verdict {
        Verdict::Right { member_ref, level } => {
            json!({ "verified": true, "level": level, "member_ref": member_ref, "attempts_left": 0 })
        }
        Verdict::Wrong { attempts_left } => json!({ "verified": false, "attempts_left": attempts_left }),
    };
    keep(&host, key, StatusCode::OK, answer)
}

async fn member(State(host): State<LoyaltyHost>, Path(member_ref): Path<String>, headers: HeaderMap) -> Response {
    let Some(member) = find(&host, &member_ref) else { return unknown_member() };
    let etag = format!("\"{}-{}\"", member.member_ref, member.version);
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(json!({
            "member_ref": member.member_ref,
            "status": member.status,
            "tier": member.tier,
            "tier_expires": member.tier_expires,
            "household_ref": member.household_ref,
        }))
        .into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

async fn balances(State(host): State<LoyaltyHost>, Path(member_ref): Path<String>) -> Response {
    let Some(member) = find(&host, &member_ref) else { return unknown_member() };
    Json(json!({
        "member_ref": member.member_ref,
        "balances": [{ "unit": "mile", "amount": member.points, "expiring": [] }],
        "as_of": host.now().to_rfc3339(),
    }))
    .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    subject_ref: String,
}

async fn put_link(State(host): State<LoyaltyHost>, Path(member_ref): Path<String>, body: Bytes) -> Response {
    let link: Link = match read(&body) {
        Ok(link) => link,
        Err(refused) => return *refused,
    };
    let Some(member) = find(&host, &member_ref) else { return unknown_member() };
    let before = host.scene().links.insert(member_ref, link.subject_ref.clone());
    if before.as_ref() != Some(&link.subject_ref) {
        host.deliver(&member.phone, Words::of(&member.locale).linked_message);
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn delete_link(State(host): State<LoyaltyHost>, Path(member_ref): Path<String>, body: Bytes) -> Response {
    let link: Link = match read(&body) {
        Ok(link) => link,
        Err(refused) => return *refused,
    };
    let removed = {
        let mut scene = host.scene();
        let ours = scene.links.get(&member_ref) == Some(&link.subject_ref);
        ours.then(|| scene.links.remove(&member_ref)).is_some()
    };
    if let (true, Some(member)) = (removed, find(&host, &member_ref)) {
        host.deliver(&member.phone, Words::of(&member.locale).unlinked_message);
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn changes(State(host): State<LoyaltyHost>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let cursor = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "cursor")
        .map(|(_, value)| value.into_owned());
    let page = host.scene().feed.after(cursor.as_deref());
    page.map_or_else(|| problem(StatusCode::GONE, "denied", "the cursor is too old"), |page| Json(page).into_response())
}

fn find(host: &LoyaltyHost, member_ref: &str) -> Option<Member> {
    host.scene().members.iter().find(|member| member.member_ref == member_ref).cloned()
}

fn unknown_member() -> Response {
    problem(StatusCode::NOT_FOUND, "denied", "there is no such member")
}

/// A key is worth something only for the resource it was first used on.
fn idempotency_key(headers: &HeaderMap, resource: &str) -> Option<String> {
    let key = headers.get("idempotency-key")?.to_str().ok()?;
    Some(format!("{resource} {key}"))
}

fn answered(host: &LoyaltyHost, key: Option<&str>) -> Option<Response> {
    let (status, answer) = host.scene().answered.get(key?).cloned()?;
    Some((status, Json(answer)).into_response())
}

fn keep(host: &LoyaltyHost, key: Option<String>, status: StatusCode, answer: Value) -> Response {
    if let Some(key) = key {
        let mut scene = host.scene();
        if scene.answered.len() >= ANSWERS_KEPT {
            scene.answered.clear();
        }
        scene.answered.insert(key, (status, answer.clone()));
    }
    (status, Json(answer)).into_response()
}
