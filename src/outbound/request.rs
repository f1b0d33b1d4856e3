//! What is asked, and what comes back.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded;

use super::error::Error;
use crate::model::Secret;

/// One request to a remote server. A part that cannot be written (a line break in a header, a value that is no JSON)
/// surfaces as [`Error::Request`] when it is sent.
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) deadline: Option<Duration>,
    pub(super) max_body: Option<usize>,
    pub(super) accepts: &'static [&'static str],
    pub(super) flaw: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Request {
    /// A request of `method` without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            deadline: None,
            max_body: None,
            accepts: &[],
            flaw: None,
        }
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A DELETE.
    pub fn delete(url: Url) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// A POST of `application/x-www-form-urlencoded` fields.
    pub fn post_form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(Method::POST, url).body("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// A POST of JSON.
    pub fn post_json(url: Url, value: &impl Serialize) -> Self {
        Self::new(Method::POST, url).json(value)
    }

    /// A PUT of JSON.
    pub fn put_json(url: Url, value: &impl Serialize) -> Self {
        Self::new(Method::PUT, url).json(value)
    }

    /// The same request with this body.
    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    /// The same request with this header, in place of one of that name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Err(error), _) => self.flaw = Some(error.into()),
            (_, Err(error)) => self.flaw = Some(error.into()),
        }
        self
    }

    /// The same request with a bearer token [RFC 6750 §2.1].
    pub fn bearer(mut self, token: &Secret<String>) -> Self {
        self = self.header(AUTHORIZATION.as_str(), &format!("Bearer {}", token.expose()));
        if let Some(value) = self.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self
    }

    /// Sets the time for the whole exchange, in place of the deployment's.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how many bytes of body are read, in place of the deployment's limit.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Asks for these media types; a successful answer of any other is [`Error::Unreadable`].
    pub fn accept(mut self, media_types: &'static [&'static str]) -> Self {
        self.accepts = media_types;
        if self.headers.contains_key(ACCEPT) { self } else { self.header(ACCEPT.as_str(), &media_types.join(", ")) }
    }

    /// Asks for JSON.
    pub fn accept_json(self) -> Self {
        self.accept(&["application/json"])
    }

    fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.flaw = Some(error.into());
                self
            }
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("method", &self.method).field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// What the remote server answered, whatever the status.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::Unreadable)
    }

    /// The media type, lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        value.split(';').next().map(|essence| essence.trim().to_ascii_lowercase())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
