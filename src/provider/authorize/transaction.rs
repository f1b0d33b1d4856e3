//! The record of a request on its way through the pages.

use super::request::{Shown, TRANSACTIONS, Target, Transaction};
use super::{Ask, Outcome};
use crate::model::session::Session;
use crate::model::{ClientId, Fault};
use crate::policy::release::AskLine;
use crate::protocol::{ErrorCode, Params, Refused};
use crate::provider::Provider;

impl Provider {
    pub(super) fn new_transaction(&self, target: Target, browser: &str) -> Transaction {
        Transaction {
            id: self.0.random.handle(),
            browser: browser.to_owned(),
            target,
            created_at: self.0.clock.now(),
            signed_in: None,
            selected: None,
            shown: None,
            consent_answered: None,
        }
    }

    /// The transaction with this id, if it is this browser's.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn transaction(&self, id: &str, browser: &str) -> Result<Option<Transaction>, Fault> {
        let found = self.0.cache.get(&TRANSACTIONS, id).await?;
        Ok(found.filter(|transaction| transaction.browser == browser))
    }

    pub(super) async fn keep(&self, transaction: &Transaction) -> Result<(), Fault> {
        Ok(self.0.cache.put(&TRANSACTIONS, &transaction.id, transaction).await?)
    }

    /// Records progress. Whatever ended the transaction meanwhile is not undone, and its life is not prolonged.
    async fn record(&self, transaction: &Transaction) -> Result<bool, Fault> {
        Ok(self.0.cache.replace(&TRANSACTIONS, &transaction.id, transaction).await?)
    }

    pub(super) async fn forget(&self, transaction: &Transaction) -> Result<(), Fault> {
        Ok(self.0.cache.remove(&TRANSACTIONS, &transaction.id).await?)
    }

    /// Records that `session` signed in within this transaction, and goes on.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn signed_in(&self, id: &str, session: &Session, browser: &str) -> Result<Outcome, Fault> {
        let Some(mut transaction) = self.transaction(id, browser).await? else { return Ok(Outcome::Expired) };
        transaction.signed_in = Some((session.id, session.account));
        if !self.record(&transaction).await? {
            return Ok(Outcome::Expired);
        }
        self.advance(transaction, Some(session), false).await
    }

    /// Records that the person goes on with the session's account.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn select_account(&self, id: &str, session: &Session, browser: &str) -> Result<Outcome, Fault> {
        let Some(mut transaction) = self.transaction(id, browser).await? else { return Ok(Outcome::Expired) };
        transaction.selected = Some(session.account);
        if !self.record(&transaction).await? {
            return Ok(Outcome::Expired);
        }
        self.advance(transaction, Some(session), false).await
    }

    /// What the consent page has to ask, noted as being asked; `None` when there is nobody to ask for.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn show_consent(&self, transaction: &Transaction, session: &Session) -> Result<Option<Ask>, Fault> {
        let Some(ask) = self.ask(transaction, session).await? else { return Ok(None) };
        let shown = Shown { account: session.account, lines: ask.lines.iter().map(text).collect() };
        if transaction.shown.as_ref() == Some(&shown) {
            return Ok(Some(ask));
        }
        let noted = Transaction { shown: Some(shown), ..transaction.clone() };
        Ok(self.record(&noted).await?.then_some(ask))
    }

    /// What an answer of the consent page is about: of what is to be asked now, the lines this person has seen.
    /// `None` when they have seen none, but another person in this browser, perhaps.
    ///
    /// # Errors
    /// A [`Fault`] when a store does not answer.
    pub async fn shown_consent(&self, transaction: &Transaction, session: &Session) -> Result<Option<Ask>, Fault> {
        let shown = transaction.shown.as_ref().filter(|shown| shown.account == session.account);
        let (Some(shown), Some(mut ask)) = (shown, self.ask(transaction, session).await?) else { return Ok(None) };
        ask.lines.retain(|line| shown.lines.contains(&text(line)));
        Ok(Some(ask))
    }

    /// Records that the consent page was answered; the answers themselves are in the ledger already.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn consent_answered(&self, id: &str, session: &Session, browser: &str) -> Result<Outcome, Fault> {
        let Some(mut transaction) = self.transaction(id, browser).await? else { return Ok(Outcome::Expired) };
        transaction.consent_answered = Some(session.account);
        if !self.record(&transaction).await? {
            return Ok(Outcome::Expired);
        }
        self.advance(transaction, Some(session), false).await
    }

    /// Ends the transaction as the person wishes: the client hears `access_denied` [RFC 6749 §4.1.2.1].
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn cancel(&self, id: &str, browser: &str) -> Result<Outcome, Fault> {
        let Some(transaction) = self.transaction(id, browser).await? else { return Ok(Outcome::Expired) };
        self.forget(&transaction).await?;
        Ok(match &transaction.target {
            Target::Client(request) => {
                let declined = Refused::new(ErrorCode::AccessDenied, "the person declined");
                request.callback.refuse(self.issuer(), &declined)
            }
            Target::Home { .. } => Outcome::Home("/".to_owned()),
        })
    }

    /// The `sub` an `id_token_hint` names: ours, for this client, expired or not [OIDC Core §3.1.2.1].
    pub(super) async fn hinted_subject(
        &self,
        params: &Params,
        client: &ClientId,
    ) -> Result<Result<Option<String>, Refused>, Fault> {
        let Some(hint) = params.get("id_token_hint") else { return Ok(Ok(None)) };
        let hint = self.verify_id_token_hint(hint).await?;
        let hint = hint.filter(|hint| hint.audience.iter().any(|audience| audience == client.as_str()));
        let invalid = || Refused::new(ErrorCode::InvalidRequest, "id_token_hint is not an ID token of this issuer");
        Ok(hint.map(|hint| Some(hint.subject)).ok_or_else(invalid))
    }
}

