//! The revocation endpoint [RFC 7009].

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::message::Message;
use crate::web::error::no_store;
use crate::web::state::Web;

/// Revokes a token.
pub async fn revoke(State(web): State<Web>, message: Message) -> Response {
    let response = match web.provider.revoke(&message.params, message.credentials()).await {
        Ok(()) => (StatusCode::OK, no_store()).into_response(),
        Err(error) => message.failure(error).into_response(),
    };
    message.share(&web, response).await
}
