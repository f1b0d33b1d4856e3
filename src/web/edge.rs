//! What happens to every request, whatever its route: the host is ours, it has a number and a time limit, it is
//! counted and logged, and a failure gets its face.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, HOST, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::cookies::Cookie;
use super::error::{Face, fault_as_json};
use super::headers::{self, FormTargets};
use super::state::Web;
use super::views::{ErrorKind, ErrorPage, Page, Template};
use crate::model::Locale;

/// Seconds a request may take: longer than any outbound call, shorter than a person's patience.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The number a person can quote and a log line carries.
#[derive(Clone, Debug)]
pub struct Trace(pub String);

/// Wraps every request.
pub async fn edge(State(web): State<Web>, mut request: Request<Body>, next: Next) -> Response {
    let trace = web.random.handle();
    request.extensions_mut().insert(Trace(trace.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
    let span = tracing::info_span!("request", id = %trace, %method, route);
    let drawing = Drawing::of(&web, &request);
    let began = Instant::now();
    let answer = async {
        if !is_for_us(&web.host, &request) {
            return (StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n").into_response();
        }
        let response = match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => drawing.give_up(),
        };
        drawing.finish(&web, response, &trace)
    }
    .instrument(span.clone());
    let (response, trips) = crate::trips::counted(answer).await;
    let status = response.status();
    let elapsed = began.elapsed();
    web.metrics.request(&route, method.as_str(), status.as_u16(), elapsed.as_secs_f64());
    web.metrics.round_trips(&route, trips.sql, trips.cache);
    span.in_scope(|| {
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = status.as_u16(), milliseconds, sql = trips.sql, cache = trips.cache, peer, "answered");
    });
    with_trace(response, &trace)
}

/// URLs are built from the configured issuer only, and other names are not answered at all. The name is in the header
/// `Host`, or where that of HTTP/2 has its place, in the request's own address; where it is in both, both count.
fn is_for_us<B>(ours: &str, request: &Request<B>) -> bool {
    let hosts: Vec<&[u8]> = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes).collect();
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let is_ours = |named: &[u8]| named.eq_ignore_ascii_case(ours.as_bytes());
    match (hosts.as_slice(), authority) {
        ([], None) | ([_, _, ..], _) => false,
        (hosts, authority) => hosts.iter().copied().chain(authority).all(is_ours),
    }
}

fn with_trace(mut response: Response, trace: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(trace) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(HeaderName::from_static("x-content-type-options"), nosniff);
    response
}

/// What drawing an error page needs, taken from the request before it is consumed.
struct Drawing {
    locale: Locale,
    wants_html: bool,
    href: String,
}

impl Drawing {
    fn of(web: &Web, request: &Request<Body>) -> Self {
        let headers = request.headers();
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let stored = Cookie::Locale.read(headers, web.secure);
        let asked = request.uri().query().and_then(ui_locales);
        Self {
            locale: web.texts.negotiate(asked.as_deref(), stored.as_deref(), None, text(ACCEPT_LANGUAGE)),
            wants_html: text(ACCEPT).is_some_and(|accept| accept.contains("text/html")),
            href: request.uri().path().to_owned(),
        }
    }

    /// The answer to a request that took too long.
    fn give_up(&self) -> Response {
        tracing::error!(seconds = TIME_LIMIT.as_secs(), "a request took too long");
        if self.wants_html {
            return Face { kind: ErrorKind::Unavailable, detail: None }.into_response();
        }
        fault_as_json(true)
    }

    /// Draws what a handler only named, and what no handler answered.
    fn finish(&self, web: &Web, mut response: Response, trace: &str) -> Response {
        if let Some(face) = response.extensions_mut().remove::<Face>() {
            return self.draw(web, &face, &response, trace);
        }
        let kind = match response.status() {
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorKind::BadMethod,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            StatusCode::INTERNAL_SERVER_ERROR => ErrorKind::Fault,
            _ => return response,
        };
        let drawn = response.headers().contains_key("content-type");
        if drawn || !self.wants_html {
            return response;
        }
        self.draw(web, &Face { kind, detail: None }, &response, trace)
    }

    fn draw(&self, web: &Web, face: &Face, bare: &Response, trace: &str) -> Response {
        let page = Page {
            texts: &web.texts,
            locale: &self.locale,
            zone: &web.zone,
            brand: &web.brand,
            theme: None,
            asset_version: &web.asset_version,
            nonce: "",
            csrf: "",
            txn: None,
            action: &self.href,
            href: &self.href,
        };
        let view = ErrorPage { page: &page, kind: face.kind, detail: face.detail.as_deref(), trace, retry_href: None };
        let Ok(html) = view.render() else { return fault_as_json(false) };
        let mut response = headers::page(html, &FormTargets::own(), web.secure);
        *response.status_mut() = bare.status();
        for (name, value) in bare.headers() {
            if name == "set-cookie" || name == "allow" {
                response.headers_mut().append(name, value.clone());
            }
        }
        let wait = match face.kind {
            ErrorKind::Unavailable => Some("5"),
            ErrorKind::TooManyTries => Some("60"),
            _ => None,
        };
        if let Some(seconds) = wait {
            response.headers_mut().insert("retry-after", HeaderValue::from_static(seconds));
        }
        response
    }
}

fn ui_locales(query: &str) -> Option<String> {
    let params = crate::protocol::Params::parse(query).ok()?;
    params.get("ui_locales").map(str::to_owned)
}

/// Nothing lives here.
pub async fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// A handler broke: the person gets the number, the log the rest.
#[allow(clippy::needless_pass_by_value)]
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_for_our_name_are_ours() {
        let asked = |uri: &str, hosts: &[&str]| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            is_for_us("id.example.com", &request.body(()).unwrap())
        };
        assert!(asked("/", &["id.example.com"]));
        assert!(asked("/", &["ID.example.com"]));
        assert!(asked("https://id.example.com/", &[]), "HTTP/2");
        assert!(asked("https://id.example.com/", &["id.example.com"]));
        for (uri, hosts) in [
            ("/", &[] as &[&str]),
            ("/", &["evil.example"]),
            ("/", &["id.example.com", "id.example.com"]),
            ("/", &["id.example.com:8443"]),
            ("https://evil.example/", &[]),
            ("https://evil.example/", &["id.example.com"]),
            ("https://id.example.com/", &["evil.example"]),
        ] {
            assert!(!asked(uri, hosts), "{uri} {hosts:?}");
        }
    }
}
