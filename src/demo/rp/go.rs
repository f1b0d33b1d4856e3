//! `go.localhost`: the airline's app on a telephone. The page plays the screen and this code the device: a public
//! client with PKCE, whose refresh token changes with each use.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::member::Member;
use super::session::{Line, Login, Session};
use super::site::{Shell, Site, display_name, routes};
use super::token_store::abbreviated;
use crate::demo::page::{Visit, time_of_day};

/// The app's router.
pub(in crate::demo) fn router(site: Arc<Site>) -> Router {
    routes().route("/", get(home)).route("/refresh", post(refresh)).route("/replay", post(replay)).with_state(site)
}

#[derive(Template)]
#[template(path = "demo/rp/go.html")]
struct Home<'a> {
    shell: &'a Shell,
    passenger: Option<Passenger>,
    log: Vec<LogLine>,
}

/// The signed-in person, and what the device holds of her.
struct Passenger {
    name: String,
    member: Option<Member>,
    access_token: String,
    access_expires: String,
    is_expired: bool,
    refresh_token: Option<String>,
    spent: Vec<(String, String)>,
}

struct LogLine {
    at: String,
    what: &'static str,
    is_good: bool,
    outcome: String,
}

impl Passenger {
    fn of(site: &Site, login: &Login) -> Self {
        let tokens = &login.tokens;
        Self {
            name: display_name(login),
            member: Member::of(&login.userinfo),
            access_token: abbreviated(&tokens.access_token),
            access_expires: time_of_day(tokens.access_expires_at),
            is_expired: tokens.access_expires_at <= site.clock.now(),
            refresh_token: tokens.refresh_token.as_ref().map(abbreviated),
            spent: login.spent.iter().map(|it| (abbreviated(&it.token), time_of_day(it.spent_at))).collect(),
        }
    }
}

async fn home(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    // The app asks for nothing by itself: what happens to the tokens is to be seen.
    let mut session: Session = site.sessions.get(site.key(&visit).as_deref());
    let shell = site.shell(&visit, &mut session);
    let passenger = session.login.as_ref().map(|login| Passenger::of(&site, login));
    let log = session.log.iter().map(|line| LogLine {
        at: time_of_day(line.at),
        what: line.what,
        is_good: line.is_good,
        outcome: line.outcome.clone(),
    });
    let page = Home { shell: &shell, passenger, log: log.collect() };
    site.page(&page, &shell.frame)
}

/// Uses the current refresh token.
async fn refresh(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    if visit.is_foreign() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let key = site.key(&visit);
    let notice = match site.renew_tokens(key.as_deref()).await {
        Ok(()) => "go.refreshed",
        Err(error) if error.is_refusal() => "go.refresh_refused",
        Err(_) => "go.refresh_failed",
    };
    site.sessions.change(key.as_deref(), |session| session.notice = Some(notice));
    Redirect::to("/").into_response()
}

/// Uses the previous refresh token once more, as a thief with a copy would. What comes of it is only told.
async fn replay(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    if visit.is_foreign() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let key = site.key(&visit);
    let login = site.sessions.get(key.as_deref()).login;
    let Some((login, spent)) = login.and_then(|login| Some((login.clone(), login.spent.first()?.clone()))) else {
        return Redirect::to("/").into_response();
    };
    let (notice, is_good, outcome) = match site.party.refresh(&login.tokens, &spent.token).await {
        Ok(tokens) => ("go.replay_accepted", true, time_of_day(tokens.access_expires_at)),
        Err(error) => ("go.replay_refused", false, error.to_string()),
    };
    let line = Line { at: site.clock.now(), what: "go.log_replay", is_good, outcome };
    site.sessions.change(key.as_deref(), |session| {
        session.log(line);
        session.notice = Some(notice);
    });
    Redirect::to("/").into_response()
}
