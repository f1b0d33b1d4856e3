//! The link we mailed. Opening it does nothing: mail scanners open links. The button acts, and only in the browser
//! that asked for the mail.

use axum::response::Response;

use super::flow::Flow;
use crate::accounts::CodeAnswer;
use crate::policy::identifier::mask;
use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::paths;
use crate::web::views::{MagicLink, MagicLinkState, Page, Template};
use crate::web::visit::{Submitted, Visit};

/// Shows the button, or why there is none.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let token = visit.query.get("token").unwrap_or_default().to_owned();
    let web = visit.web.clone();
    let target = web.accounts.link_target(&token).await?;
    let address = match &target {
        Some(target) => web.accounts.code_address(&target.txn).await?,
        None => None,
    };
    let masked = address.map(|address| mask(&address)).unwrap_or_default();
    let state = match &target {
        Some(target) if target.browser == visit.browser => MagicLinkState::Ready(&masked),
        Some(_) => MagicLinkState::Elsewhere,
        None => MagicLinkState::Gone,
    };
    let html = {
        let page = Page { action: paths::LINK, ..visit.page(Some(&token)) };
        MagicLink { page: &page, client: None, state }.render()?
    };
    // The button may lead all the way to whoever asked, as from any page of the transaction.
    let targets = match &target {
        Some(target) => {
            let transaction = web.provider.transaction(&target.txn, &visit.browser).await?;
            let request = transaction.as_ref().and_then(|transaction| transaction.request());
            request.iter().fold(web.upstream_targets(), |it, request| it.and(&request.callback.redirect_uri))
        }
        None => FormTargets::own(),
    };
    Ok(visit.send(headers::page(html, &targets, web.secure)))
}

/// Acts.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let token = form.txn()?;
    let web = form.visit.web.clone();
    if form.pressed() == "resend" {
        return gone(form.visit);
    }
    let (txn, answer) = web.accounts.return_link(&token, &form.visit.browser).await?;
    match answer {
        CodeAnswer::Enter(entry) => Flow::find(form.visit, &txn).await?.enter(entry).await,
        CodeAnswer::SignUp => Flow::find(form.visit, &txn).await?.go(paths::SIGN_UP),
        CodeAnswer::Wrong | CodeAnswer::Over => gone(form.visit),
    }
}

fn gone(visit: Visit) -> Result<Response, Failure> {
    let html = {
        let page = Page { action: paths::LINK, ..visit.page(None) };
        MagicLink { page: &page, client: None, state: MagicLinkState::Gone }.render()?
    };
    let secure = visit.web.secure;
    Ok(visit.send(headers::page(html, &FormTargets::own(), secure)))
}
