//! The outermost layer of each simulator: reads the request, logs it and commits the faults asked for.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::call::Call;
use super::quirk::{Endpoint, Quirk};
use super::simulator::Simulator;

const LARGEST_REQUEST: usize = 64 * 1024;
const HUGE_REPLY: usize = 10 * 1024 * 1024;

pub(super) fn layer(routes: Router<Simulator>, simulator: &Simulator) -> Router<Simulator> {
    routes.layer(from_fn_with_state(simulator.clone(), observe))
}

async fn observe(State(simulator): State<Simulator>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = Call::new(&parts, &body);
    let now = simulator.now();
    simulator.sweep();
    let number = simulator.state().record(|number| call.entry(number, now));
    let endpoint = simulator.profile.endpoint(&call.path);
    parts.extensions.insert(call);
    let response = match fault(&simulator, endpoint).await {
        Some(fault) => fault,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    simulator.state().record_status(number, response.status().as_u16());
    response
}

async fn fault(simulator: &Simulator, endpoint: Endpoint) -> Option<Response> {
    let quirks = simulator.state().quirks.clone();
    let delay = quirks.iter().find_map(|quirk| match quirk {
        Quirk::Slow { endpoint: slow, milliseconds } if *slow == endpoint => Some(*milliseconds),
        _ => None,
    });
    if let Some(milliseconds) = delay {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    quirks.iter().find_map(|quirk| match quirk {
        Quirk::Fail { endpoint: failing, status } if *failing == endpoint => Some(failure(*status)),
        Quirk::Huge { endpoint: huge } if *huge == endpoint => Some(huge_reply()),
        _ => None,
    })
}

/// As a provider's front end fails: a page, where JSON was expected.
fn failure(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, [(header::CONTENT_TYPE, "text/html")], format!("<html><body><h1>{status}</h1></body></html>"))
        .into_response()
}

fn huge_reply() -> Response {
    let body = format!("{{\"padding\":\"{}\"}}", "x".repeat(HUGE_REPLY));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
