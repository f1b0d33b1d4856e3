//! Where a person begins: an address, or a provider.

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::Continuation;
use crate::federation::{Begin, Failure as Upstream, Intent};
use crate::model::ConnectionId;
use crate::provider::authorize::Target;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::response_mode::see_other;
use crate::web::views::{Connection, Problem, SignIn, SignInReason, Template};
use crate::web::visit::{Submitted, Visit};

/// Shows it; `problem` in the address names what went wrong at a provider.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let problem = match visit.query.get("problem") {
        Some("cancelled") => Some(Problem::ConnectionCancelled),
        Some("refused") => Some(Problem::ConnectionRefused),
        Some("unavailable") => Some(Problem::ConnectionUnavailable),
        Some("too_old") => Some(Problem::FormExpired),
        _ => None,
    };
    let flow = Flow::of_visit(visit).await?;
    let hint = flow.transaction.request().and_then(|request| request.login_hint.clone());
    // A hint that is no address is somebody else's idea of a name.
    let hint = hint.filter(|hint| hint.contains('@')).unwrap_or_default();
    render(flow, &hint, problem).await
}

/// Draws it.
pub async fn render(flow: Flow, email: &str, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    let reason = reason(&flow).await?;
    let buttons = web.federation.list(&flow.visit.locale);
    let last = flow.visit.last_connection.as_deref();
    let mut connections: Vec<Connection<'_>> = buttons
        .iter()
        .map(|button| Connection {
            id: button.id.as_str(),
            name: &button.name,
            icon: Some(&button.icon),
            last_used: Some(button.id.as_str()) == last,
        })
        .collect();
    let order = web.connection_order(&flow.visit.locale);
    connections.sort_by_key(|connection| {
        let place = order.iter().position(|id| *id == connection.id).unwrap_or(order.len());
        (!connection.last_used, place)
    });
    let href = paths::with_txn(paths::SIGN_IN, flow.txn());
    let page = flow.page(paths::SIGN_IN, &href);
    let html = SignIn {
        page: &page,
        client: flow.client_view(),
        reason,
        email,
        connections: &connections,
        password: web.accounts.policy().passwords,
        problem,
    }
    .render()?;
    flow.send(html)
}

async fn reason(flow: &Flow) -> Result<SignInReason, Failure> {
    let continuation = flow.visit.web.accounts.continuation(flow.txn()).await?;
    if matches!(continuation, Some(Continuation::LinkAny { .. } | Continuation::Link { .. })) {
        return Ok(SignInReason::Link);
    }
    Ok(match (&flow.transaction.target, flow.visit.session.is_some()) {
        (_, false) => SignInReason::SignIn,
        (Target::Home { .. }, true) => SignInReason::StepUp,
        (Target::Client(_), true) => SignInReason::Again,
    })
}

/// Takes the choice.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    if let Some(connection) = fields.get("connection") {
        return begin(flow, connection).await;
    }
    let email = fields.get("email").unwrap_or_default().to_owned();
    match fields.get("do") {
        Some("cancel") => flow.cancel().await,
        Some("password") => super::password::render(flow, &email, None),
        _ => flow.mail_code(&email, false).await,
    }
}

/// Whether somebody signed in is asked to prove themselves again.
fn asks_anew(flow: &Flow) -> bool {
    match &flow.transaction.target {
        Target::Home { fresh, .. } => *fresh,
        Target::Client(request) => request.prompt.login || request.max_age.is_some(),
    }
}

async fn begin(flow: Flow, connection: &str) -> Result<Response, Failure> {
    let web = flow.visit.web.clone();
    // Who has to prove themselves anew proves nothing by a provider that lets them through unasked.
    let intent = match &flow.visit.session {
        Some(session) if asks_anew(&flow) => Intent::Reauthenticate(session.account),
        _ => Intent::SignIn,
    };
    let begin = Begin { txn: flow.txn().to_owned(), browser: flow.visit.browser.clone(), intent, login_hint: None };
    match web.federation.begin(&ConnectionId::from(connection), begin).await {
        Ok(url) => see_other(flow.visit, url.as_str()),
        Err(Upstream::Fault(fault)) => Err(Failure::Fault(fault)),
        Err(_) => render(flow, "", Some(Problem::ConnectionUnavailable)).await,
    }
}
