//! Proving an address that is to be added: the code we sent there.

use axum::response::Response;

use super::account;
use super::step_up::sign_in;
use crate::accounts::{AddressCode, AddressProven, Wish};
use crate::mail::Letter;
use crate::model::session::Session;
use crate::policy::identifier::mask;
use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::response_mode::see_other;
use crate::web::views::{Code, Page, Problem, Template};
use crate::web::visit::{Submitted, Visit};
use crate::web::{letters, notices, paths};

/// Takes an address somebody typed on the account page, and asks for the code sent there.
pub async fn begin(visit: Visit, session: &Session, typed: &str) -> Result<Response, Failure> {
    match send(&visit, session, typed).await? {
        Sending::Sent => see_other(visit, paths::ACCOUNT_EMAIL),
        Sending::Already => see_other(visit, &account::done("contact_added")),
        Sending::StepUp => {
            visit.web.accounts.keep_wish(session, &Wish::AddEmail(typed.to_owned())).await?;
            account::go_on_afterwards(visit).await
        }
        Sending::Problem(problem) => account::render(visit, session, Some(problem)).await,
    }
}

/// What sending a code came to.
enum Sending {
    Sent,
    Already,
    StepUp,
    Problem(Problem),
}

async fn send(visit: &Visit, session: &Session, typed: &str) -> Result<Sending, Failure> {
    let web = &visit.web;
    Ok(match web.accounts.make_address_code(session, typed).await? {
        AddressCode::Send { email, code } => {
            let letter = Letter::AddressCode { code: &code, minutes: minutes(visit) };
            letters::send(web, &email, &visit.locale, &letter).await?;
            Sending::Sent
        }
        AddressCode::AlreadyYours => Sending::Already,
        AddressCode::StepUp => Sending::StepUp,
        AddressCode::NotAnAddress => Sending::Problem(Problem::EmailInvalid),
        AddressCode::TooMany => Sending::Problem(Problem::TooManyCodes),
    })
}

fn minutes(visit: &Visit) -> i64 {
    i64::try_from(visit.web.accounts.policy().code_seconds.div_euclid(60)).unwrap_or(10)
}

/// Asks for the code.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT).await };
    render(visit, &session, false, None).await
}

async fn render(visit: Visit, session: &Session, resent: bool, problem: Option<Problem>) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let Some(address) = web.accounts.address_under_proof(session).await? else {
        return see_other(visit, paths::ACCOUNT);
    };
    let html = {
        let page = Page { action: paths::ACCOUNT_EMAIL, href: paths::ACCOUNT_EMAIL, ..visit.page(None) };
        let (sent_to, minutes) = (mask(&address), minutes(&visit));
        Code { page: &page, client: None, sent_to: &sent_to, minutes, resent, other: false, problem }.render()?
    };
    Ok(visit.send(headers::page(html, &FormTargets::own(), web.secure)))
}

/// Takes the code.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let Submitted { visit, fields } = form;
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT).await };
    let web = visit.web.clone();
    match fields.get("do") {
        Some("cancel" | "other") => {
            web.accounts.drop_address_proof(&session).await?;
            return see_other(visit, paths::ACCOUNT);
        }
        Some("resend") => return resend(visit, &session).await,
        _ => {}
    }
    match web.accounts.return_address_code(&session, fields.get("code").unwrap_or_default()).await? {
        AddressProven::Added(address) => {
            notices::contact_added(&web, session.account, &address).await;
            see_other(visit, &account::done("contact_added"))
        }
        AddressProven::Wrong => render(visit, &session, false, Some(Problem::CodeWrong)).await,
        AddressProven::Over => render(visit, &session, false, Some(Problem::CodeExpired)).await,
        AddressProven::Elsewhere => account::render(visit, &session, Some(Problem::AddressTaken)).await,
        AddressProven::Nothing => account::render(visit, &session, Some(Problem::FormExpired)).await,
    }
}

async fn resend(visit: Visit, session: &Session) -> Result<Response, Failure> {
    let Some(address) = visit.web.accounts.address_under_proof(session).await? else {
        return see_other(visit, paths::ACCOUNT);
    };
    match send(&visit, session, &address).await? {
        Sending::Problem(problem) => render(visit, session, false, Some(problem)).await,
        Sending::Sent => render(visit, session, true, None).await,
        Sending::Already | Sending::StepUp => begin(visit, session, &address).await,
    }
}
