//! The public keys [RFC 7517 §5].

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};

use crate::web::state::Web;

/// The JWK Set. Public: any page may read it.
pub async fn jwks(State(web): State<Web>) -> Response {
    let headers = [(CACHE_CONTROL, "public, max-age=300"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, Json(web.provider.keys().ring().jwks(web.clock.now()))).into_response()
}
