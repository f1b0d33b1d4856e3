//! The six digits we mailed.

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::CodeAnswer;
use crate::policy::identifier::mask;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::views::{Code, Problem, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks for them.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    render(Flow::of_visit(visit).await?, false, None).await
}

/// Draws it; without a code under way there is nothing to type.
pub async fn render(flow: Flow, resent: bool, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    let Some(address) = web.accounts.code_address(flow.txn()).await? else {
        return super::sign_in::render(flow, "", problem.or(Some(Problem::CodeExpired))).await;
    };
    let sent_to = mask(&address);
    let href = paths::with_txn(paths::CODE, flow.txn());
    let page = flow.page(paths::CODE, &href);
    let minutes = i64::try_from(web.accounts.policy().code_seconds.div_euclid(60)).unwrap_or(10);
    let html =
        Code { page: &page, client: flow.client_view(), sent_to: &sent_to, minutes, resent, other: true, problem }
            .render()?;
    flow.send(html)
}

/// Takes them.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    match fields.get("do") {
        Some("cancel") => return flow.cancel().await,
        Some("other") => return flow.go(paths::SIGN_IN),
        Some("resend") => {
            return match web.accounts.code_address(flow.txn()).await? {
                Some(address) => flow.mail_code(&address, true).await,
                None => super::sign_in::render(flow, "", Some(Problem::CodeExpired)).await,
            };
        }
        _ => {}
    }
    let typed = fields.get("code").unwrap_or_default();
    match web.accounts.return_code(flow.txn(), &flow.visit.browser, typed).await? {
        CodeAnswer::Enter(entry) => flow.enter(entry).await,
        CodeAnswer::SignUp => flow.go(paths::SIGN_UP),
        CodeAnswer::Wrong => render(flow, false, Some(Problem::CodeWrong)).await,
        CodeAnswer::Over => super::sign_in::render(flow, "", Some(Problem::CodeExpired)).await,
    }
}
