//! The introspection endpoint [RFC 7662].

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::message::Message;
use crate::web::error::no_store;
use crate::web::state::Web;

/// Says what a token is worth.
pub async fn introspect(State(web): State<Web>, message: Message) -> Response {
    match web.provider.introspect(&message.params, message.credentials()).await {
        Ok(response) => (no_store(), Json(response)).into_response(),
        Err(error) => message.failure(error).into_response(),
    }
}
