//! The token endpoint [RFC 6749 §3.2].

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::message::Message;
use crate::provider::Error;
use crate::provider::grants::GRANTS;
use crate::web::error::no_store;
use crate::web::state::Web;

/// Answers a token request.
pub async fn token(State(web): State<Web>, message: Message) -> Response {
    let named = message.params.get("grant_type");
    let grant = GRANTS.iter().map(|grant| grant.as_str()).find(|grant| Some(*grant) == named).unwrap_or("other");
    let response = match web.provider.token(&message.params, message.credentials()).await {
        Ok(response) => {
            web.metrics.token_issued(grant);
            (no_store(), Json(response)).into_response()
        }
        Err(error) => {
            if let Error::Refused(refused) = &error {
                tracing::info!(
                    error = refused.code().as_str(),
                    reason = refused.description(),
                    "token request refused"
                );
            }
            message.failure(error).into_response()
        }
    };
    message.share(&web, response).await
}
