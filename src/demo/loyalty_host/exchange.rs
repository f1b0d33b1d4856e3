//! What surrounds every call: the knobs, the credential, the log.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::api::problem;
use super::control::LoyaltyHost;
use crate::model::UnixTime;

const BODY_LIMIT: usize = 64 * 1024;

/// One line of the host's log; bodies are never in it.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path below the base URL, with its query.
    pub path: String,
    /// The status it was answered with.
    pub status: u16,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The `Deadline-Ms` header.
    pub deadline_ms: Option<String>,
    /// When it came in.
    pub at: UnixTime,
}

/// A whole call, shown to the [tap](LoyaltyHost::tap).
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The path below the base URL, with its query.
    pub path: String,
    /// The body of the request, when it had one.
    pub request: Option<Value>,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer, when it was JSON.
    pub response: Option<Value>,
}

/// Buffers, checks, answers and records one call.
pub(super) async fn exchange(State(host): State<LoyaltyHost>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let (method, headers) = (parts.method.clone(), parts.headers.clone());

    let slow = host.slow_ms();
    if slow > 0 {
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let response = if host.is_down() {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    } else if !host.admits(authorization) {
        problem(StatusCode::UNAUTHORIZED, "denied", "the credential is not accepted")
    } else {
        next.run(Request::from_parts(parts, Body::from(body.clone()))).await
    };

    let status = response.status();
    let (mut parts, answer) = response.into_parts();
    let answer = to_bytes(answer, usize::MAX).await.unwrap_or_default();
    host.record(LoggedRequest {
        method: method.to_string(),
        path: path.clone(),
        status: status.as_u16(),
        idempotency_key: text(&headers, "idempotency-key"),
        deadline_ms: text(&headers, "deadline-ms"),
        at: host.now(),
    });
    host.show(&Exchange {
        method: method.to_string(),
        path,
        request: serde_json::from_slice(&body).ok(),
        status: status.as_u16(),
        response: serde_json::from_slice(&answer).ok(),
    });
    let lie = host.current_lie().filter(|_| status.is_success() && method != Method::DELETE && !answer.is_empty());
    let Some(lie) = lie else { return Response::from_parts(parts, Body::from(answer)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Ok(value) = lie.content_type().parse() {
        parts.headers.insert(header::CONTENT_TYPE, value);
    }
    Response::from_parts(parts, Body::from(lie.tell(&answer)))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
