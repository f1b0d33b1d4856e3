//! Which account to go on with [OIDC Core §3.1.2.1, `prompt=select_account`].

use axum::response::Response;

use super::flow::Flow;
use crate::model::contact::ContactKind;
use crate::policy::identifier::mask;
use crate::web::error::Failure;
use crate::web::paths;
use crate::web::response_mode::answer;
use crate::web::views::{AccountChoice, SelectAccount, Template};
use crate::web::visit::{Submitted, Visit};

/// Asks.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let flow = Flow::of_visit(visit).await?;
    let web = flow.visit.web.clone();
    let Some(session) = flow.visit.session.clone() else { return flow.go(paths::SIGN_IN) };
    let Some(profile) = web.accounts.profile(session.account).await? else { return flow.go(paths::SIGN_IN) };
    let id = session.account.to_string();
    let name = profile.attributes.iter().find(|attribute| attribute.name == "name");
    let name = name.and_then(|attribute| attribute.value.as_str()).unwrap_or_default();
    let address = profile.contacts.iter().find(|contact| contact.kind == ContactKind::Email);
    let address = address.map(|contact| mask(&contact.value)).unwrap_or_default();
    let accounts = [AccountChoice { id: &id, name, address: &address }];
    let href = paths::with_txn(paths::SELECT_ACCOUNT, flow.txn());
    let page = flow.page(paths::SELECT_ACCOUNT, &href);
    let html = SelectAccount { page: &page, client: flow.client_view(), accounts: &accounts }.render()?;
    flow.send(html)
}

/// Takes the answer.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let (flow, fields) = Flow::of_form(form).await?;
    let web = flow.visit.web.clone();
    match (fields.get("do"), fields.get("account"), flow.visit.session.clone()) {
        (Some("cancel"), ..) => flow.cancel().await,
        (None, Some(account), Some(session)) if account == session.account.to_string() => {
            let outcome = web.provider.select_account(flow.txn(), &session, &flow.visit.browser).await?;
            answer(flow.visit, outcome)
        }
        _ => flow.go(paths::SIGN_IN),
    }
}
