//! One HTTP request and its reply, nothing in between.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use comity::protocol::Params;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request to a server.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn new(method: Method, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    pub fn post(target: &str) -> Self {
        Self::new(Method::POST, target)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Basic credentials, encoded as RFC 6749 §2.3.1 wants.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encode(id), encode(secret));
        self.header("authorization", &format!("Basic {}", BASE64_STANDARD.encode(credentials)))
    }

    /// A form as browsers and clients send it.
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut params = Params::new();
        for (name, value) in fields {
            params.push(name, value);
        }
        self.raw_form(params.to_urlencoded())
    }

    /// A form body as it is.
    pub fn raw_form(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/x-www-form-urlencoded")
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Asserts the status; gives the reply back.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Asserts an OAuth error in its standard form [RFC 6749 §5.2].
    #[track_caller]
    pub fn refused(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        let answer = self.json();
        assert_eq!(answer["error"], error, "{answer}");
        if let Some(description) = answer.get("error_description") {
            let description = description.as_str().unwrap();
            let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
            assert!(description.chars().all(plain), "{description:?}");
        }
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }
}

/// Sends a request to a server known by `host` at `address`.
pub async fn send(address: SocketAddr, host: &str, request: Request) -> Reply {
    let exchange = async {
        let socket = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut built = http::Request::new(Full::new(request.body));
        *built.method_mut() = request.method;
        *built.uri_mut() = request.target.parse().unwrap_or_else(|_| panic!("no target: {}", request.target));
        *built.headers_mut() = request.headers;
        if !built.headers().contains_key("host") {
            built.headers_mut().insert("host", HeaderValue::from_str(host).unwrap());
        }
        let response = sender.send_request(built).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    };
    tokio::time::timeout(Duration::from_secs(60), exchange).await.expect("an answer within a minute")
}

/// Sends bytes as they are; gives what came back until the server closed.
pub async fn send_raw(address: SocketAddr, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(Duration::from_secs(60), exchange).await.expect("an answer within a minute")
}
