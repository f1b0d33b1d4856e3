//! Taking a login away, with everything that came of it.

use super::{Accounts, Removal};
use crate::model::contact::{Contact, ContactKind};
use crate::model::identity::{Identity, UpstreamTokens};
use crate::model::session::Session;
use crate::model::{Fault, IdentityId};
use crate::policy::linking::WaysIn;

/// A login that was removed, with the tokens to be taken back at its provider.
#[derive(Clone, Debug)]
pub struct Severed {
    /// The login.
    pub identity: Identity,
    /// What the provider had given us.
    pub tokens: UpstreamTokens,
}

impl Accounts {
    /// Removes a login and ends the sessions made through its provider, but the one that has just proven itself anew.
    /// The second value tells what is to be taken back at the provider.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn sever(&self, session: &Session, id: IdentityId) -> Result<(Removal, Option<Severed>), Fault> {
        let identities = self.0.store.identities(session.account).await?;
        let Some(identity) = identities.into_iter().find(|identity| identity.id == id) else {
            return Ok((Removal::Unknown, None));
        };
        let tokens = self.0.store.upstream_tokens(id).await?.unwrap_or_default();
        let removal = self.unlink(session, id).await?;
        if removal != Removal::Done {
            return Ok((removal, None));
        }
        let now = self.0.clock.now();
        for other in self.0.store.sessions(session.account, now).await? {
            if other.id != session.id && other.authentication.connection.as_ref() == Some(&identity.key.connection) {
                self.0.store.end_session(session.account, other.id, now).await?;
            }
        }
        Ok((removal, Some(Severed { identity, tokens })))
    }
}

/// The ways into an account. A password opens it only together with a proven address.
pub fn ways_in(identities: &[Identity], contacts: &[Contact], password: bool) -> WaysIn {
    let reachable = |contact: &&Contact| contact.kind == ContactKind::Email && contact.verified_at.is_some();
    let verified_contacts = contacts.iter().filter(reachable).count();
    WaysIn {
        identities: identities.len(),
        credentials: usize::from(password && verified_contacts > 0),
        verified_contacts,
    }
}
