//! Answers that scripts of other sites may read [Fetch §3.2]: those of the endpoints a client in a browser calls, for the
//! origins of public clients. Never with credentials, never for pages, and never for everybody.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::state::Web;
use crate::model::ClientId;
use crate::provider::paths;

/// Where clients in browsers call, and how.
const SHARED: [(&str, &str); 3] = [(paths::TOKEN, "POST"), (paths::USERINFO, "GET, POST"), (paths::REVOKE, "POST")];

/// The answer to a browser that asks before it calls; `None` when it asks for a script we have nothing to do with.
pub async fn preflight(web: &Web, route: &str, headers: &HeaderMap) -> Option<Response> {
    headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let (_, methods) = SHARED.iter().find(|(path, _)| *path == route)?;
    let asker = Asker::of(headers);
    let mut response = StatusCode::NO_CONTENT.into_response();
    if !asker.share(web, None, &mut response).await {
        return None;
    }
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

/// The site whose script asks, when it is a script of another site.
#[derive(Clone, Debug)]
pub struct Asker(Option<HeaderValue>);

impl Asker {
    /// Who asks: what the browser says, if it says so once.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut origins = headers.get_all(ORIGIN).iter();
        Self(origins.next().cloned().filter(|_| origins.next().is_none()))
    }

    /// Lets the script read the answer when its site is this client, or some client where it is not known which; says
    /// whether it did. Where the store does not answer nobody reads anything.
    pub async fn share(&self, web: &Web, client: Option<&ClientId>, response: &mut Response) -> bool {
        let Some(value) = &self.0 else { return false };
        let Ok(origin) = value.to_str() else { return false };
        let known = match client {
            Some(client) => web.provider.is_origin_of(client, origin).await,
            None => web.provider.is_origin_of_clients(origin).await,
        };
        if !known.unwrap_or(false) {
            return false;
        }
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate, x-request-id"));
        headers.append(VARY, HeaderValue::from_static("origin"));
        true
    }
}
