//! Requests to a provider and what their failures mean.

use ::oauth2::{HttpRequest, HttpResponse};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::failure::{Reason, Stopped};
use crate::model::json::parse_object;
use crate::outbound::{Error, Outbound, Request, Response};

/// Sends a request. No answer and an answer saying "not now" are the same; `odd` is what an answer that cannot be read
/// means.
pub(super) async fn fetch(outbound: &Outbound, request: Request, odd: Reason) -> Result<Response, Stopped> {
    let response = outbound.fetch(request).await.map_err(|error| stopped(&error, odd))?;
    if is_out_of_order(response.status) { Err(Stopped::Unavailable) } else { Ok(response) }
}

/// Sends a GET for a JSON object; `odd` is what anything else means.
pub(super) async fn object(
    outbound: &Outbound,
    request: Request,
    odd: Reason,
) -> Result<(Map<String, Value>, HeaderMap), Stopped> {
    let response = fetch(outbound, request, odd).await?;
    if !response.is_success() {
        return Err(odd.into());
    }
    let members = parse_object(&response.body).ok_or(odd)?;
    Ok((members, response.headers))
}

/// Sends a token request in the types of the OAuth library. Refusals come out the way the library reads them,
/// whatever their status and shape were: GitHub and Naver refuse with 200, Facebook with an object for `error`.
pub(super) async fn token_request(outbound: &Outbound, request: HttpRequest) -> Result<HttpResponse, Stopped> {
    let answer = outbound.exchange(request).await.map_err(|error| stopped(&error, Reason::MalformedTokens))?;
    if is_out_of_order(answer.status()) {
        return Err(Stopped::Unavailable);
    }
    let members = parse_object(answer.body());
    let error = members.as_ref().and_then(|members| members.get("error"));
    if answer.status().is_success() && error.is_none() {
        return Ok(answer);
    }
    let code = error.and_then(|error| error.as_str().or_else(|| error.get("type")?.as_str()));
    let mut refusal = HttpResponse::new(json!({ "error": code.unwrap_or("invalid_grant") }).to_string().into_bytes());
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Ok(refusal)
}

/// How many seconds an answer says it stays fresh [RFC 9111 §5.2.2.1].
pub(super) fn max_age(headers: &HeaderMap) -> Option<i64> {
    let directives = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    directives
        .split(',')
        .find_map(|directive| directive.trim().strip_prefix("max-age=")?.trim_matches('"').parse().ok())
}

fn is_out_of_order(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn stopped(error: &Error, odd: Reason) -> Stopped {
    match error {
        Error::TooLarge | Error::Unreadable | Error::Redirect => odd.into(),
        _ => Stopped::Unavailable,
    }
}
