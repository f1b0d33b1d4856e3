//! The public keys [RFC 7517 §5].

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use crate::web::error::MachineFailure;
use crate::web::state::Web;

/// The JWK Set.
pub async fn jwks(State(web): State<Web>, headers: HeaderMap) -> Response {
    let response = web.documents.jwks(&web, &headers).await;
    response.unwrap_or_else(|fault| MachineFailure::of_client(fault.into(), false).into_response())
}
