//! A request and what came of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use comity::protocol::Params;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What came back, whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The node that answered.
    pub node: &'static str,
}

impl Request {
    pub fn get(target: &str) -> Self {
        Self { method: Method::GET, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A form.
    pub fn post(target: &str, fields: &[(&str, &str)]) -> Self {
        let params = fields.iter().fold(Params::new(), |params, &(name, value)| params.with(name, value));
        let request = Self { method: Method::POST, body: params.to_urlencoded().into(), ..Self::get(target) };
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Credentials that need no escapes.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        self.header("authorization", &format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}"))))
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&str> {
        self.header("location").filter(|_| matches!(self.status, 302 | 303))
    }

    /// Whether it says, as it should, that it may work later.
    pub fn is_unavailable(&self) -> bool {
        self.status == 503 && self.header("retry-after").is_some()
    }
}
