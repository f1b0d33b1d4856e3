//! What a person was about to do when a fresh proof was asked of them: kept for their session, so that nothing has to
//! be typed twice. Only a form of ours sets it, and it is taken once.

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::cache::Slot;
use crate::model::session::Session;
use crate::model::{ConnectionId, Fault};

/// Wishes by session: as long as a sign-in may take.
const WISHES: Slot<Wish> = Slot::new("wish", 1800);

/// Something that needs a fresh proof first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Add this address, as typed.
    AddEmail(String),
    /// Add a login at this provider.
    LinkIdentity(ConnectionId),
}

impl Accounts {
    /// Keeps a wish, in place of an earlier one.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn keep_wish(&self, session: &Session, wish: &Wish) -> Result<(), Fault> {
        Ok(self.0.cache.put(&WISHES, &session.id.to_string(), wish).await?)
    }

    /// Takes the wish, once the proof is fresh.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn take_wish(&self, session: &Session) -> Result<Option<Wish>, Fault> {
        if !self.is_fresh(session) {
            return Ok(None);
        }
        Ok(self.0.cache.take(&WISHES, &session.id.to_string()).await?)
    }
}
