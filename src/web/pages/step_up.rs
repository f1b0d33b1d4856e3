//! The way to a page of the account: signing in first, or proving oneself anew, and then back to the same page.

use axum::response::Response;

use crate::web::error::Failure;
use crate::web::response_mode::answer;
use crate::web::visit::Visit;

/// Nobody is signed in: signs in and comes back to `return_to`, a path of ours.
pub(super) async fn sign_in(visit: Visit, return_to: &str) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let outcome = web.provider.sign_in_home(return_to.to_owned(), false, None, &visit.browser).await?;
    answer(visit, outcome)
}

/// The last proof is too old for what is about to be done: asks for a fresh one and comes back to `return_to`.
pub(super) async fn step_up(visit: Visit, return_to: &str) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let session = visit.session.as_ref();
    let outcome = web.provider.sign_in_home(return_to.to_owned(), true, session, &visit.browser).await?;
    answer(visit, outcome)
}
