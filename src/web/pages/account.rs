//! The portal's home: everything we hold of a person, and the switches.

mod apps;
mod device;
mod facts;
mod rows;

use axum::response::Response;

use self::rows::Portal;
use super::step_up::{sign_in, step_up};
use super::{confirm, email};
use crate::accounts::Wish;
use crate::federation::{Begin, Failure as Upstream, Intent};
use crate::model::session::Session;
use crate::model::{ConnectionId, ProgrammeId};
use crate::web::cookies::Cookie;
use crate::web::error::Failure;
use crate::web::headers;
use crate::web::paths;
use crate::web::response_mode::see_other;
use crate::web::views::{ErrorKind, Page, Problem, Template};
use crate::web::visit::{Submitted, Visit};

/// The transaction name of logins at providers that were begun here: there is no other transaction to go back to.
pub const LINKING: &str = "account";

/// The account page, once a wish that waited for a fresh proof can be followed.
const GO_ON: &str = "/account?go=on";

/// The front door.
pub async fn home(visit: Visit) -> Result<Response, Failure> {
    see_other(visit, paths::ACCOUNT)
}

/// Shows it; `done` and `problem` in the address name what another page came to.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let Some(session) = visit.session.clone() else {
        let here = visit.href.clone();
        return sign_in(visit, &here).await;
    };
    let web = visit.web.clone();
    if visit.query.get("go").is_some() {
        return match web.accounts.take_wish(&session).await? {
            Some(Wish::AddEmail(typed)) => email::begin(visit, &session, &typed).await,
            Some(Wish::LinkIdentity(connection)) => link_identity(visit, &session, connection).await,
            None => see_other(visit, paths::ACCOUNT),
        };
    }
    let problem = visit.query.get("problem").and_then(problem);
    render(visit, &session, problem).await
}

fn problem(name: &str) -> Option<Problem> {
    Some(match name {
        "cancelled" => Problem::ConnectionCancelled,
        "refused" => Problem::ConnectionRefused,
        "unavailable" => Problem::ConnectionUnavailable,
        "identity_taken" => Problem::IdentityTaken,
        "address_taken" => Problem::AddressTaken,
        "last_method" => Problem::LastMethod,
        "form_expired" => Problem::FormExpired,
        _ => return None,
    })
}

/// Draws it, from whatever page of the account it is shown.
pub async fn render(visit: Visit, session: &Session, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let Some(portal) = Portal::load(&visit, session).await? else { return Err(Failure::Page(ErrorKind::NotFound)) };
    let html = {
        let page = Page { action: paths::ACCOUNT, href: paths::ACCOUNT, zone: portal.zone(), ..visit.page(None) };
        let done = visit.query.get("done").filter(|_| problem.is_none());
        portal.with_view(&page, done, problem, |view| view.render())?
    };
    Ok(visit.send(headers::page(html, &web.upstream_targets(), web.secure)))
}

/// Follows the button that was pressed.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let Submitted { visit, fields } = form;
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT).await };
    match fields.get("do") {
        Some("sign_out") => return sign_out(visit, &session).await,
        Some("add_email") => return email::begin(visit, &session, fields.get("email").unwrap_or_default()).await,
        Some(deed @ "end_other_sessions") => return see_other(visit, &confirm::href(deed, "")),
        _ => {}
    }
    if let Some(connection) = fields.get("connection") {
        return link_identity(visit, &session, ConnectionId::from(connection)).await;
    }
    if let Some(id) = fields.get("link_programme") {
        return link_programme(visit, id);
    }
    if let Some(id) = fields.get("end_session") {
        return end_session(visit, &session, id).await;
    }
    let asked = confirm::DEEDS.iter().find_map(|deed| Some((*deed, fields.get(deed)?)));
    match asked {
        Some((deed, id)) => see_other(visit, &confirm::href(deed, id)),
        None => see_other(visit, paths::ACCOUNT),
    }
}

async fn sign_out(mut visit: Visit, session: &Session) -> Result<Response, Failure> {
    visit.web.accounts.end_session(session.account, session.id).await?;
    visit.clear_cookie(Cookie::Session);
    see_other(visit, paths::SIGNED_OUT)
}

async fn end_session(visit: Visit, session: &Session, id: &str) -> Result<Response, Failure> {
    let Ok(id) = id.parse() else { return see_other(visit, paths::ACCOUNT) };
    visit.web.accounts.end_session(session.account, id).await?;
    see_other(visit, &done("session_ended"))
}

fn link_programme(visit: Visit, id: &str) -> Result<Response, Failure> {
    // Only a programme there is gets into the address.
    match visit.web.memberships.programme(&ProgrammeId::from(id)) {
        Some(programme) => {
            let location = paths::link_member(programme.id.as_str());
            see_other(visit, &location)
        }
        None => see_other(visit, paths::ACCOUNT),
    }
}

/// Sends the browser to a provider, to add the login it comes back with.
async fn link_identity(visit: Visit, session: &Session, connection: ConnectionId) -> Result<Response, Failure> {
    let web = visit.web.clone();
    if !web.accounts.is_fresh(session) {
        web.accounts.keep_wish(session, &Wish::LinkIdentity(connection)).await?;
        return go_on_afterwards(visit).await;
    }
    let begin = Begin {
        txn: LINKING.to_owned(),
        browser: visit.browser.clone(),
        intent: Intent::Link(session.account),
        login_hint: None,
    };
    match web.federation.begin(&connection, begin).await {
        Ok(url) => see_other(visit, url.as_str()),
        Err(Upstream::Fault(fault)) => Err(Failure::Fault(fault)),
        Err(_) => render(visit, session, Some(Problem::ConnectionUnavailable)).await,
    }
}

/// Asks for a fresh proof; afterwards the wish that was kept is followed.
pub async fn go_on_afterwards(visit: Visit) -> Result<Response, Failure> {
    step_up(visit, GO_ON).await
}

/// The account page with the news that something is done.
pub fn done(what: &str) -> String {
    with(&format!("done={what}"))
}

/// The account page with news, `done=…` or `problem=…`.
pub fn with(news: &str) -> String {
    format!("{}?{news}", paths::ACCOUNT)
}
