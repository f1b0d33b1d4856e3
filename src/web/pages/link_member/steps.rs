//! Where a person is in the ceremony, and the page of each step.

use std::sync::Arc;

use axum::response::Response;

use crate::membership::{Error, Holder, Method, ProgrammeSettings, StartedLink};
use crate::model::ProgrammeId;
use crate::model::client::Client;
use crate::model::session::Session;
use crate::policy::identifier::mask;
use crate::policy::return_to::ReturnTo;
use crate::protocol::Params;
use crate::provider::paths::AUTHORIZE;
use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::pages::account;
use crate::web::pages::flow::client_view;
use crate::web::pages::step_up::sign_in;
use crate::web::paths;
use crate::web::response_mode::see_other;
use crate::web::state::Web;
use crate::web::views::{ErrorKind, LinkMember, LinkMemberStep, Page, Problem, ProofChoice, ProofMethod, Template};
use crate::web::visit::Visit;

/// A wait longer than this is told as such; a shorter one is a matter of patience.
const LONG_WAIT: i64 = 3600;

/// A visit to the ceremony of one programme.
pub(super) struct Ceremony {
    pub(super) visit: Visit,
    pub(super) session: Session,
    pub(super) programme: ProgrammeId,
    /// Where the person came from.
    return_to: Option<ReturnTo>,
    /// Who sent them, if that is a relying party's request.
    client: Option<Arc<Client>>,
}
impl Ceremony {
    /// Sees who is there and where they came from; the inner error is the answer for somebody not signed in.
    pub(super) async fn begin(visit: Visit, programme: &str) -> Result<Result<Self, Response>, Failure> {
        let web = visit.web.clone();
        let programme = ProgrammeId::from(programme);
        if web.memberships.programme(&programme).is_none() {
            return Err(Failure::Page(ErrorKind::NotFound));
        }
        let return_to = visit.query.get("return_to").and_then(ReturnTo::parse);
        let Some(session) = visit.session.clone() else {
            let here = address(&programme, return_to.as_ref(), &[]);
            return sign_in(visit, &here).await.map(Err);
        };
        let client = match &return_to {
            Some(return_to) => client_behind(&web, return_to).await?,
            None => None,
        };
        Ok(Ok(Self { visit, session, programme, return_to, client }))
    }

    pub(super) fn link(&self) -> Option<String> {
        self.visit.query.get("link").map(str::to_owned)
    }

    pub(super) fn holder(&self) -> Holder {
        Holder { account: self.session.account, session: self.session.id }
    }

    pub(super) fn settings(&self) -> Result<&ProgrammeSettings, Failure> {
        self.visit.web.memberships.programme(&self.programme).ok_or(Failure::Page(ErrorKind::NotFound))
    }

    pub(super) fn address(&self, steps: &[(&str, &str)]) -> String {
        address(&self.programme, self.return_to.as_ref(), steps)
    }

    /// The link in progress, if it is one of this programme.
    pub(super) async fn started(&self, link: &str) -> Result<Option<StartedLink>, Failure> {
        let started = self.visit.web.memberships.in_progress(link, self.holder()).await.map_err(fault)?;
        Ok(started.filter(|started| started.programme == self.programme))
    }

    /// Draws a step whose form posts to the address with these `steps`.
    fn draw(
        self,
        step: LinkMemberStep<'_>,
        steps: &[(&str, &str)],
        problem: Option<Problem>,
    ) -> Result<Response, Failure> {
        let html = {
            let action = self.address(steps);
            let page = Page { action: &action, href: &action, ..self.visit.page(None) };
            let programme = self.settings()?.name(&self.visit.locale);
            let client = self.client.as_deref().map(client_view);
            LinkMember { page: &page, client, programme, step, problem }.render()?
        };
        // The way back may lead through the authorization endpoint to the client.
        let targets = self.client.iter().fold(FormTargets::own(), |targets, client| {
            client.redirect_uris.iter().fold(targets.https(), |targets, uri| targets.and(uri))
        });
        let secure = self.visit.web.secure;
        Ok(self.visit.send(headers::page(html, &targets, secure)))
    }

    pub(super) fn number(self, typed: &str, problem: Option<Problem>) -> Result<Response, Failure> {
        let example = self.settings()?.number.example.clone();
        self.draw(LinkMemberStep::Number { number: typed, example: &example }, &[], problem)
    }

    pub(super) async fn choose(self, link: &str, problem: Option<Problem>) -> Result<Response, Failure> {
        let memberships = &self.visit.web.memberships;
        let kept = memberships.kept_number(link, self.holder(), &self.programme).await.map_err(fault)?;
        let Some(number) = kept else { return self.number("", Some(Problem::FormExpired)) };
        let proofs: Vec<ProofChoice<'_>> =
            self.settings()?.proofs.iter().map(|method| ProofChoice { method: view_of(*method), hint: None }).collect();
        let number = number.masked();
        self.draw(LinkMemberStep::Choose { number: &number, proofs: &proofs }, &[("link", link)], problem)
    }

