//! How an outcome reaches the browser: a redirect, a page of a transaction, or a form that posts itself.

use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::{Face, Failure};
use super::headers::{self, FormTargets};
use super::paths;
use super::views::{ErrorKind, FormPost, Template};
use super::visit::Visit;
use crate::model::Fault;
use crate::protocol::Params;
use crate::provider::authorize::{Outcome, PageError, Return, Step};

/// Bytes of an address every browser and proxy lets through.
const ADDRESS_LIMIT: usize = 8 * 1024;

/// Answers with an outcome of the provider.
pub fn answer(visit: Visit, outcome: Outcome) -> Result<Response, Failure> {
    match outcome {
        Outcome::Return(response) => send(visit, &response),
        Outcome::Interact(step, txn) => {
            let path = match step {
                Step::SignIn | Step::Reauthenticate => paths::SIGN_IN,
                Step::SelectAccount => paths::SELECT_ACCOUNT,
                Step::Terms => paths::TERMS,
                Step::Consent => paths::CONSENT,
            };
            see_other(visit, &paths::with_txn(path, &txn))
        }
        Outcome::Home(path) => see_other(visit, &path),
        Outcome::Page(error) => Ok(visit.send(face(&error).into_response())),
        Outcome::Expired => Err(Failure::Page(ErrorKind::ExpiredFlow)),
    }
}

/// Redirects with 303, so that no method or body is ever repeated at the target [RFC 9700 §4.12].
pub fn see_other(visit: Visit, location: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(location).map_err(|error| Fault::new("redirect", error))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(visit.send(response))
}

/// Answers a form of another site by a redirect to the same request as a GET: such a POST carries no cookie of ours
/// (`SameSite=Lax`), so that it would find nobody signed in and give the browser a second identity. `None` where the
/// cookie came along, and where an address would be too long to hold the form.
pub fn by_get(visit: &mut Visit, path: &str, form: &Params) -> Option<String> {
    let location = format!("{path}?{}", form.to_urlencoded());
    if !visit.is_new_browser() || location.len() > ADDRESS_LIMIT {
        return None;
    }
    visit.forget_cookies();
    Some(location)
}

fn send(visit: Visit, response: &Return) -> Result<Response, Failure> {
    if let Some(location) = response.response.location(&response.redirect_uri) {
        return see_other(visit, &location);
    }
    let parameters: Vec<(&str, &str)> = response.response.params.iter().collect();
    let page = visit.page(None);
    let html = FormPost { page: &page, redirect_uri: &response.redirect_uri, parameters: &parameters }.render()?;
    let targets = FormTargets::own().https().and(&response.redirect_uri);
    let secure = visit.web.secure;
    Ok(visit.send(headers::page(html, &targets, secure)))
}

fn face(error: &PageError) -> Face {
    let (kind, detail) = match error {
        PageError::MissingClient => (ErrorKind::BadClient, "client_id is missing"),
        PageError::UnknownClient => (ErrorKind::BadClient, "client_id is not registered"),
        PageError::MissingRedirectUri => (ErrorKind::BadRedirect, "redirect_uri is missing"),
        PageError::RedirectUriMismatch => (ErrorKind::BadRedirect, "redirect_uri is not registered"),
    };
    Face { kind, detail: Some(detail.to_owned()) }
}
