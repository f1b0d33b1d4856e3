//! The page where the audience moves the levers: plain forms, no script.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use url::form_urlencoded;

use super::control::LoyaltyHost;
use super::members::{MemberStatus, TIERS};
use super::words::{ALL, Words};

const SLOW_MS: u64 = 5000;

pub(super) fn routes() -> Router<LoyaltyHost> {
    Router::new().route("/", get(page)).route("/levers", post(levers)).route("/style.css", get(style))
}

#[derive(Template)]
#[template(path = "demo/loyalty_host/back_office.html")]
struct BackOffice {
    words: &'static Words,
    languages: &'static [Words],
    down: bool,
    slow_ms: u64,
    rows: Vec<Row>,
    calls: Vec<Line>,
    changes: Vec<Line>,
}

struct Row {
    number: String,
    name: String,
    tier: &'static str,
    tier_code: String,
    points: i64,
    status: &'static str,
    status_code: &'static str,
    linked: bool,
    pin: String,
    birthdate: String,
}

struct Line {
    at: String,
    what: String,
    mark: String,
}

async fn page(State(host): State<LoyaltyHost>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let words = language(query.as_deref(), &headers);
    let links = host.links();
    let rows = host.members().into_iter().map(|member| {
        let rank = TIERS.iter().position(|tier| *tier == member.tier).unwrap_or(0);
        let (standing, status_code) = match member.status {
            MemberStatus::Active => (0, "active"),
            MemberStatus::Frozen => (1, "frozen"),
            MemberStatus::Closed => (2, "closed"),
        };
        Row {
            tier: words.tiers.get(rank).copied().unwrap_or_default(),
            status: words.statuses.get(standing).copied().unwrap_or_default(),
            status_code,
            linked: links.contains_key(&member.member_ref),
            number: member.number,
            name: member.name,
            tier_code: member.tier,
            points: member.points,
            pin: member.pin,
            birthdate: member.birthdate,
        }
    });
    let calls = host.requests().into_iter().rev().take(12).map(|call| Line {
        at: call.at.to_rfc3339(),
        what: format!("{} {}", call.method, call.path),
        mark: call.status.to_string(),
    });
    let changes = host.scene().feed.latest(8).into_iter().map(|change| Line {
        at: change.at,
        what: change.kind.to_owned(),
        mark: change.member_ref,
    });
    let page = BackOffice {
        words,
        languages: &ALL,
        down: host.is_down(),
        slow_ms: host.slow_ms(),
        rows: rows.collect(),
        calls: calls.collect(),
        changes: changes.collect(),
    };
    match page.render() {
        Ok(html) => {
            ([(header::CACHE_CONTROL, "no-store"), (header::CONTENT_SECURITY_POLICY, CSP)], Html(html)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

const CSP: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'";

async fn style() -> Response {
    let css = include_str!("../../../templates/demo/loyalty_host/style.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

/// One form for every lever: `lever` names it, `number` the member, `points` the amount.
async fn levers(State(host): State<LoyaltyHost>, headers: HeaderMap, body: Bytes) -> Response {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let number = field("number");
    let done = match field("lever") {
        "down" => {
            host.set_down(true);
            true
        }
        "up" => {
            host.set_down(false);
            true
        }
        "slow" => {
            host.set_slow(SLOW_MS);
            true
        }
        "fast" => {
            host.set_slow(0);
            true
        }
        "reset" => {
            host.reset();
            true
        }
        "promote" => host.promote(number, 1),
        "demote" => host.promote(number, -1),
        "points" => field("points").parse().is_ok_and(|points: u32| host.set_points(number, points.into())),
        _ => false,
    };
    if !done {
        return StatusCode::BAD_REQUEST.into_response();
    }
    Redirect::to(&format!("/?lang={}", Words::of(field("lang")).lang)).into_response()
}

/// `?lang=`, else the browser's first language we speak.
fn language(query: Option<&str>, headers: &HeaderMap) -> &'static Words {
    let asked = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "lang")
        .map(|(_, value)| value.into_owned());
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut tags =
        asked.iter().map(String::as_str).chain(accepted.split(',').filter_map(|part| part.split(';').next()));
    let spoken = tags.find(|tag| {
        let tag = tag.trim();
        ALL.iter().any(|words| tag.get(..2).is_some_and(|language| language.eq_ignore_ascii_case(words.lang)))
    });
    Words::of(spoken.unwrap_or("en").trim())
}
