//! Says what a client would get of a person, and by which rule: the same evaluator, the same facts, no token issued.

use serde::Serialize;

use super::release::Asked;
use super::{Error, Provider};
use crate::model::{AccountId, ClientId};
use crate::policy::release::Explained;
use crate::protocol::{ClaimsRequest, ErrorCode, Refused, Scope};

/// What a request would come to, were it made now.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The scope that would be granted.
    pub scope: Scope,
    /// One line a claim: allowed or denied, and why. Never a value.
    pub lines: Vec<Explained>,
    /// The claims the person would be asked about first, as scope and claim.
    pub asks: Vec<(String, String)>,
}

impl Provider {
    /// Explains a request of a client about a person.
    ///
    /// # Errors
    /// `invalid_client` or `invalid_request` when there is no such client or account, or [`Error::Fault`].
    pub async fn explain(
        &self,
        client: &ClientId,
        account: AccountId,
        scope: &Scope,
        claims: &ClaimsRequest,
    ) -> Result<Explanation, Error> {
        let client = self.client(client).await?;
        let client = client.ok_or_else(|| Refused::new(ErrorCode::InvalidClient, "there is no such client"))?;
        let now = self.0.clock.now();
        let allowed = scope.filtered(|name| client.release.scopes.contains(name));
        let asked = Asked::now(&client, account, &allowed, claims, now);
        let release = self.release(&asked, now).await?;
        let release = release.ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "there is no such account"))?;
        let asks = release.ask().into_iter().map(|line| (line.scope, line.claim)).collect();
        Ok(Explanation { scope: release.scope().clone(), lines: release.explain(), asks })
    }
}
