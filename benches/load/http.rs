//! HTTP/1.1 over one connection that stays open.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderName, LOCATION};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Failure;

/// A connection to a server on this machine.
pub struct Connection {
    port: u16,
    sender: SendRequest<Full<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Headers of a request beside those that follow from it.
pub type Headers<'a> = &'a [(HeaderName, &'a str)];

impl Connection {
    /// Connects to a port of the loopback address.
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { port, sender })
    }

    /// Sends a GET.
    pub async fn get(&mut self, path: &str, headers: Headers<'_>) -> Result<Answer, Failure> {
        self.send(Method::GET, path, headers, Bytes::new()).await
    }

    /// Sends a GET with cookies.
    pub async fn get_with_cookies(&mut self, path: &str, cookies: &str) -> Result<Answer, Failure> {
        self.get(path, &[(COOKIE, cookies)]).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, authorization: &str, form: String) -> Result<Answer, Failure> {
        let headers = [(AUTHORIZATION, authorization), (CONTENT_TYPE, "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, form.into()).await
    }

    async fn send(&mut self, method: Method, path: &str, headers: Headers<'_>, body: Bytes) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, format!("localhost:{}", self.port));
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Full::new(body))?;
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

impl Answer {
    /// The body as JSON, if the status is 200.
    pub fn json(&self) -> Result<Value, Failure> {
        if self.status != 200 {
            return Err(self.complaint("200 and JSON"));
        }
        serde_json::from_slice(&self.body).map_err(|_| self.complaint("JSON"))
    }

    /// Where it redirects to.
    pub fn location(&self) -> Result<&str, Failure> {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        location.filter(|_| matches!(self.status, 302 | 303)).ok_or_else(|| self.complaint("a redirect"))
    }

    /// What was expected and what was seen instead.
    pub fn complaint(&self, expected: &str) -> Failure {
        let body = String::from_utf8_lossy(&self.body);
        let start: String = body.chars().take(2000).collect();
        format!("expected {expected}, got {} {:?}\n{start}", self.status, self.headers).into()
    }
}

/// The `Authorization` header of a client with a secret. Ids and secrets here need no escapes [RFC 6749 §2.3.1].
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}
