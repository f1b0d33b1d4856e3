//! Puts the one release evaluator to work: the same call for ID token, userinfo, introspection and the consent page.

use super::Provider;
use crate::model::client::Client;
use crate::model::grant::Family;
use crate::model::{AccountId, Fault, UnixTime};
use crate::policy::release::{Facts, Question, Release, evaluate};
use crate::protocol::{ClaimsRequest, Scope};

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
        let Some(profile) = self.0.store.profile(asked.account).await? else { return Ok(None) };
        let consents = self.0.store.consents(asked.account, &asked.client.id).await?;
        let unreachable = (self.0.hosts.0)();
        let facts = Facts {
            account: &profile.account,
            attributes: &profile.attributes,
            contacts: &profile.contacts,
            memberships: &profile.memberships,
            unreachable: &unreachable,
            pairwise_key: Some(&self.0.pairwise_key),
        };
        let question = Question {
            client: asked.client,
            scope: asked.scope,
            claims: asked.claims,
            facts: &facts,
            consents: &consents,
            began_at: asked.began_at,
            reconfirm: asked.reconfirm,
            now,
        };
        Ok(Some(evaluate(&self.0.rules, &question)))
    }
}

/// The `claims` parameter a family was granted with. It was checked when the request came in: unreadable now, it asks
/// for nothing.
pub(super) fn family_claims(family: &Family) -> ClaimsRequest {
    ClaimsRequest::parse(family.claims.as_deref()).unwrap_or_default()
}
