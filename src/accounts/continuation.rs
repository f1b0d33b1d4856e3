//! Half-way states: what somebody has proven that is not yet a session.

use serde::{Deserialize, Serialize};

use super::{Accounts, Arrival};
use crate::cache::Slot;
use crate::jose;
use crate::model::identity::UpstreamTokens;
use crate::model::{AccountId, Fault};

/// What waits for the person's next step. No page but that of the next step accepts it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Continuation {
    /// Terms and a name are missing for a new account.
    SignUp {
        /// A mailbox proven to us by a code.
        email: Option<String>,
        /// The upstream login it began with.
        arrival: Option<Arrival>,
    },
    /// Nothing tells whether the person is new: they say so.
    Choose {
        /// The upstream login.
        arrival: Arrival,
    },
    /// An account owns the address: it may prove itself to have the login linked.
    Link {
        /// The upstream login.
        arrival: Arrival,
        /// Accounts that proved the address.
        candidates: Vec<AccountId>,
    },
    /// The person said they have an account: whichever account signs in next gets the login linked.
    LinkAny {
        /// The upstream login.
        arrival: Arrival,
    },
}

impl Continuation {
    /// The upstream login it is about.
    pub const fn arrival(&self) -> Option<&Arrival> {
        match self {
            Self::SignUp { arrival, .. } => arrival.as_ref(),
            Self::Choose { arrival } | Self::Link { arrival, .. } | Self::LinkAny { arrival } => Some(arrival),
        }
    }
}

impl Continuation {
    /// The same without the provider's tokens, which some write at a length that is not kept waiting: the login works
    /// without them, and the next one brings new ones.
    fn without_tokens(&self) -> Self {
        let mut light = self.clone();
        match &mut light {
            Self::SignUp { arrival: Some(arrival), .. }
            | Self::Choose { arrival }
            | Self::Link { arrival, .. }
            | Self::LinkAny { arrival } => arrival.tokens = UpstreamTokens::default(),
            Self::SignUp { arrival: None, .. } => {}
        }
        light
    }
}

/// Continuations by transaction, sealed: they hold personal data and upstream tokens. Ten minutes, as any link proof.
const CONTINUATIONS: Slot<String> = Slot::new("continuation", 600);

impl Accounts {
    pub(super) async fn keep_continuation(&self, txn: &str, continuation: &Continuation) -> Result<(), Fault> {
        let sealed = match self.seal(continuation)? {
            Err(jose::Error::TooLong) => self.seal(&continuation.without_tokens())?,
            sealed => sealed,
        };
        let sealed = sealed.map_err(|error| Fault::new("seal a continuation", error))?;
        Ok(self.0.cache.put(&CONTINUATIONS, txn, &sealed).await?)
    }

    fn seal(&self, continuation: &Continuation) -> Result<Result<String, jose::Error>, Fault> {
        let content = serde_json::to_vec(continuation).map_err(|error| Fault::new("encode a continuation", error))?;
        Ok(self.0.sealer.seal("continuation", &content))
    }

    /// What waits under a transaction. The caller has checked that the transaction is this browser's.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn continuation(&self, txn: &str) -> Result<Option<Continuation>, Fault> {
        let sealed = self.0.cache.get(&CONTINUATIONS, txn).await?;
        Ok(sealed.and_then(|sealed| self.unseal(&sealed)))
    }

    /// Takes it: two requests cannot both go on with it.
    pub(super) async fn take_continuation(&self, txn: &str) -> Result<Option<Continuation>, Fault> {
        let sealed = self.0.cache.take(&CONTINUATIONS, txn).await?;
        Ok(sealed.and_then(|sealed| self.unseal(&sealed)))
    }

    /// Puts back what was taken, for what it was taken for broke on our side; gives the fault to report.
    pub(super) async fn put_back(&self, txn: &str, taken: Option<Continuation>, fault: Fault) -> Fault {
        if let Some(taken) = taken {
            // Two stores out of order at once: the first fault is the one to look into.
            drop(self.keep_continuation(txn, &taken).await);
        }
        fault
    }

    fn unseal(&self, sealed: &str) -> Option<Continuation> {
        let content = self.0.sealer.open("continuation", sealed)?;
        serde_json::from_slice(&content).ok()
    }

    /// The person said they are new.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn choose_new(&self, txn: &str) -> Result<bool, Fault> {
        match self.take_continuation(txn).await? {
            Some(Continuation::Choose { arrival } | Continuation::Link { arrival, .. }) => {
                let next = Continuation::SignUp { email: None, arrival: Some(arrival) };
                self.keep_continuation(txn, &next).await?;
                Ok(true)
            }
            Some(other) => {
                self.keep_continuation(txn, &other).await?;
                Ok(matches!(other, Continuation::SignUp { .. }))
            }
            None => Ok(false),
        }
    }

    /// The person said they have an account: they sign in to it next.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn choose_existing(&self, txn: &str) -> Result<bool, Fault> {
        match self.take_continuation(txn).await? {
            Some(Continuation::Choose { arrival } | Continuation::SignUp { arrival: Some(arrival), .. }) => {
                self.keep_continuation(txn, &Continuation::LinkAny { arrival }).await?;
                Ok(true)
            }
            Some(other) => {
                self.keep_continuation(txn, &other).await?;
                Ok(matches!(other, Continuation::LinkAny { .. } | Continuation::Link { .. }))
            }
            None => Ok(false),
        }
    }

    /// Drops what waits: the person starts over.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn drop_continuation(&self, txn: &str) -> Result<(), Fault> {
        Ok(self.0.cache.remove(&CONTINUATIONS, txn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::bench::{NOW, bench};
    use crate::model::Secret;
    use crate::model::identity::IdentityKey;
    use crate::policy::linking::EmailTrust;

    #[tokio::test]
    async fn a_login_waits_also_without_its_tokens() {
        let bench = bench().await;
        let key = IdentityKey { connection: "entra".into(), issuer: "https://e".to_owned(), subject: "1".to_owned() };
        let waits_with = |length: usize| Continuation::Choose {
            arrival: Arrival {
                key: key.clone(),
                label: None,
                email: None,
                trust: EmailTrust::Unverified,
                attributes: Vec::new(),
                tokens: UpstreamTokens { access_token: Some(Secret::new("t".repeat(length))), ..Default::default() },
                at: NOW,
            },
        };
        for (length, kept) in [(2000, true), (20_000, false)] {
            bench.accounts.keep_continuation("txn", &waits_with(length)).await.unwrap();
            let waiting = bench.accounts.continuation("txn").await.unwrap().unwrap();
            let arrival = waiting.arrival().unwrap();
            assert_eq!((&arrival.key, arrival.tokens.access_token.is_some()), (&key, kept));
        }
    }
}
