//! One HTTP request as the simulators look at it, read once by the outermost layer and handed to the handler.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::model::UnixTime;

type Pairs = Vec<(String, String)>;

/// A request with its query and form parsed.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: String,
    query_pairs: Pairs,
    form_pairs: Pairs,
    headers: HeaderMap,
}

fn pairs(text: &str) -> Pairs {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

impl Call {
    pub(super) fn new(parts: &Parts, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body).into_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let media_type =
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = media_type.starts_with("application/x-www-form-urlencoded");
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query_pairs: pairs(&query),
            form_pairs: if is_form { pairs(&body) } else { Pairs::new() },
            headers: parts.headers.clone(),
            query,
            body,
        }
    }

    /// A query parameter; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        find(&self.query_pairs, name)
    }

    /// A form field; an empty one counts as absent.
    pub(super) fn form(&self, name: &str) -> Option<&str> {
        find(&self.form_pairs, name)
    }

    /// All values of a repeated form field.
    pub(super) fn form_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.form_pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A form field or else a query parameter, for endpoints that take either.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.form(name).or_else(|| self.query(name))
    }

    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The rest of the `Authorization` header when it is of this scheme.
    pub(super) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, rest) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }

    /// User id and password of HTTP Basic authentication.
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let decoded = BASE64_STANDARD.decode(self.authorization("Basic")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decode = |part: &str| pairs(&format!("x={part}")).into_iter().next().map(|(_, value)| value);
        Some((decode(id)?, decode(secret)?))
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.header(header::COOKIE)?
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The request as the log keeps it.
    pub(super) fn entry(&self, number: u64, at: UnixTime) -> LogEntry {
        LogEntry {
            number,
            at,
            method: self.method.to_string(),
            path: self.path.clone(),
            parameters: self.query_pairs.iter().chain(&self.form_pairs).cloned().collect(),
            authorization: self.header(header::AUTHORIZATION).map(str::to_owned),
            status: None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A request a simulator received.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Counts all requests of this simulator.
    pub number: u64,
    /// When it arrived.
    pub at: UnixTime,
    /// E.g. `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Those of the query, then those of the form.
    pub parameters: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The answer's status; `None` while under way or when the caller went away.
    pub status: Option<u16>,
}

impl LogEntry {
    /// The first parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
