//! A login we have not seen before: is the person new, or is this one more way into an account they have?

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::Continuation;
use crate::policy::identifier::mask;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::views::{Candidate, LinkAccount, Problem, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    render(Flow::of_visit(visit).await?, None).await
}

async fn render(flow: Flow, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    let (arrival, accounts) = match web.accounts.continuation(flow.txn()).await? {
        Some(Continuation::Choose { arrival } | Continuation::LinkAny { arrival }) => (arrival, Vec::new()),
        Some(Continuation::Link { arrival, candidates }) => (arrival, candidates),
        Some(Continuation::SignUp { .. }) => return flow.go(paths::SIGN_UP),
        None => return flow.go(paths::SIGN_IN),
    };
    // The address came from the provider, and all that is shown is that it is known here: masked, without a name.
    let address = mask(arrival.email.as_deref().unwrap_or_default());
    let ids: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let candidates: Vec<Candidate<'_>> = ids.iter().map(|id| Candidate { id, name: "", address: &address }).collect();
    let connection = &arrival.key.connection;
    let href = paths::with_txn(paths::LINK_ACCOUNT, flow.txn());
    let page = flow.page(paths::LINK_ACCOUNT, &href);
    let html = LinkAccount {
        page: &page,
        client: flow.client_view(),
        from: web.federation.name(connection, &flow.visit.locale).unwrap_or(connection.as_str()),
        candidates: &candidates,
        problem,
    }
    .render()?;
    flow.send(html)
}

/// Takes the answer.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    let txn = flow.txn().to_owned();
    match fields.get("do") {
        Some("cancel") => flow.cancel().await,
        Some("new") => {
            let next = if web.accounts.choose_new(&txn).await? { paths::SIGN_UP } else { paths::SIGN_IN };
            flow.go(next)
        }
        Some("existing") => {
            web.accounts.choose_existing(&txn).await?;
            flow.go(paths::SIGN_IN)
        }
        Some("prove") => match web.accounts.continuation(&txn).await? {
            // The code goes to the address the account holds, which is the one the provider named.
            Some(Continuation::Link { arrival, .. }) => {
                flow.mail_code(arrival.email.as_deref().unwrap_or_default(), false).await
            }
            _ => flow.go(paths::SIGN_IN),
        },
        _ => render(flow, Some(Problem::ChoiceRequired)).await,
    }
}
