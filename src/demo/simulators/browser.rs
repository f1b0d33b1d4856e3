//! What passes between simulator and browser besides pages: the remembered session and the way back.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::call::Call;
use super::page;
use super::person::Person;
use super::profile::{Mode, Parameters};
use super::simulator::Simulator;
use super::state::Session;
use super::texts::Lang;

const COOKIE: &str = "simulator_session";

/// The browser's session at the provider and whose it is.
pub(super) fn session(simulator: &Simulator, call: &Call) -> Option<(Session, Person)> {
    let state = simulator.state();
    let session = state.sessions.get(call.cookie(COOKIE)?)?;
    Some((session.clone(), state.person(&session.person)?))
}

/// Starts a session and gives the cookie that names it.
pub(super) fn start_session(simulator: &Simulator, person: &Person) -> (Session, String) {
    let handle = simulator.random.handle();
    let session = Session { person: person.id.clone(), since: simulator.now() };
    simulator.state().sessions.insert(handle.clone(), session.clone());
    (session, format!("{COOKIE}={handle}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"))
}

/// Ends the browser's session.
pub(super) fn end_session(simulator: &Simulator, call: &Call) {
    if let Some(handle) = call.cookie(COOKIE) {
        simulator.state().sessions.remove(handle);
    }
}

pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub(super) fn redirect(url: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_owned()), (header::CACHE_CONTROL, "no-store".to_owned())])
        .into_response()
}

/// The application's end of the way back.
pub(super) struct Callback<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) mode: Mode,
    /// Appended, for what that is worth.
    pub(super) fragment: &'a str,
}

impl Callback<'_> {
    pub(super) fn send(&self, simulator: &Simulator, lang: Lang, parameters: &Parameters) -> Response {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
        match self.mode {
            Mode::Query => redirect(&format!("{}{joint}{encoded}{}", self.redirect_uri, self.fragment)),
            Mode::Fragment => redirect(&format!("{}#{encoded}", self.redirect_uri)),
            Mode::FormPost => page::form_post(simulator, lang, self.redirect_uri, parameters),
        }
    }
}
