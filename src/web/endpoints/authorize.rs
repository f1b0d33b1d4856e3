//! The authorization endpoint [RFC 6749 §3.1, OIDC Core §3.1.2.1]: GET and form POST alike.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::response::Response;

use crate::provider::authorize::Outcome;
use crate::provider::paths;
use crate::web::error::Failure;
use crate::web::forms::read_form;
use crate::web::response_mode::{answer, by_get, see_other};
use crate::web::state::Web;
use crate::web::views::ErrorKind;
use crate::web::visit::Visit;

/// Takes an authorization request. A POST is legal from any origin and carries no form token of ours; its query
/// is not looked at.
pub async fn authorize(State(web): State<Web>, request: Request<Body>) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let mut visit = Visit::from_request_parts(&mut parts, &web).await?;
    let params = if parts.method == Method::POST {
        let form = read_form(&parts.headers, body).await?;
        if let Some(location) = by_get(&mut visit, paths::AUTHORIZE, &form) {
            return see_other(visit, &location);
        }
        form
    } else {
        visit.query.clone()
    };
    let outcome = web.provider.authorize(&params, visit.session.as_ref(), &visit.browser).await?;
    if let Outcome::Interact(_, txn) = &outcome
        && web.accounts.count_beginning(&visit.network).await?.is_err()
    {
        web.provider.cancel(txn, &visit.browser).await?;
        return Err(Failure::Page(ErrorKind::TooManyTries));
    }
    answer(visit, outcome)
}
