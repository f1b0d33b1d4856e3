//! A new account. Nothing is written before the terms are accepted.

use super::continuation::Continuation;
use super::{Accounts, Arrival, Document, Entry};
use crate::model::account::{Attribute, Stage, Verification};
use crate::model::consent::Acceptance;
use crate::model::contact::ContactKind;
use crate::model::digest::sha256_b64;
use crate::model::{AccountId, Fault, Locale, UnixTime};
use crate::policy::linking::{NewContact, Upstream, new_contact};
use crate::store::{NewAccount, NewContact as StoredContact};

/// Characters of a name at most.
const NAME_LIMIT: usize = 100;

/// What a sign-up page sends.
#[derive(Clone, Debug, Default)]
pub struct SignUp {
    /// The name they want to be called.
    pub name: String,
    /// Identifiers of the documents they ticked.
    pub accepted: Vec<String>,
}

/// What signing up came to.
#[derive(Clone, Debug)]
pub enum SignedUp {
    /// The account exists, and its owner is proven.
    Enter(Entry),
    /// A name is missing or too long.
    NameMissing,
    /// Required documents are not ticked.
    TermsMissing,
    /// Nothing waits under this transaction.
    Over,
    /// The login or mailbox got an account meanwhile: signing in will find it.
    Taken,
}

impl Accounts {
    /// Makes the account a continuation waits for. Name and ticks come from the form; identity and mailbox only
    /// from what we kept.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn sign_up(&self, txn: &str, form: &SignUp, locale: &Locale) -> Result<SignedUp, Fault> {
        let name = form.name.trim();
        if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
            return Ok(SignedUp::NameMissing);
        }
        let missing = |document: &Document| document.required && !form.accepted.contains(&document.id);
        if self.0.policy.documents.iter().any(missing) {
            return Ok(SignedUp::TermsMissing);
        }
        let Some(continuation) = self.take_continuation(txn).await? else { return Ok(SignedUp::Over) };
        let Continuation::SignUp { email, arrival } = &continuation else {
            self.keep_continuation(txn, &continuation).await?;
            return Ok(SignedUp::Over);
        };
        let now = self.0.clock.now();
        if arrival.as_ref().is_some_and(|arrival| !arrival.is_fresh(now)) {
            return Ok(SignedUp::Over);
        }
        let account = NewAccount {
            stage: Stage::Registered,
            locale: locale.clone(),
            zoneinfo: self.zoneinfo(arrival.as_ref()),
            contact: contact(email.as_deref(), arrival.as_ref()),
            identity: arrival.as_ref().map(Arrival::identity),
            password_hash: None,
            attributes: attributes(name, arrival.as_ref(), now),
            acceptances: self.acceptances(&form.accepted, locale, now),
        };
        match self.register(account, now).await {
            Ok(Some(id)) => Ok(SignedUp::Enter(entry(id, arrival.as_ref()))),
            Ok(None) => Ok(SignedUp::Taken),
            Err(fault) => Err(self.put_back(txn, Some(continuation), fault).await),
        }
    }

    /// Registers; when an address merely offered by a provider is somebody's already, the account does without it.
    async fn register(&self, mut account: NewAccount, now: UnixTime) -> Result<Option<AccountId>, Fault> {
        let by_identity = account.identity.is_some();
        match self.0.store.register_account(account.clone(), now).await {
            Ok(id) => Ok(Some(id)),
            Err(crate::store::Error::Conflict("contact")) if by_identity => {
                account.contact = None;
                match self.0.store.register_account(account.clone(), now).await {
                    Ok(id) => Ok(Some(id)),
                    Err(crate::store::Error::Conflict(_)) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Err(crate::store::Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Records the documents a signed-in person accepts.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn accept_documents(&self, account: AccountId, ticked: &[String], locale: &Locale) -> Result<(), Fault> {
        let now = self.0.clock.now();
        let acceptances = self.acceptances(ticked, locale, now);
        Ok(self.0.store.accept_documents(account, acceptances).await?)
    }

    fn acceptances(&self, ticked: &[String], locale: &Locale, now: UnixTime) -> Vec<Acceptance> {
        let policy = &self.0.policy;
        policy
            .documents
            .iter()
            .filter(|document| ticked.contains(&document.id))
            .map(|document| Acceptance {
                document: document.id.clone(),
                version: document.version,
                hash: sha256_b64(document.in_locale(locale, &policy.locale).1),
                locale: locale.clone(),
                accepted_at: now,
            })
            .collect()
    }

    fn zoneinfo(&self, arrival: Option<&Arrival>) -> String {
        let told = arrival.and_then(|arrival| arrival.attribute("zoneinfo"));
        told.filter(|zone| jiff::tz::TimeZone::get(zone).is_ok()).unwrap_or(&self.0.policy.zoneinfo).to_owned()
    }
}

fn entry(account: AccountId, arrival: Option<&Arrival>) -> Entry {
    arrival.map_or(Entry { account, amr: "otp", connection: None }, |arrival| Entry::federated(account, arrival))
}

/// A mailbox proven to us counts as proven; one a provider names counts as much as the provider's word.
fn contact(proven: Option<&str>, arrival: Option<&Arrival>) -> Option<StoredContact> {
    if let Some(email) = proven {
        return Some(StoredContact { kind: ContactKind::Email, value: email.to_owned(), verified: true });
    }
    let arrival = arrival?;
    let email = arrival.canonical_email()?;
    let verified = match new_contact(&Upstream { known: None, email: Some(&email), trust: arrival.trust }) {
        NewContact::None => return None,
        NewContact::Unverified => false,
        NewContact::Verified => true,
    };
    Some(StoredContact { kind: ContactKind::Email, value: email, verified })
}

fn attributes(name: &str, arrival: Option<&Arrival>, now: UnixTime) -> Vec<Attribute> {
    let mut attributes = arrival.map(|arrival| arrival.attributes.clone()).unwrap_or_default();
    attributes.push(Attribute {
        name: "name".to_owned(),
        value: name.into(),
        source: "user".to_owned(),
        verification: Verification::Unverified,
        observed_at: now,
    });
    attributes
}
