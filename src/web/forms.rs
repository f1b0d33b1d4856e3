//! Parameters out of queries and bodies: strict, bounded, never merged.

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::Failure;
use super::views::ErrorKind;
use crate::protocol::Params;

/// Bytes of a form at most.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The parameters of an address.
pub fn query_of(parts: &Parts) -> Result<Params, Failure> {
    Params::parse(parts.uri.query().unwrap_or_default()).map_err(Failure::Params)
}

/// The parameters of a form body.
pub async fn read_form(headers: &HeaderMap, body: Body) -> Result<Params, Failure> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Failure::Page(ErrorKind::BadRequest));
    }
    let bytes = read_body(body).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::Page(ErrorKind::BadRequest))?;
    Params::parse(text).map_err(Failure::Params)
}

/// Waits for the body: all of it, or more than anybody reads. One that comes in one piece, as nearly all do, is not
/// copied. `None` when the connection or its framing broke.
pub async fn arrived(request: Request<Body>) -> Option<Request<Body>> {
    if request.body().is_end_stream() {
        return Some(request);
    }
    let (parts, mut body) = request.into_parts();
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        match frame.ok()?.into_data() {
            Ok(data) if first.is_empty() => first = data,
            Ok(data) => more.extend_from_slice(&data),
            Err(_) => {}
        }
        if first.len() + more.len() > BODY_LIMIT {
            break;
        }
    }
    let whole = if more.is_empty() { first } else { [first, more.freeze()].concat().into() };
    Some(Request::from_parts(parts, whole.into()))
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Failure::Page(ErrorKind::TooLarge)),
        Err(_) => Err(Failure::Page(ErrorKind::BadRequest)),
    }
}