/// A line by all that an answer to it depends on.
fn text(line: &AskLine) -> String {
    format!("{} {} {} {} {}", line.scope, line.claim, line.purpose, line.purpose_version, line.voluntary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::client::Relationship;
    use crate::provider::authorize::Step;
    use crate::provider::bench::{Bench, bench};

    async fn consent(bench: &Bench, session: &Session) -> Transaction {
        let params = Bench::request(&[("prompt", "consent")]);
        match bench.provider.authorize(&params, Some(session), "browser").await.unwrap() {
            Outcome::Interact(Step::Consent, txn) => {
                bench.provider.transaction(&txn, "browser").await.unwrap().unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_about_what_this_person_was_shown() {
        let bench = bench().await;
        let provider = &bench.provider;
        bench
            .client(|client| {
                client.relationship = Relationship::ThirdParty;
                client.release.scopes.retain(|scope| scope != "offline_access");
            })
            .await;
        let (mina, jiho) = (bench.session(bench.person().await).await, bench.session(bench.person().await).await);
        let transaction = consent(&bench, &mina).await;
        assert!(provider.shown_consent(&transaction, &mina).await.unwrap().is_none(), "not shown yet");
        let asked = provider.show_consent(&transaction, &mina).await.unwrap().unwrap();
        let transaction = provider.transaction(&transaction.id, "browser").await.unwrap().unwrap();
        assert!(provider.shown_consent(&transaction, &jiho).await.unwrap().is_none(), "another person's page");
        let answered = provider.shown_consent(&transaction, &mina).await.unwrap().unwrap();
        assert_eq!(answered.lines, asked.lines);

        let fewer = Shown { account: mina.account, lines: asked.lines.iter().skip(1).map(text).collect() };
        let partly = Transaction { shown: Some(fewer), ..transaction };
        let answered = provider.shown_consent(&partly, &mina).await.unwrap().unwrap();
        assert_eq!(answered.lines, asked.lines[1..], "what was not on the page is not agreed to");
    }

    #[tokio::test]
    async fn what_is_over_stays_over_and_what_is_anothers_stays_anothers() {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let session = bench.session(bench.person().await).await;
        let transaction = consent(&bench, &session).await;
        let id = &transaction.id;
        let foreign = bench.provider.consent_answered(id, &session, "another").await.unwrap();
        assert_eq!(foreign, Outcome::Expired);
        bench.provider.cancel(id, "browser").await.unwrap();
        assert!(!bench.provider.record(&transaction).await.unwrap());
        assert_eq!(bench.provider.consent_answered(id, &session, "browser").await.unwrap(), Outcome::Expired);
        assert!(bench.provider.transaction(id, "browser").await.unwrap().is_none());
    }
}
