//! The UserInfo endpoint [OIDC Core §5.3].

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::protocol::{bearer_challenge, parse_bearer};
use crate::provider::access_token::LiveToken;
use crate::web::cors::Asker;
use crate::web::error::{MachineFailure, no_store};
use crate::web::state::Web;

/// Releases claims to the bearer of an access token. The token travels in the header only: bodies and addresses end
/// up in logs [RFC 6750 §2.2, §2.3].
pub async fn userinfo(State(web): State<Web>, headers: HeaderMap) -> Response {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(parse_bearer);
    let live = match bearer {
        Some(bearer) => web.provider.userinfo_token(bearer).await.map(Some),
        None => Ok(None),
    };
    let (client, mut response) = match live {
        Ok(Some(live)) => (Some(live.token.client_id.clone()), claims(&web, live).await),
        // No credentials at all: the challenge names no error [RFC 6750 §3.1].
        Ok(None) => {
            let challenge = [(WWW_AUTHENTICATE, bearer_challenge(None, None))];
            (None, (StatusCode::UNAUTHORIZED, challenge, no_store()).into_response())
        }
        Err(error) => (None, MachineFailure::of_bearer(error).into_response()),
    };
    Asker::of(&headers).share(&web, client.as_ref(), &mut response).await;
    response
}

async fn claims(web: &Web, mut live: LiveToken) -> Response {
    // A stale membership gets a moment to catch up; whether it did or not is in its `as_of`.
    match web.memberships.refresh_stale(live.memberships()).await {
        Ok(false) => {}
        Ok(true) => {
            if let Err(fault) = web.provider.read_anew(&mut live).await {
                return MachineFailure::of_bearer(fault.into()).into_response();
            }
        }
        Err(error) => tracing::warn!(%error, "memberships could not be refreshed"),
    }
    match web.provider.userinfo(&live).await {
        Ok(claims) => (no_store(), Json(claims)).into_response(),
        Err(error) => MachineFailure::of_bearer(error).into_response(),
    }
}
