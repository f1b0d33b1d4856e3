//! Provider metadata [OIDC Discovery §4, RFC 8414 §3].

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use crate::web::error::MachineFailure;
use crate::web::state::Web;

/// The metadata document.
pub async fn metadata(State(web): State<Web>, headers: HeaderMap) -> Response {
    let response = web.documents.metadata(&web, &headers).await;
    response.unwrap_or_else(|fault| MachineFailure::of_client(fault.into(), false).into_response())
}
