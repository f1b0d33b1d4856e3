//! A password instead of a code.

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::PasswordAnswer;
use crate::web::error::{Failure, busy};
use crate::web::paths;
use crate::web::views::{Password, Problem, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks for it.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    render(Flow::of_visit(visit).await?, "", None)
}

/// Draws it.
pub fn render(flow: Flow, email: &str, problem: Option<Problem>) -> Result<Response, Failure> {
    let href = paths::with_txn(paths::PASSWORD, flow.txn());
    let page = flow.page(paths::PASSWORD, &href);
    let html = Password { page: &page, client: flow.client_view(), email, problem }.render()?;
    flow.send(html)
}

/// Takes it.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    let email = fields.get("email").unwrap_or_default().to_owned();
    match fields.get("do") {
        Some("cancel") => return flow.cancel().await,
        Some("code") => return flow.mail_code(&email, false).await,
        _ => {}
    }
    let password = fields.get("password").unwrap_or_default();
    match web.accounts.check_password(&email, password, &flow.visit.browser).await? {
        PasswordAnswer::Enter(entry) => flow.enter(entry).await,
        PasswordAnswer::Wrong => render(flow, &email, Some(Problem::PasswordWrong)),
        PasswordAnswer::TooMany => render(flow, &email, Some(Problem::TooManyTries)),
        PasswordAnswer::Busy => render(flow, &email, Some(Problem::Unavailable)).map(busy),
    }
}
