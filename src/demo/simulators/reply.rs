//! Answers for machines.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::quirk::Quirk;
use super::simulator::Simulator;

/// A JSON answer nobody may keep.
pub(super) fn json(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (header::CONTENT_TYPE, "application/json;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, body.to_string()).into_response()
}

/// A JSON document that may be kept for an hour.
pub(super) fn document(body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, body.to_string()).into_response()
}

/// The provider's key set.
pub(super) fn jwks(simulator: &Simulator) -> Response {
    match simulator.keys.jwks(simulator.provider, simulator.has(&Quirk::RotatedKey)) {
        Ok(set) => document(&set),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A boolean as this provider writes it today.
pub(super) fn boolean(simulator: &Simulator, value: bool, usually_text: bool) -> Value {
    let is_text =
        if usually_text { !simulator.has(&Quirk::PlainBooleans) } else { simulator.has(&Quirk::StringBooleans) };
    if is_text { Value::String(value.to_string()) } else { Value::Bool(value) }
}

/// Adds a member to an object.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value.into());
    }
}
