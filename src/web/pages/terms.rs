//! Documents in force that the person has not accepted yet.

use axum::response::Response;

use super::flow::Flow;
use super::sign_up::ticked;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::response_mode::answer;
use crate::web::views::{DocumentChoice, Problem, Template, Terms};
use crate::web::visit::{Submitted, Visit};

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    render(Flow::of_visit(visit).await?, None).await
}

async fn render(flow: Flow, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    let Some(session) = flow.visit.session.clone() else { return flow.go(paths::SIGN_IN) };
    let missing = web.provider.missing_documents(session.account).await?;
    let policy = web.accounts.policy();
    let asked: Vec<_> = policy.documents.iter().filter(|document| missing.contains(&document.id)).collect();
    let hrefs: Vec<String> = asked.iter().map(|document| paths::document(&document.id, flow.txn())).collect();
    let documents: Vec<DocumentChoice<'_>> = asked
        .iter()
        .zip(&hrefs)
        .map(|(document, href)| DocumentChoice {
            id: &document.id,
            title: document.in_locale(&flow.visit.locale, &policy.locale).0,
            href: Some(href),
            required: document.required,
            ticked: false,
            change: None,
            change_href: None,
        })
        .collect();
    let href = paths::with_txn(paths::TERMS, flow.txn());
    let page = flow.page(paths::TERMS, &href);
    let html =
        Terms { page: &page, client: flow.client_view(), documents: &documents, effective: None, problem }.render()?;
    flow.send(html)
}

/// Takes the answer.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    if matches!(fields.get("do"), Some("decline" | "cancel")) {
        return flow.cancel().await;
    }
    let Some(session) = flow.visit.session.clone() else { return flow.go(paths::SIGN_IN) };
    let accepted = ticked(&fields);
    let missing = web.provider.missing_documents(session.account).await?;
    if missing.iter().any(|document| !accepted.contains(document)) {
        return render(flow, Some(Problem::TermsRequired)).await;
    }
    web.accounts.accept_documents(session.account, &missing, &flow.visit.locale).await?;
    let outcome = web.provider.resume(flow.txn(), Some(&session), &flow.visit.browser).await?;
    answer(flow.visit, outcome)
}
