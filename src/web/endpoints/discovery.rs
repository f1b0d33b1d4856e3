//! Provider metadata [OIDC Discovery §4, RFC 8414 §3].

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};

use crate::web::state::Web;

/// The metadata document. Public: any page may read it.
pub async fn metadata(State(web): State<Web>) -> Response {
    let headers = [(CACHE_CONTROL, "public, max-age=300"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, Json(web.provider.metadata())).into_response()
}
