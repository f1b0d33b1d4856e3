//! What the pages of a transaction share: whose it is, who asks, and how it goes on after a proof.

use std::sync::Arc;

use axum::response::Response;

use crate::accounts::{CodeSent, Entered, Entry};
use crate::mail::Letter;
use crate::model::client::{Client, Relationship};
use crate::provider::authorize::{Outcome, Transaction};
use crate::web::cookies::Cookie;
use crate::web::error::Failure;
use crate::web::headers;
use crate::web::response_mode::{answer, see_other};
use crate::web::views::{ClientView, ErrorKind, Page, Problem};
use crate::web::visit::{Submitted, Visit};
use crate::web::{letters, notices, paths};

/// A visit to a page of a transaction.
#[derive(Debug)]
pub struct Flow {
    /// The visit.
    pub visit: Visit,
    /// The transaction, which is this browser's.
    pub transaction: Transaction,
    /// Who asks; `None` on the way to a page of our own.
    pub client: Option<Arc<Client>>,
}

impl Flow {
    /// The flow a page's address names.
    pub async fn of_visit(visit: Visit) -> Result<Self, Failure> {
        let txn = visit.txn()?;
        Self::find(visit, &txn).await
    }

    /// The flow a form names, with what was filled in. Every form of the flow counts as an attempt.
    pub async fn of_form(form: Submitted) -> Result<(Self, crate::protocol::Params), Failure> {
        let txn = form.txn()?;
        let web = form.visit.web.clone();
        if web.accounts.count_attempt(&form.visit.network).await?.is_err() {
            return Err(Failure::Page(ErrorKind::TooManyTries));
        }
        let flow = Self::find(form.visit, &txn).await?;
        Ok((flow, form.fields))
    }

    /// The flow with this id.
    pub async fn find(visit: Visit, txn: &str) -> Result<Self, Failure> {
        let web = visit.web.clone();
        let Some(transaction) = web.provider.transaction(txn, &visit.browser).await? else {
            let missing = visit.is_new_browser();
            return Err(Failure::Page(if missing { ErrorKind::CookiesMissing } else { ErrorKind::ExpiredFlow }));
        };
        let client = match transaction.request() {
            Some(request) => web.provider.client(&request.callback.client).await?,
            None => None,
        };
        Ok(Self { visit, transaction, client })
    }

    /// The transaction's id.
    pub fn txn(&self) -> &str {
        &self.transaction.id
    }

    /// The frame of a page that posts to `path`.
    pub fn page<'a>(&'a self, path: &'a str, href: &'a str) -> Page<'a> {
        Page { action: path, href, ..self.visit.page(Some(&self.transaction.id)) }
    }

    /// Who asks, as pages show it.
    pub fn client_view(&self) -> Option<ClientView<'_>> {
        self.client.as_deref().map(client_view)
    }

    /// Sends a page of the flow.
    pub fn send(self, html: String) -> Result<Response, Failure> {
        let mut targets = self.visit.web.upstream_targets();
        if let Some(request) = self.transaction.request() {
            targets = targets.and(&request.callback.redirect_uri);
        }
        let secure = self.visit.web.secure;
        Ok(self.visit.send(headers::page(html, &targets, secure)))
    }

    /// Goes to another page of the flow.
    pub fn go(self, path: &str) -> Result<Response, Failure> {
        let location = paths::with_txn(path, self.txn());
        see_other(self.visit, &location)
    }

    /// Goes back as the person wishes: the client hears that they declined.
    pub async fn cancel(self) -> Result<Response, Failure> {
        let web = self.visit.web.clone();
        web.accounts.drop_continuation(self.txn()).await?;
        let outcome = web.provider.cancel(self.txn(), &self.visit.browser).await?;
        answer(self.visit, outcome)
    }

    /// A proof was made: opens the session and goes on.
    pub async fn enter(mut self, entry: Entry) -> Result<Response, Failure> {
        let web = self.visit.web.clone();
        let account = entry.account();
        let known = self.visit.session.as_ref();
        let entered = web.accounts.enter(self.txn(), entry, known, &self.visit.user_agent).await?;
        match entered {
            Entered::Session { session, cookie, linked } => {
                self.visit.set_cookie(Cookie::Session, cookie.expose());
                if let Some(connection) = linked {
                    notices::identity_linked(&web, account, &connection).await;
                }
                let method = session.authentication.amr.first().map_or("unknown", String::as_str);
                web.metrics.sign_in(method, "success");
                let outcome = web.provider.signed_in(self.txn(), &session, &self.visit.browser).await?;
                answer(self.visit, outcome)
            }
            // The same words as for any account that cannot be used; its owner hears the reason from the operator.
            Entered::Suspended => answer(self.visit, Outcome::Expired),
            Entered::LinkedElsewhere => super::sign_in::render(self, "", Some(Problem::IdentityTaken)).await,
        }
    }

    /// Mails a code to an address and shows where to type it.
    pub async fn mail_code(self, email: &str, resent: bool) -> Result<Response, Failure> {
        let web = self.visit.web.clone();
        if web.accounts.count_letter(&self.visit.network).await?.is_err() {
            return super::sign_in::render(self, email, Some(Problem::TooManyCodes)).await;
        }
        match web.accounts.make_code(self.txn(), &self.visit.browser, email).await? {
            CodeSent::Send(sent) => {
                let link = format!("{}{}?token={}", web.origin, paths::LINK, sent.link.expose());
                let link = link.parse().map_err(|error| crate::model::Fault::new("build a link", error))?;
                let minutes = web.accounts.policy().code_seconds.div_euclid(60);
                let minutes = i64::try_from(minutes).unwrap_or(10);
                let letter = Letter::SignInCode { code: &sent.code, link: Some(&link), minutes };
                letters::send(&web, &sent.email, &self.visit.locale, &letter).await?;
                if resent { super::code::render(self, true, None).await } else { self.go(paths::CODE) }
            }
            CodeSent::NotAnAddress => super::sign_in::render(self, email, Some(Problem::EmailInvalid)).await,
            CodeSent::TooMany => super::sign_in::render(self, email, Some(Problem::TooManyCodes)).await,
        }
    }
}

/// A client as pages show it.
pub fn client_view(client: &Client) -> ClientView<'_> {
    ClientView {
        name: &client.client_name,
        logo: client.logo_uri.as_ref().map(url::Url::as_str),
        policy_uri: client.policy_uri.as_ref().map(url::Url::as_str),
        tos_uri: client.tos_uri.as_ref().map(url::Url::as_str),
        external: client.relationship == Relationship::ThirdParty,
    }
}
