//! What happens to every request, whatever its route: the host is ours, it has a number, a place and a time limit, it
//! is counted and logged, and a failure gets its face.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, CONNECTION, COOKIE, HOST, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::cookies::Cookie;
use super::cors;
use super::error::{Face, fault_as_json};
use super::forms;
use super::headers::{self, FormTargets};
use super::state::Web;
use super::views::{ErrorKind, ErrorPage, Page, Template};
use crate::provider::paths;
use crate::telemetry::Answered;

/// Seconds a request may take: longer than any outbound call, shorter than a person's patience.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Seconds a client may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// What waits for nothing and is cheaper to serve than to refuse: relying parties need it most when much is going on.
const ALWAYS_SERVED: [&str; 4] =
    [paths::OPENID_CONFIGURATION, paths::OAUTH_AUTHORIZATION_SERVER, paths::JWKS, super::paths::STATIC];

/// Wraps every request.
pub async fn edge(State(web): State<Web>, request: Request<Body>, next: Next) -> Response {
    let began = Instant::now();
    let trace = web.random.handle();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("other", MatchedPath::as_str);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    // Of the highest level, so that whatever is said within carries the number.
    let span = tracing::error_span!("request", id = %trace, %method, route);
    let drawing = Drawing::of(&request);
    let answer = async {
        let response = answer(&web, request, next, &drawing, route).await;
        drawing.finish(&web, response, &trace)
    };
    let (response, trips) = crate::trips::counted(answer.instrument(span.clone())).await;
    let (status, elapsed) = (response.status().as_u16(), began.elapsed());
    web.metrics.answered(&Answered {
        route,
        method: method.as_str(),
        status,
        seconds: elapsed.as_secs_f64(),
        sql: trips.sql,
        cache: trips.cache,
    });
    span.in_scope(|| {
        let peer = peer.map(tracing::field::display);
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status, milliseconds, sql = trips.sql, cache = trips.cache, peer, "answered");
    });
    with_trace(response, trace)
}

/// Lets the request through to its handler, if it is for us, has arrived whole, and there is a place for it. The body
/// comes first: whoever is slow to send one takes no place meanwhile.
async fn answer(web: &Web, request: Request<Body>, next: Next, drawing: &Drawing, route: &str) -> Response {
    if !is_for_us(&web.host, &request) {
        return (StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n").into_response();
    }
    let version = request.version();
    let request = match tokio::time::timeout(BODY_PATIENCE, forms::arrived(request)).await {
        Ok(Some(request)) => request,
        Ok(None) => return closing(StatusCode::BAD_REQUEST, version),
        Err(_) => return closing(StatusCode::REQUEST_TIMEOUT, version),
    };
    let place = web.load.admit();
    if place.is_none() && !ALWAYS_SERVED.contains(&route) {
        web.metrics.shed(route);
        return drawing.unavailable();
    }
    if request.method() == Method::OPTIONS
        && let Some(response) = Box::pin(cors::preflight(web, route, request.headers())).await
    {
        return response;
    }
    tokio::time::timeout(TIME_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!(seconds = TIME_LIMIT.as_secs(), "a request took too long");
        drawing.unavailable()
    })
}

/// An answer to a request that will never be whole: nothing after it on this connection can be understood.
fn closing(status: StatusCode, version: Version) -> Response {
    let mut response = status.into_response();
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// URLs are built from the configured issuer only, and other names are not answered at all. The name is in the header
/// `Host`, or where that of HTTP/2 has its place, in the request's own address; where it is in both, both count.
fn is_for_us<B>(ours: &str, request: &Request<B>) -> bool {
    let is_ours = |named: &[u8]| named.eq_ignore_ascii_case(ours.as_bytes());
    let mut hosts = request.headers().get_all(HOST).iter();
    let authority = request.uri().authority();
    match (hosts.next(), hosts.next(), authority) {
        (_, Some(_), _) | (None, None, None) => false,
        (host, None, authority) => {
            host.is_none_or(|host| is_ours(host.as_bytes()))
                && authority.is_none_or(|authority| is_ours(authority.as_str().as_bytes()))
        }
    }
}

fn with_trace(mut response: Response, trace: String) -> Response {
    if let Ok(value) = HeaderValue::try_from(trace) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(HeaderName::from_static("x-content-type-options"), nosniff);
    response
}

/// What drawing an error page needs, taken from the request before it is consumed. Hardly any answer is such a page:
/// nothing is worked out before one is.
struct Drawing {
    uri: Uri,
    language: Option<HeaderValue>,
    cookies: Vec<HeaderValue>,
    wants_html: bool,
}

impl Drawing {
    fn of(request: &Request<Body>) -> Self {
        let headers = request.headers();
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        Self {
            uri: request.uri().clone(),
            language: headers.get(ACCEPT_LANGUAGE).cloned(),
            cookies: headers.get_all(COOKIE).iter().cloned().collect(),
            wants_html: accept.is_some_and(|accept| accept.contains("text/html")),
        }
    }

    /// The answer to a request that there is no time or place for.
    fn unavailable(&self) -> Response {
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
        let cookies: HeaderMap = self.cookies.iter().map(|cookie| (COOKIE, cookie.clone())).collect();
        let stored = Cookie::Locale.read(&cookies, web.secure);
        let asked = self.uri.query().and_then(ui_locales);
        let accepted = self.language.as_ref().and_then(|language| language.to_str().ok());
        let locale = web.texts.negotiate(asked.as_deref(), stored.as_deref(), None, accepted);
        let page = Page {
            texts: &web.texts,
            locale: &locale,
            zone: &web.zone,
            brand: &web.brand,
            theme: None,
            asset_version: &web.asset_version,
            nonce: "",
            csrf: "",
            txn: None,
            action: self.uri.path(),
            href: self.uri.path(),
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