    pub(super) fn proof(self, started: &StartedLink, problem: Option<Problem>) -> Result<Response, Failure> {
        let step = match started.method {
            Method::Otp => LinkMemberStep::Otp { hint: started.hint.as_deref().unwrap_or_default() },
            Method::Pin => LinkMemberStep::Pin,
            Method::Kba => LinkMemberStep::Kba,
        };
        self.draw(step, &[("link", started.transaction.expose())], problem)
    }

    /// The end that is a page to leave by one button.
    pub(super) fn end(self, step: LinkMemberStep<'_>) -> Result<Response, Failure> {
        self.draw(step, &[("step", "leave")], None)
    }

    pub(super) fn wait(self, seconds: i64) -> Result<Response, Failure> {
        if seconds > LONG_WAIT {
            self.end(LinkMemberStep::Locked)
        } else {
            self.number("", Some(Problem::TooManyTries))
        }
    }

    /// What is connected now, read from what is stored: the page can be loaded again.
    pub(super) async fn done(self, id: &str) -> Result<Response, Failure> {
        let web = self.visit.web.clone();
        let profile = web.accounts.profile(self.session.account).await?;
        let mut memberships = profile.into_iter().flat_map(|profile| profile.memberships);
        let found = memberships.find(|it| it.id.to_string() == id && it.programme == self.programme);
        let Some(membership) = found else { return self.leave() };
        let settings = self.settings()?;
        let tier_name = |code: &str| settings.tier(code).map_or(code, |tier| tier.name(&self.visit.locale)).to_owned();
        let tier = membership.facts.tier.as_deref().map(tier_name);
        let receivers = web.consents.receivers(web.provider.rules(), &self.programme).await?;
        let shared_with: Vec<&str> = receivers.iter().map(|client| client.client_name.as_str()).collect();
        let step = LinkMemberStep::Done {
            number: &mask(&membership.number),
            tier: tier.as_deref(),
            level: membership.proof.level,
            shared_with: &shared_with,
        };
        self.draw(step, &[("done", id), ("step", "leave")], None)
    }

    /// Back to where the person came from.
    pub(super) fn leave(self) -> Result<Response, Failure> {
        let news = self.visit.query.get("done").map(|_| account::done("member_linked"));
        let location = match self.return_to {
            Some(return_to) => return_to.to_string(),
            None => news.unwrap_or_else(|| paths::ACCOUNT.to_owned()),
        };
        see_other(self.visit, &location)
    }
}

/// Where a programme's ceremony is, keeping the way back.
fn address(programme: &ProgrammeId, return_to: Option<&ReturnTo>, steps: &[(&str, &str)]) -> String {
    let mut query = Params::new();
    for (name, value) in steps {
        query.push(*name, *value);
    }
    let query = query.with_some("return_to", return_to.map(ReturnTo::as_str));
    let path = paths::link_member(programme.as_str());
    if query.is_empty() { path } else { format!("{path}?{}", query.to_urlencoded()) }
}

/// The client whose authorization request the way back leads to.
async fn client_behind(web: &Web, return_to: &ReturnTo) -> Result<Option<Arc<Client>>, Failure> {
    let Some((path, query)) = return_to.as_str().split_once('?') else { return Ok(None) };
    let Some(params) = Params::parse(query).ok().filter(|_| path == AUTHORIZE) else { return Ok(None) };
    match params.get("client_id") {
        Some(id) => Ok(web.provider.client(&id.into()).await?),
        None => Ok(None),
    }
}
const fn view_of(method: Method) -> ProofMethod {
    match method {
        Method::Otp => ProofMethod::Otp,
        Method::Pin => ProofMethod::Pin,
        Method::Kba => ProofMethod::Kba,
    }
}

pub(super) fn fault(error: Error) -> Failure {
    Failure::Fault(match error {
        Error::Cache(error) => error.into(),
        Error::Store(error) => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_in_the_address() {
        let programme = ProgrammeId::from("skyway");
        let return_to = ReturnTo::parse("/authorize?client_id=shop&scope=openid%20membership");
        assert_eq!(address(&programme, None, &[]), "/account/link/skyway");
        let there = address(&programme, return_to.as_ref(), &[("link", "a_b")]);
        let query = Params::parse(there.strip_prefix("/account/link/skyway?").unwrap()).unwrap();
        assert_eq!(query.get("link"), Some("a_b"));
        assert_eq!(ReturnTo::parse(query.get("return_to").unwrap()), return_to);
    }
}
