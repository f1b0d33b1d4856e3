//! Somebody comes back from an upstream provider.

use serde::{Deserialize, Serialize};

use super::continuation::Continuation;
use super::{Accounts, Entry};
use crate::model::account::{Attribute, Stage, Status};
use crate::model::contact::ContactKind;
use crate::model::identity::{IdentityKey, UpstreamTokens};
use crate::model::{AccountId, Fault, UnixTime};
use crate::policy::identifier::Identifier;
use crate::policy::linking::{EmailTrust, LinkingVerdict, LocalOwner, PROOF_LIFETIME, Upstream, first_login};
use crate::store::NewIdentity;

/// A finished upstream login. It proves control of the upstream identity and nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrival {
    /// The identity.
    pub key: IdentityKey,
    /// A name to tell it by.
    pub label: Option<String>,
    /// The address it came with.
    pub email: Option<String>,
    /// What the provider's word on that address is worth.
    pub trust: EmailTrust,
    /// What the provider says of the person.
    pub attributes: Vec<Attribute>,
    /// Tokens for later calls.
    #[serde(with = "tokens")]
    pub tokens: UpstreamTokens,
    /// When it arrived, in seconds; a link must follow within ten minutes.
    pub at: UnixTime,
}

impl Arrival {
    pub(super) fn identity(&self) -> NewIdentity {
        NewIdentity { key: self.key.clone(), label: self.label.clone(), tokens: Some(self.tokens.clone()) }
    }

    /// Whether something may still be made of it.
    pub(super) fn is_fresh(&self, now: UnixTime) -> bool {
        now.since(self.at) <= PROOF_LIFETIME
    }

    /// The address in canonical form, if it is one.
    pub(super) fn canonical_email(&self) -> Option<String> {
        self.email.as_deref().and_then(|email| Identifier::email(email).ok()).map(Identifier::into_string)
    }

    /// What the provider says of one claim.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name).and_then(|attribute| attribute.value.as_str())
    }
}

/// What an arrival comes to.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// This account is proven.
    Enter(Entry),
    /// The person has to say more: the continuation waits under the transaction.
    Continue(Continuation),
    /// The account is not in use.
    Suspended,
}

impl Accounts {
    /// Judges an upstream login (journey J4). A known identity enters; everything else waits for the person.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn arrive(&self, txn: &str, arrival: Arrival) -> Result<Arrived, Fault> {
        let now = self.0.clock.now();
        if let Some(identity) = self.0.store.identity(&arrival.key).await? {
            let account = self.0.store.account(identity.account).await?;
            if account.is_none_or(|account| account.status != Status::Active) {
                return Ok(Arrived::Suspended);
            }
            self.0.store.identity_used(identity.id, Some(&arrival.tokens), now).await?;
            return Ok(Arrived::Enter(Entry::federated(identity.account, &arrival)));
        }
        let email = arrival.canonical_email();
        let owners = match &email {
            Some(email) => self.owners(email).await?,
            None => Vec::new(),
        };
        let upstream = Upstream { known: None, email: email.as_deref(), trust: arrival.trust };
        let continuation = match first_login(&upstream, &owners, self.0.policy.linking) {
            LinkingVerdict::SignIn(account) => return Ok(Arrived::Enter(Entry::federated(account, &arrival))),
            LinkingVerdict::Refuse => return Ok(Arrived::Suspended),
            LinkingVerdict::AutoLink(account) => {
                // Linked on entering, as after any other proof: attributes and notice come with it.
                let entry = Entry::federated(account, &arrival);
                self.keep_continuation(txn, &Continuation::Link { arrival, candidates: vec![account] }).await?;
                return Ok(Arrived::Enter(entry));
            }
            LinkingVerdict::OfferLink { candidates, .. } => Continuation::Link { arrival, candidates },
            LinkingVerdict::AskNewOrExisting => Continuation::Choose { arrival },
            LinkingVerdict::New { .. } => Continuation::SignUp { email: None, arrival: Some(arrival) },
        };
        self.keep_continuation(txn, &continuation).await?;
        Ok(Arrived::Continue(continuation))
    }

    /// The accounts that claim an address, with what the linking rules want to know of them.
    async fn owners(&self, email: &str) -> Result<Vec<LocalOwner>, Fault> {
        let mut owners = Vec::new();
        for account in self.0.store.verified_owners(ContactKind::Email, email).await? {
            if let Some(owner) = self.owner(account).await? {
                owners.push(owner);
            }
        }
        Ok(owners)
    }

    async fn owner(&self, id: AccountId) -> Result<Option<LocalOwner>, Fault> {
        let Some(account) = self.0.store.account(id).await? else { return Ok(None) };
        let has_credential =
            self.0.store.password_hash(id).await?.is_some() || !self.0.store.identities(id).await?.is_empty();
        Ok(Some(LocalOwner {
            account: id,
            status: account.status,
            stage: account.stage,
            verified: true,
            has_credential,
            has_membership: account.stage == Stage::Member,
            has_mfa: false,
        }))
    }
}

/// Writes the tokens in the clear: an arrival is only ever kept sealed.
mod tokens {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::identity::UpstreamTokens;
    use crate::model::{Secret, UnixTime};

    type Plain = (Option<String>, Option<String>, Option<UnixTime>);

    pub(super) fn serialize<S: Serializer>(tokens: &UpstreamTokens, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = |token: &Option<Secret<String>>| token.as_ref().map(|token| token.expose().clone());
        (plain(&tokens.access_token), plain(&tokens.refresh_token), tokens.expires_at).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UpstreamTokens, D::Error> {
        let (access_token, refresh_token, expires_at) = Plain::deserialize(deserializer)?;
        Ok(UpstreamTokens {
            access_token: access_token.map(Secret::new),
            refresh_token: refresh_token.map(Secret::new),
            expires_at,
        })
    }
}
