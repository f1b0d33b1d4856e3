//! Setting or changing the password.

use axum::response::Response;

use super::account;
use super::step_up::{sign_in, step_up};
use crate::accounts::{PasswordAnswer, PasswordSet};
use crate::model::contact::ContactKind;
use crate::model::session::Session;
use crate::policy::password::{PasswordPolicy, Weakness};
use crate::web::error::{Failure, busy};
use crate::web::headers::{self, FormTargets};
use crate::web::response_mode::see_other;
use crate::web::views::{Page, Problem, SetPassword, Template};
use crate::web::visit::{Submitted, Visit};
use crate::web::{notices, paths};

/// What the page stands on: a fresh session of an account that may have a password.
struct Standing {
    /// The mailbox the password goes with.
    email: String,
    /// Whether the present password has to be typed first. Not by somebody who has just signed in with a mailed code:
    /// that is the way on for those who forgot it.
    asks_present: bool,
}

async fn standing(visit: &Visit, session: &Session) -> Result<Option<Standing>, Failure> {
    let accounts = &visit.web.accounts;
    let contacts = accounts.profile(session.account).await?.map(|profile| profile.contacts).unwrap_or_default();
    let mailbox =
        contacts.into_iter().find(|contact| contact.kind == ContactKind::Email && contact.verified_at.is_some());
    let Some(mailbox) = mailbox.filter(|_| accounts.policy().passwords) else { return Ok(None) };
    let by_code = session.authentication.amr.iter().any(|method| method == "otp");
    let asks_present = !by_code && accounts.has_password(session.account).await?;
    Ok(Some(Standing { email: mailbox.value, asks_present }))
}

/// Asks for it.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT_PASSWORD).await };
    let Some(standing) = standing(&visit, &session).await? else { return see_other(visit, paths::ACCOUNT) };
    if !visit.web.accounts.is_fresh(&session) {
        return step_up(visit, paths::ACCOUNT_PASSWORD).await;
    }
    render(visit, &standing, None)
}

fn render(visit: Visit, standing: &Standing, problem: Option<Problem>) -> Result<Response, Failure> {
    let html = {
        let page = Page { href: paths::ACCOUNT_PASSWORD, ..visit.page(None) };
        let min = PasswordPolicy::default().min_length;
        let Standing { email, asks_present } = standing;
        SetPassword { page: &page, email, has_password: *asks_present, min, problem }.render()?
    };
    let secure = visit.web.secure;
    Ok(visit.send(headers::page(html, &FormTargets::own(), secure)))
}

/// Takes it.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let Submitted { visit, fields } = form;
    if fields.get("do") == Some("cancel") {
        return see_other(visit, paths::ACCOUNT);
    }
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT_PASSWORD).await };
    let Some(standing) = standing(&visit, &session).await? else { return see_other(visit, paths::ACCOUNT) };
    let web = visit.web.clone();
    if !web.accounts.is_fresh(&session) {
        return step_up(visit, paths::ACCOUNT_PASSWORD).await;
    }
    if standing.asks_present {
        let present = fields.get("password").unwrap_or_default();
        let problem = match web.accounts.check_password(&standing.email, present, &visit.browser).await? {
            PasswordAnswer::Enter(entry) if entry.account() == session.account => None,
            PasswordAnswer::Enter(_) | PasswordAnswer::Wrong => Some(Problem::PasswordWrong),
            PasswordAnswer::TooMany => Some(Problem::TooManyTries),
            PasswordAnswer::Busy => return render(visit, &standing, Some(Problem::Unavailable)).map(busy),
        };
        if problem.is_some() {
            return render(visit, &standing, problem);
        }
    }
    let problem = match web.accounts.set_password(&session, fields.get("new_password").unwrap_or_default()).await? {
        PasswordSet::Done => {
            notices::password_changed(&web, session.account).await;
            return see_other(visit, &account::done("password_set"));
        }
        PasswordSet::StepUp => return step_up(visit, paths::ACCOUNT_PASSWORD).await,
        PasswordSet::Off => return see_other(visit, paths::ACCOUNT),
        PasswordSet::Weak(weakness) => weak(weakness),
        PasswordSet::Busy => return render(visit, &standing, Some(Problem::Unavailable)).map(busy),
    };
    render(visit, &standing, Some(problem))
}

const fn weak(weakness: Weakness) -> Problem {
    match weakness {
        Weakness::TooShort(min) => Problem::PasswordShort(min),
        Weakness::TooLong => Problem::PasswordLong,
        Weakness::Unprintable => Problem::FieldInvalid,
        Weakness::Common | Weakness::Predictable | Weakness::Contextual => Problem::PasswordCommon,
    }
}
