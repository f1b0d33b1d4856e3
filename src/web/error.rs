//! The faces of a failure: a page for people, JSON for machines. What broke on our side is logged once, here, and
//! shown as a number only.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::views::ErrorKind;
use crate::model::Fault;
use crate::protocol::{ErrorCode, ParamsError, Refused, bearer_challenge};
use crate::provider;
use crate::telemetry::log_fault;

/// Why a page for people cannot be shown.
#[derive(Debug)]
pub enum Failure {
    /// For a reason people can do something about.
    Page(ErrorKind),
    /// The parameters cannot be read.
    Params(ParamsError),
    /// Ours.
    Fault(Fault),
}

/// What the edge needs to draw the page: only there the language and the request's id are known.
#[derive(Clone, Debug)]
pub struct Face {
    /// Which page.
    pub kind: ErrorKind,
    /// A technical remark for the application's developers.
    pub detail: Option<String>,
}

impl Failure {
    fn face(&self) -> Face {
        match self {
            Self::Page(kind) => Face { kind: *kind, detail: None },
            Self::Params(error) => {
                let refused = Refused::from(error.clone());
                Face { kind: ErrorKind::BadRequest, detail: Some(refused.description().to_owned()) }
            }
            Self::Fault(fault) => Face {
                kind: if fault.is_unavailable() { ErrorKind::Unavailable } else { ErrorKind::Fault },
                detail: None,
            },
        }
    }
}

/// The HTTP status of an error page.
pub const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::BadClient
        | ErrorKind::BadRedirect
        | ErrorKind::BadRequest
        | ErrorKind::ExpiredFlow
        | ErrorKind::CookiesMissing => StatusCode::BAD_REQUEST,
        ErrorKind::BadForm => StatusCode::FORBIDDEN,
        ErrorKind::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Face {
    /// An empty response that the edge draws.
    pub fn into_response(self) -> Response {
        let mut response = status(self.kind).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::Fault(fault) = &self {
            log_fault(fault);
        }
        self.face().into_response()
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<crate::cache::Error> for Failure {
    fn from(error: crate::cache::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Fault(Fault::new("render a page", error))
    }
}

/// A failure at an endpoint for machines.
#[derive(Debug)]
pub struct MachineFailure {
    error: provider::Error,
    challenge: Challenge,
}

/// Which `WWW-Authenticate` a refusal carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Challenge {
    None,
    Basic,
    Bearer,
}

impl MachineFailure {
    /// At an endpoint that authenticates clients; `basic` says whether the client tried that scheme.
    pub fn of_client(error: provider::Error, basic: bool) -> Self {
        Self { error, challenge: if basic { Challenge::Basic } else { Challenge::None } }
    }

    /// At an endpoint that takes bearer tokens [RFC 6750 §3].
    pub fn of_bearer(error: provider::Error) -> Self {
        Self { error, challenge: Challenge::Bearer }
    }
}

impl IntoResponse for MachineFailure {
    fn into_response(self) -> Response {
        match self.error {
            provider::Error::Refused(refused) => refuse(&refused, self.challenge),
            provider::Error::Fault(fault) => {
                log_fault(&fault);
                fault_as_json(fault.is_unavailable())
            }
        }
    }
}

fn refuse(refused: &Refused, challenge: Challenge) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let header = match challenge {
        Challenge::Bearer => Some(bearer_challenge(Some(refused), None)),
        Challenge::Basic if refused.code() == ErrorCode::InvalidClient => Some("Basic realm=\"comity\"".to_owned()),
        Challenge::Basic | Challenge::None => None,
    };
    let mut response = (status, no_store(), Json(refused)).into_response();
    if let Some(header) = header.and_then(|header| HeaderValue::from_str(&header).ok()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, header);
    }
    response
}

/// `server_error` or `temporarily_unavailable`, without a word about the cause.
pub fn fault_as_json(unavailable: bool) -> Response {
    if unavailable {
        let body = json!({ "error": "temporarily_unavailable" });
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], no_store(), Json(body)).into_response();
    }
    (StatusCode::INTERNAL_SERVER_ERROR, no_store(), Json(json!({ "error": "server_error" }))).into_response()
}

/// The same page as an answer to a request there is no room for at the moment.
pub fn busy(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    page
}

/// Token responses and errors are nobody's to keep [RFC 6749 §5.1].
pub fn no_store() -> [(HeaderName, HeaderValue); 1] {
    [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}
