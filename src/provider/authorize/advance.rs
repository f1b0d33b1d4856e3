//! Loads the facts, decides, and either issues or names the next page.

use std::sync::Arc;

use super::decide::{Decision, Facts, Progress, decide};
use super::request::{Request, Target, Transaction};
use super::{Outcome, Step};
use crate::model::client::Client;
use crate::model::consent::Acceptance;
use crate::model::session::Session;
use crate::model::{Fault, UnixTime};
use crate::policy::release::{AskLine, Release};
use crate::protocol::{ErrorCode, Refused};
use crate::provider::grants::authorization_code::Code;
use crate::provider::release::Asked;
use crate::provider::{Provider, RequiredDocument};
use crate::store::{Person, Profile};

/// What a consent page has to ask.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub client: Arc<Client>,
    /// What awaits an answer.
    pub lines: Vec<AskLine>,
    /// The request.
    pub request: Request,
    /// Who is asked.
    pub profile: Profile,
    /// Whether earlier answers for this client stand.
    pub has_standing: bool,
}

impl Provider {
    pub(super) async fn advance(
        &self,
        transaction: Transaction,
        session: Option<&Session>,
        new: bool,
    ) -> Result<Outcome, Fault> {
        let now = self.0.clock.now();
        match &transaction.target {
            Target::Home { return_to, fresh } => {
                let proven = session.is_some_and(|session| !fresh || signed_in_here(&transaction, session));
                if proven {
                    self.forget(&transaction).await?;
                    return Ok(Outcome::Home(return_to.clone()));
                }
                let step = if session.is_some() { Step::Reauthenticate } else { Step::SignIn };
                self.interact(&transaction, step, new).await
            }
            Target::Client(request) => self.advance_client(&transaction, request, session, new, now).await,
        }
    }

    async fn advance_client(
        &self,
        transaction: &Transaction,
        request: &Request,
        session: Option<&Session>,
        new: bool,
        now: UnixTime,
    ) -> Result<Outcome, Fault> {
        let Some(client) = self.client(&request.callback.client).await? else { return Ok(Outcome::Expired) };
        let known = match session {
            None => None,
            Some(session) => match self.person(&client, session.account).await? {
                Some(person) => {
                    let release = self.release_for_request(transaction, request, &client, &person, now);
                    Some((session, person, release))
                }
                None => return Ok(Outcome::Expired),
            },
        };
        let facts = known.as_ref().map(|(session, person, release)| self.facts(request, session, person, release));
        let progress = session.map_or_else(Progress::default, |session| progress(transaction, session));
        let authentication = session.map(|session| &session.authentication);
        let decision = decide(request, authentication, progress, facts.unwrap_or_default(), now);
        let step = match decision {
            Decision::Login => Step::SignIn,
            Decision::Reauthenticate => Step::Reauthenticate,
            Decision::SelectAccount => Step::SelectAccount,
            Decision::Terms => Step::Terms,
            Decision::Consent => Step::Consent,
            Decision::Refuse(code, description) => {
                let refused = Refused::new(code, description);
                return self.finish(transaction, new, request.callback.refuse(self.issuer(), &refused)).await;
            }
            Decision::Issue => {
                let Some((session, _, release)) = &known else {
                    let refused = Refused::new(ErrorCode::LoginRequired, "the person has to sign in");
                    return Ok(request.callback.refuse(self.issuer(), &refused));
                };
                let code = self.keep_code(&code(request, session, release, now)).await?;
                let outcome = request.callback.respond(self.issuer(), code.expose());
                return self.finish(transaction, new, outcome).await;
            }
        };
        self.interact(transaction, step, new).await
    }

    async fn interact(&self, transaction: &Transaction, step: Step, new: bool) -> Result<Outcome, Fault> {
        if new {
            self.keep(transaction).await?;
        }
        Ok(Outcome::Interact(step, transaction.id.clone()))
    }

    async fn finish(&self, transaction: &Transaction, new: bool, outcome: Outcome) -> Result<Outcome, Fault> {
        if !new {
            self.forget(transaction).await?;
        }
        Ok(outcome)
    }

    fn facts(&self, request: &Request, session: &Session, person: &Person, release: &Release) -> Facts {
        // Whom the client's sector has never met is not the one it names.
        let is_meant = |expected: &String| person.subject.as_ref().is_some_and(|subject| subject.0 == *expected);
        let acr_unmet =
            !request.essential_acr.is_empty() && !request.essential_acr.contains(&session.authentication.acr);
        Facts {
            other_person: request.expected_subject.as_ref().is_some_and(|expected| !is_meant(expected)),
            terms_missing: !self.missing(&person.acceptances).is_empty(),
            consent_missing: !release.ask().is_empty(),
            acr_unmet,
        }
    }

    fn release_for_request(
        &self,
        transaction: &Transaction,
        request: &Request,
        client: &Client,
        person: &Person,
        now: UnixTime,
    ) -> Release {
        let account = person.profile.account.id;
        let asked = Asked {
            client,
            account,
            scope: &request.scope,
            claims: &request.claims,
            began_at: transaction.created_at,
            reconfirm: request.prompt.consent && transaction.consent_answered != Some(account),
        };
        self.judge(&asked, person, now)
    }

    /// What the consent page of a transaction has to ask; `None` when the transaction is not a client's.
    pub(super) async fn ask(&self, transaction: &Transaction, session: &Session) -> Result<Option<Ask>, Fault> {
        let Some(request) = transaction.request() else { return Ok(None) };
        let Some(registered) = self.0.store.client(&request.callback.client).await? else { return Ok(None) };
        let client = Arc::clone(&registered.client);
        let Some(person) = self.person(&client, session.account).await? else { return Ok(None) };
        let now = self.0.clock.now();
        let lines = self.release_for_request(transaction, request, &client, &person, now).ask();
        let (has_standing, profile) = (!person.consents.is_empty(), person.profile);
        Ok(Some(Ask { client, lines, request: request.clone(), profile, has_standing }))
    }

    /// The documents in force that this account has not accepted.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn missing_documents(&self, account: crate::model::AccountId) -> Result<Vec<String>, Fault> {
        if self.0.documents.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.missing(&self.0.store.acceptances(account).await?))
    }

    fn missing(&self, acceptances: &[Acceptance]) -> Vec<String> {
        let is_missing = |document: &&RequiredDocument| {
            !acceptances.iter().any(|accepted| accepted.document == document.id && accepted.version >= document.version)
        };
        self.0.documents.iter().filter(is_missing).map(|document| document.id.clone()).collect()
    }
}

/// What is granted is what the person agreed to, which may be less than what was asked.
fn code(request: &Request, session: &Session, release: &Release, now: UnixTime) -> Code {
    Code {
        client: request.callback.client.clone(),
        redirect_uri: request.callback.redirect_uri.clone(),
        account: session.account,
        session: session.id,
        authentication: session.authentication.clone(),
        scope: release.scope().clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        claims: request.claims.clone(),
        issued_at: now,
    }
}

fn signed_in_here(transaction: &Transaction, session: &Session) -> bool {
    transaction.signed_in == Some((session.id, session.account))
}

fn progress(transaction: &Transaction, session: &Session) -> Progress {
    Progress {
        signed_in: signed_in_here(transaction, session),
        account_selected: transaction.selected == Some(session.account),
        consent_answered: transaction.consent_answered == Some(session.account),
    }
}
