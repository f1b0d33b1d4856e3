//! Static files: part of the binary, cached by their version.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::views::assets::ASSETS;

/// Sends a static file. An address with a version changes with the content, so that it may be kept for good.
pub async fn asset(Path(path): Path<String>, RawQuery(version): RawQuery) -> Response {
    let kept = if version.is_some() { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => {
            let headers = [
                (CONTENT_TYPE, asset.content_type),
                (CACHE_CONTROL, kept),
                // An image opened by itself runs nothing.
                (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
            ];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A short hash over all static files.
pub fn version() -> String {
    let all: Vec<u8> = ASSETS.iter().flat_map(|asset| asset.content.bytes()).collect();
    crate::model::digest::b64(&crate::model::digest::sha256(&all)).chars().take(10).collect()
}
