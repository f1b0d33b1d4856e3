//! The authorization endpoint [RFC 6749 §4.1, OIDC Core §3.1.2]: a pipeline with one border.
//!
//! `verify_callback` (until here a failure is a page) → `validate` (from here it goes to the client) → `advance`,
//! which loads the facts and calls the pure [`decide`](decide::decide). Pages end in [`Provider::resume`], which is
//! `advance` again.

mod advance;
pub mod callback;
pub mod decide;
pub mod request;
mod transaction;
mod validate;

pub use advance::Ask;
pub use callback::Return;
pub use request::{Request, Target, Transaction};
pub use validate::PageError;

use crate::model::session::Session;
use crate::model::{ClientId, Fault};
use crate::protocol::Params;
use crate::provider::Provider;

/// What the browser does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It carries a response to the client.
    Return(Return),
    /// It shows a page of the transaction.
    Interact(Step, String),
    /// It goes to a page of our own, by path.
    Home(String),
    /// It shows what is wrong: there is nowhere safe to send an answer to.
    Page(PageError),
    /// The transaction is unknown, over, or another browser's.
    Expired,
}

/// The page a person has to get through next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sign in.
    SignIn,
    /// Prove it is still you.
    Reauthenticate,
    /// Choose the account to go on with.
    SelectAccount,
    /// Accept documents.
    Terms,
    /// Say what may be released.
    Consent,
}

impl Provider {
    /// Takes an authorization request of a browser that may have a session.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn authorize(&self, params: &Params, session: Option<&Session>, browser: &str) -> Result<Outcome, Fault> {
        let Some(client_id) = params.get("client_id") else { return Ok(Outcome::Page(PageError::MissingClient)) };
        let client = self.client(&ClientId::from(client_id)).await?;
        let verified = match validate::verify_callback(params, client) {
            Ok(verified) => verified,
            Err(page) => return Ok(Outcome::Page(page)),
        };
        let hinted = match self.hinted_subject(params, &verified.callback.client).await? {
            Ok(hinted) => hinted,
            Err(refused) => return Ok(verified.callback.refuse(self.issuer(), &refused)),
        };
        let request = match validate::validate(params, &verified, hinted) {
            Ok(request) => request,
            Err(refused) => return Ok(verified.callback.refuse(self.issuer(), &refused)),
        };
        let transaction = self.new_transaction(Target::Client(Box::new(request)), browser);
        self.advance(transaction, session, true).await
    }

    /// Begins a sign-in to one of our own pages; `return_to` is a checked path below the issuer.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn sign_in_home(
        &self,
        return_to: String,
        fresh: bool,
        session: Option<&Session>,
        browser: &str,
    ) -> Result<Outcome, Fault> {
        let transaction = self.new_transaction(Target::Home { return_to, fresh }, browser);
        self.advance(transaction, session, true).await
    }

    /// Goes on with a transaction after one of its pages.
    ///
    /// # Errors
    /// A [`Fault`] when a store or cache does not answer.
    pub async fn resume(&self, id: &str, session: Option<&Session>, browser: &str) -> Result<Outcome, Fault> {
        match self.transaction(id, browser).await? {
            Some(transaction) => self.advance(transaction, session, false).await,
            None => Ok(Outcome::Expired),
        }
    }
}
