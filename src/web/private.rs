//! The private listener: metrics, health and the release preview, for operators and the machines around us.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::state::Web;
use crate::model::{AccountId, ClientId};
use crate::protocol::{ClaimsRequest, Scope};
use crate::provider::Error;
use crate::telemetry::{Metrics, UnderWay};
use crate::web::error::MachineFailure;

/// The private listener.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/release/explain", post(explain))
        .with_state(web)
}

async fn metrics(State(web): State<Web>) -> Response {
    web.metrics.under_way(UnderWay { requests: web.load.under_way(), passwords: web.accounts.passwords_waiting() });
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], web.metrics.encode()).into_response()
}

/// The process is alive.
async fn health() -> &'static str {
    "ok\n"
}

/// The process can serve: its database and cache answer, and it is not about to end.
async fn ready(State(web): State<Web>) -> Response {
    if web.leaving.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let (store, cache) = tokio::join!(web.store.ping(), web.cache.ping());
    match (store, cache) {
        (Ok(()), Ok(())) => "ready\n".into_response(),
        (Err(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
        (_, Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "the cache does not answer\n").into_response(),
    }
}

/// Whose request to explain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explain {
    client_id: ClientId,
    account: AccountId,
    scope: String,
    #[serde(default)]
    claims: Option<Value>,
}

/// Says what a client would get of a person, and by which rule. Names and rules, never values.
async fn explain(State(web): State<Web>, Json(asked): Json<Explain>) -> Response {
    let claims = asked.claims.map(|claims| claims.to_string());
    let parsed = (asked.scope.parse::<Scope>(), ClaimsRequest::parse(claims.as_deref()));
    let (scope, claims) = match parsed {
        (Ok(scope), Ok(claims)) => (scope, claims),
        (Err(refused), _) | (_, Err(refused)) => {
            return MachineFailure::of_client(Error::Refused(refused), false).into_response();
        }
    };
    match web.provider.explain(&asked.client_id, asked.account, &scope, &claims).await {
        Ok(explanation) => Json(explanation).into_response(),
        Err(error) => MachineFailure::of_client(error, false).into_response(),
    }
}
