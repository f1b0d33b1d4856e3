//! The end of a first sign-in: a name and the terms. Nothing is stored before they are accepted.

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::{Continuation, SignUp as Filled, SignedUp};
use crate::protocol::Params;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::views::{DocumentChoice, Problem, SignUp, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let flow = Flow::of_visit(visit).await?;
    render(flow, &Filled::default(), None).await
}

async fn render(flow: Flow, filled: &Filled, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    let Some(Continuation::SignUp { email, arrival }) = web.accounts.continuation(flow.txn()).await? else {
        return flow.go(paths::SIGN_IN);
    };
    let connection = arrival.as_ref().map(|arrival| &arrival.key.connection);
    let from = connection.and_then(|connection| web.federation.name(connection, &flow.visit.locale));
    let told = arrival.as_ref().and_then(|arrival| arrival.attribute("name").or(arrival.attribute("nickname")));
    let name = if filled.name.is_empty() { told.unwrap_or_default() } else { &filled.name };
    let address = email.as_deref().or(arrival.as_ref().and_then(|arrival| arrival.email.as_deref()));
    let policy = web.accounts.policy();
    let hrefs: Vec<String> =
        policy.documents.iter().map(|document| paths::document(&document.id, flow.txn())).collect();
    let documents: Vec<DocumentChoice<'_>> = policy
        .documents
        .iter()
        .zip(&hrefs)
        .map(|(document, href)| DocumentChoice {
            id: &document.id,
            title: document.in_locale(&flow.visit.locale, &policy.locale).0,
            href: Some(href),
            required: document.required,
            ticked: filled.accepted.contains(&document.id),
            change: None,
            change_href: None,
        })
        .collect();
    let href = paths::with_txn(paths::SIGN_UP, flow.txn());
    let page = flow.page(paths::SIGN_UP, &href);
    let html = SignUp {
        page: &page,
        client: flow.client_view(),
        from,
        name,
        email: address.unwrap_or_default(),
        email_settled: true,
        documents: &documents,
        problem,
    }
    .render()?;
    flow.send(html)
}

/// Takes the answers.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    if fields.get("do") == Some("cancel") {
        return flow.cancel().await;
    }
    let web = flow.visit.web.clone();
    let filled = Filled { name: fields.get("name").unwrap_or_default().to_owned(), accepted: ticked(&fields) };
    match web.accounts.sign_up(flow.txn(), &filled, &flow.visit.locale).await? {
        SignedUp::Enter(entry) => {
            web.metrics.sign_in("sign_up", "success");
            flow.enter(entry).await
        }
        SignedUp::NameMissing => render(flow, &filled, Some(Problem::NameRequired)).await,
        SignedUp::TermsMissing => render(flow, &filled, Some(Problem::TermsRequired)).await,
        SignedUp::Over | SignedUp::Taken => flow.go(paths::SIGN_IN),
    }
}

/// The documents whose boxes are ticked.
pub fn ticked(fields: &Params) -> Vec<String> {
    fields
        .iter()
        .filter(|(_, value)| *value == "yes")
        .filter_map(|(name, _)| name.strip_prefix("accept."))
        .map(str::to_owned)
        .collect()
}
