//! Puts the one release evaluator to work: the same call for ID token, userinfo, introspection and the consent page.

use super::Provider;
use crate::model::client::Client;
use crate::model::grant::{Family, Subject};
use crate::model::{AccountId, Fault, UnixTime};
use crate::policy::release::{Facts, Question, Release, evaluate};
use crate::protocol::{ClaimsRequest, Scope};
use crate::store::Person;

/// Who asks for what, about whom.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// About whom.
    pub account: AccountId,
    /// By which scope.
    pub scope: &'a Scope,
    /// By which `claims` parameter.
    pub claims: &'a ClaimsRequest,
    /// When the authorization request began: answers since then belong to it.
    pub began_at: UnixTime,
    /// Whether earlier answers are asked anew (`prompt=consent`).
    pub reconfirm: bool,
}

impl<'a> Asked<'a> {
    /// A question where nobody can be asked anything.
    pub fn now(
        client: &'a Client,
        account: AccountId,
        scope: &'a Scope,
        claims: &'a ClaimsRequest,
        now: UnixTime,
    ) -> Self {
        Self { client, account, scope, claims, began_at: now, reconfirm: false }
    }
}

impl Provider {
    /// What a client gets of a person by today's consents and facts; `None` when the account is gone.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn release(&self, asked: &Asked<'_>, now: UnixTime) -> Result<Option<Release>, Fault> {
        let person = self.person(asked.client, asked.account).await?;
        Ok(person.map(|person| self.judge(asked, &person, now)))
    }

    /// The person as the client meets them.
    pub(super) async fn person(&self, client: &Client, account: AccountId) -> Result<Option<Person>, Fault> {
        Ok(self.0.store.person(account, &client.id, &client.sector()).await?)
    }

    /// What the client gets of this very person.
    pub(super) fn judge(&self, asked: &Asked<'_>, person: &Person, now: UnixTime) -> Release {
        let unreachable = (self.0.hosts.0)();
        let facts = Facts {
            account: &person.profile.account,
            attributes: &person.profile.attributes,
            contacts: &person.profile.contacts,
            memberships: &person.profile.memberships,
            unreachable: &unreachable,
            pairwise_key: Some(&self.0.pairwise_key),
        };
        let question = Question {
            client: asked.client,
            scope: asked.scope,
            claims: asked.claims,
            facts: &facts,
            consents: &person.consents,
            began_at: asked.began_at,
            reconfirm: asked.reconfirm,
            now,
        };
        evaluate(&self.0.rules, &question)
    }

    /// The `sub` the client knows the person by, made on first use.
    pub(super) async fn subject_of(&self, client: &Client, person: &Person, now: UnixTime) -> Result<Subject, Fault> {
        match &person.subject {
            Some(subject) => Ok(subject.clone()),
            None => Ok(self.0.store.subject(person.profile.account.id, &client.sector(), now).await?),
        }
    }
}

/// The `claims` parameter a family was granted with. It was checked when the request came in: unreadable now, it asks
/// for nothing.
pub(super) fn family_claims(family: &Family) -> ClaimsRequest {
    ClaimsRequest::parse(family.claims.as_deref()).unwrap_or_default()
}
