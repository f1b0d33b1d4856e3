//! Editing what a person says of themselves.

use axum::response::Response;

use super::account;
use super::step_up::sign_in;
use crate::accounts::{Details, Saved};
use crate::model::Locale;
use crate::model::session::Session;
use crate::policy::release::best_attribute;
use crate::web::cookies::Cookie;
use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::paths;
use crate::web::response_mode::see_other;
use crate::web::views::{ErrorKind, Page, Problem, Profile, ProfileField, Template};
use crate::web::visit::{Submitted, Visit};

/// The fields, in the order of the page.
const FIELDS: [&str; 4] = ["name", "birthdate", "zoneinfo", "locale"];

/// Shows what there is.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT_PROFILE).await };
    render(visit, &session, None, None).await
}

/// Draws the form, with what was typed if it comes back.
async fn render(
    visit: Visit,
    session: &Session,
    typed: Option<&Details>,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let Some(profile) = web.accounts.profile(session.account).await? else {
        return Err(Failure::Page(ErrorKind::NotFound));
    };
    let texts = &web.texts;
    let languages: Vec<_> =
        texts.locales().map(|locale| (locale.as_str(), texts.get(locale, "language.name"))).collect();
    let fields = FIELDS.map(|claim| {
        let known = best_attribute(claim, None, &profile.attributes);
        let connection = known.and_then(|known| known.source.strip_prefix("connection:"));
        let from = connection.and_then(|id| web.federation.name(&id.into(), &visit.locale));
        let known = known.and_then(|known| known.value.as_str()).unwrap_or_default();
        let stored = match claim {
            "zoneinfo" => &profile.account.zoneinfo,
            "locale" => profile.account.locale.as_str(),
            _ => known,
        };
        let value = match (claim, typed) {
            (_, None) => stored,
            ("name", Some(typed)) => &typed.name,
            ("birthdate", Some(typed)) => &typed.birthdate,
            ("zoneinfo", Some(typed)) => &typed.zoneinfo,
            (_, Some(typed)) => typed.locale.as_ref().map_or(stored, Locale::as_str),
        };
        let from = from.filter(|_| value == known);
        let choices = if claim == "locale" { languages.as_slice() } else { &[] };
        ProfileField { claim, value, why: "", recipients: "", from, choices }
    });
    let html = {
        let page = Page { href: paths::ACCOUNT_PROFILE, ..visit.page(None) };
        Profile { page: &page, client: None, fields: &fields, optional: true, editing: true, problem }.render()?
    };
    Ok(visit.send(headers::page(html, &FormTargets::own(), web.secure)))
}

/// Saves.
pub async fn submit(form: Submitted) -> Result<Response, Failure> {
    let Submitted { mut visit, fields } = form;
    if fields.get("do") != Some("save") {
        return see_other(visit, paths::ACCOUNT);
    }
    let Some(session) = visit.session.clone() else { return sign_in(visit, paths::ACCOUNT_PROFILE).await };
    let web = visit.web.clone();
    let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let details = Details {
        name: field("name"),
        birthdate: field("birthdate"),
        zoneinfo: field("zoneinfo"),
        locale: language(&visit, &field("locale")),
    };
    match web.accounts.save_details(&session, &details).await? {
        Saved::Done => {
            if let Some(locale) = &details.locale {
                visit.set_cookie(Cookie::Locale, locale.as_str());
            }
            see_other(visit, &account::done("profile_saved"))
        }
        Saved::NameMissing => render(visit, &session, Some(&details), Some(Problem::NameRequired)).await,
        Saved::Invalid => render(visit, &session, Some(&details), Some(Problem::FieldInvalid)).await,
    }
}

/// A language there are texts in, by its tag or by what it calls itself.
fn language(visit: &Visit, typed: &str) -> Option<Locale> {
    let texts = &visit.web.texts;
    let typed = typed.trim().to_lowercase();
    let is_meant = |locale: &&Locale| {
        [locale.as_str(), texts.get(locale, "language.name")].iter().any(|name| name.to_lowercase() == typed)
    };
    texts.locales().find(is_meant).cloned()
}
