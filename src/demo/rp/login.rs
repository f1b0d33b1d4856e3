//! Signing in and out, and keeping what is known of a person up to date.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::error::Error;
use super::receipts::Receipt;
use super::relying_party::Wish;
use super::session::{Line, Login, Pending, Session};
use super::site::Site;
use super::token_store::{Spent, Tokens};
use crate::demo::page::{Visit, time_of_day};
use crate::policy::return_to::ReturnTo;

const SPENT_KEPT: usize = 5;

/// `GET /sign-in`: sends the browser to the provider. `after` names the page to go on with, `fresh=1` insists on a
/// new proof.
pub(super) async fn sign_in(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let after = visit.query("after").and_then(ReturnTo::parse).map_or("/".to_owned(), |path| path.to_string());
    site.send_to_provider(&visit, after, visit.query("fresh").is_some(), ToString::to_string).await
}

/// `GET /callback`: the provider's answer.
pub(super) async fn callback(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let key = site.key(&visit);
    let pending = visit
        .query("state")
        .and_then(|state| site.sessions.change(key.as_deref(), |session| session.take_pending(state)).flatten());
    let Some(pending) = pending else {
        return site.problem_page(&visit, "rp.problem_state", "state");
    };
    // RFC 9207 §2.4: an answer of another provider, mixed in.
    if visit.query("iss").is_some_and(|issuer| issuer != site.addresses.issuer()) {
        return site.problem_page(&visit, "rp.problem_untrusted", "iss");
    }
    if let Some(error) = visit.query("error") {
        if error == "access_denied" {
            site.sessions.change(key.as_deref(), |session| session.notice = Some("rp.cancelled"));
            return Redirect::to("/").into_response();
        }
        let description = visit.query("error_description").unwrap_or_default().to_owned();
        return site.problem(&visit, &Error::Refused { code: error.to_owned(), description });
    }
    match site.enter(visit.query("code").unwrap_or_default(), &pending).await {
        Err(error) => site.problem(&visit, &error),
        Ok(login) => {
            site.receipts.keep(Receipt::of(&login));
            let line = Line {
                at: site.clock.now(),
                what: "go.log_sign_in",
                is_good: true,
                outcome: time_of_day(login.tokens.access_expires_at),
            };
            let key = site.sessions.renew(key.as_deref(), |session| {
                session.enter(login);
                session.log(line);
            });
            site.with_key(Redirect::to(&pending.after).into_response(), &key)
        }
    }
}

/// `POST /sign-out`: forgets the person here, then goes to sign out of the provider.
pub(super) async fn sign_out(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    if visit.is_foreign() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let login = site.sessions.change(site.key(&visit).as_deref(), Session::leave).flatten();
    let Some(login) = login else { return Redirect::to("/").into_response() };
    if let Some(refresh_token) = &login.tokens.refresh_token {
        // Signing out must not fail because this does: the token ends with its time.
        if site.party.registration.client_secret.is_none() && site.party.revoke(refresh_token).await.is_err() {
            tracing::debug!(site = site.name, "the refresh token could not be revoked");
        }
    }
    match site.party.end_session_url(login.tokens.id_token.expose(), visit.lang.as_str()).await {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(error) => site.problem(&visit, &error),
    }
}

impl Site {
    /// Sends the browser off with an authorization request. `by_way_of` may turn its address into that of a page of
    /// the provider that leads there.
    pub(super) async fn send_to_provider(
        &self,
        visit: &Visit,
        after: String,
        fresh: bool,
        by_way_of: impl FnOnce(&url::Url) -> String,
    ) -> Response {
        let wish = Wish { ui_locale: visit.lang.as_str(), fresh };
        let (url, sent) = match self.party.authorization_url(wish).await {
            Ok(request) => request,
            Err(error) => return self.problem(visit, &error),
        };
        let response = Redirect::to(&by_way_of(&url)).into_response();
        let key = self.key(visit);
        let pending = Pending { sent, after };
        // A key of our own making goes on, so that a sign-in in a second tab does not end the first.
        let known = key
            .as_deref()
            .filter(|key| self.sessions.change(Some(key), |session| session.expect(pending.clone())).is_some());
        if known.is_some() {
            return response;
        }
        let key = self.sessions.renew(None, |session| session.expect(pending));
        self.with_key(response, &key)
    }

