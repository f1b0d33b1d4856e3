//! A provider on this machine that says whatever a test tells it to, and remembers what it was asked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    content_type: &'static str,
    body: Bytes,
    hangs: bool,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json;charset=utf-8", body.to_string().into_bytes())
    }

    pub(super) fn raw(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, body: body.into(), hangs: false }
    }

    pub(super) fn hanging() -> Self {
        Self { hangs: true, ..Self::raw(200, "application/json", Vec::new()) }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) form: BTreeMap<String, String>,
    pub(super) body: String,
    pub(super) authorization: Option<String>,
}

#[derive(Clone)]
pub(super) struct Upstream {
    port: u16,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let upstream = Self { port, answers: Arc::default(), asked: Arc::default() };
        let running = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = running.clone();
                let service = service_fn(move |request| {
                    let upstream = upstream.clone();
                    async move { Ok::<_, Infallible>(upstream.answer(request).await) }
                });
                // Whatever the client does to the connection is fine with this server.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        upstream
    }

    pub(super) fn origin(&self) -> Url {
        Url::parse(&format!("http://upstream.localhost:{}", self.port)).unwrap()
    }

    /// The origin as issuers are written, without a slash at its end.
    pub(super) fn issuer(&self) -> String {
        self.origin().origin().ascii_serialization()
    }

    pub(super) fn says(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
        let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let path = parts.uri.path().to_owned();
        self.asked.lock().unwrap().push(Asked {
            method: parts.method,
            path: path.clone(),
            query: pairs(parts.uri.query().unwrap_or_default()),
            form: pairs(&body),
            body,
            authorization: parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()),
        });
        let missing = Answer::json(404, &json!({"error": "not_found"}));
        let answer = self.answers.lock().unwrap().get(&path).cloned().unwrap_or(missing);
        if answer.hangs {
            std::future::pending::<()>().await;
        }
        let response = Response::builder().status(answer.status).header("content-type", answer.content_type);
        response.body(Full::new(answer.body)).unwrap()
    }
}