    async fn enter(&self, code: &str, pending: &Pending) -> Result<Login, Error> {
        let tokens = self.party.redeem(code, &pending.sent).await?;
        let userinfo = self.party.userinfo(&tokens.access_token, &tokens.sub).await?;
        let now = self.clock.now();
        Ok(Login { tokens, userinfo, userinfo_at: now, fresh_at: pending.sent.fresh.then_some(now), spent: Vec::new() })
    }

    /// The browser's session with claims as the provider releases them at this moment, asked with every page: a stage
    /// shows changes at once, where a real shop would look now and then. Someone whose grant is gone is
    /// signed out; while the provider does not answer, what is known stays.
    pub(super) async fn current(&self, visit: &Visit) -> Session {
        let key = self.key(visit);
        let session = self.sessions.get(key.as_deref());
        let Some(login) = &session.login else { return session };
        let key = key.as_deref();
        let known = match self.party.userinfo(&login.tokens.access_token, &login.tokens.sub).await {
            Err(error) if error.is_refusal() && login.tokens.refresh_token.is_some() => {
                self.renew_tokens(key).await.err().is_none_or(|error| !error.is_refusal())
            }
            Err(error) => !error.is_refusal(),
            Ok(userinfo) => {
                let now = self.clock.now();
                let login = self.sessions.change(key, |session| {
                    let login = session.login.as_mut()?;
                    (login.userinfo, login.userinfo_at) = (userinfo, now);
                    Some(login.clone())
                });
                if let Some(login) = login.flatten() {
                    self.receipts.keep(Receipt::of(&login));
                }
                true
            }
        };
        if !known {
            self.sessions.change(key, |session| {
                session.login = None;
                session.notice = Some("rp.access_ended");
            });
        }
        self.sessions.get(key)
    }

    /// Uses the refresh token and reads userinfo with what it brings.
    pub(super) async fn renew_tokens(&self, key: Option<&str>) -> Result<(), Error> {
        let _one_at_a_time = self.refreshing.lock().await;
        let Some(login) = self.sessions.get(key).login else { return Ok(()) };
        let Some(refresh_token) = login.tokens.refresh_token.clone() else { return Ok(()) };
        let refreshed = self.party.refresh(&login.tokens, &refresh_token).await;
        let line = |is_good, outcome| Line { at: self.clock.now(), what: "go.log_refresh", is_good, outcome };
        match refreshed {
            Err(error) => {
                let line = line(false, error.to_string());
                self.sessions.change(key, |session| session.log(line));
                Err(error)
            }
            Ok(tokens) => {
                let line = line(true, time_of_day(tokens.access_expires_at));
                self.sessions.change(key, |session| {
                    session.log(line);
                    if let Some(login) = &mut session.login {
                        replace_tokens(login, tokens.clone());
                    }
                });
                self.reread(key, &tokens).await
            }
        }
    }

    async fn reread(&self, key: Option<&str>, tokens: &Tokens) -> Result<(), Error> {
        let userinfo = self.party.userinfo(&tokens.access_token, &tokens.sub).await?;
        let now = self.clock.now();
        let login = self.sessions.change(key, |session| {
            let login = session.login.as_mut()?;
            (login.userinfo, login.userinfo_at) = (userinfo, now);
            Some(login.clone())
        });
        if let Some(login) = login.flatten() {
            self.receipts.keep(Receipt::of(&login));
        }
        Ok(())
    }
}

/// Keeps the old refresh token for the curious, if it was replaced; an answer without one leaves it in use.
fn replace_tokens(login: &mut Login, mut tokens: Tokens) {
    let before = login.tokens.refresh_token.take();
    let at = tokens.received_at;
    match (&tokens.refresh_token, before) {
        (None, before) => tokens.refresh_token = before,
        (Some(now), Some(before)) if *now != before => {
            login.spent.insert(0, Spent { token: before, spent_at: at });
            login.spent.truncate(SPENT_KEPT);
        }
        _ => {}
    }
    login.tokens = tokens;
}
