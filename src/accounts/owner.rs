//! What an account's owner sees and changes: logins, sessions, language.

use super::sever::ways_in;
use super::{Accounts, Arrival};
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::model::{AccountId, Fault, IdentityId, Locale, SessionId};
use crate::store::Profile;

/// What removing a way in came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// The person must prove themselves anew first.
    StepUp,
    /// It is the last way in: another must come first.
    LastWayIn,
    /// There is no such thing on this account.
    Unknown,
}

/// What linking a login came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linking {
    /// It is linked.
    Done,
    /// It was linked to this account already.
    AlreadyYours,
    /// Another account has it.
    Elsewhere,
    /// The person must prove themselves anew first.
    StepUp,
}

impl Accounts {
    /// Everything held about an account.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn profile(&self, account: AccountId) -> Result<Option<Profile>, Fault> {
        Ok(self.0.store.profile(account).await?)
    }

    /// Its logins at upstream providers.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn identities(&self, account: AccountId) -> Result<Vec<Identity>, Fault> {
        Ok(self.0.store.identities(account).await?)
    }

    /// Its signed-in browsers.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn sessions(&self, account: AccountId) -> Result<Vec<Session>, Fault> {
        Ok(self.0.store.sessions(account, self.0.clock.now()).await?)
    }

    /// Ends one of the owner's sessions.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn end_session(&self, account: AccountId, session: SessionId) -> Result<(), Fault> {
        self.0.store.end_session(account, session, self.0.clock.now()).await?;
        Ok(())
    }

    /// Ends all sessions of the owner but this one.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn end_other_sessions(&self, session: &Session) -> Result<(), Fault> {
        self.0.store.end_sessions(session.account, Some(session.id), self.0.clock.now()).await?;
        Ok(())
    }

    /// Links an upstream login from the account page.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn link(&self, session: &Session, arrival: &Arrival) -> Result<Linking, Fault> {
        if !self.is_fresh(session) {
            return Ok(Linking::StepUp);
        }
        let now = self.0.clock.now();
        if let Some(identity) = self.0.store.identity(&arrival.key).await? {
            let mine = identity.account == session.account;
            return Ok(if mine { Linking::AlreadyYours } else { Linking::Elsewhere });
        }
        match self.0.store.link_identity(session.account, &arrival.identity(), now).await {
            Ok(_) => {
                self.0.store.put_attributes(session.account, arrival.attributes.clone(), now).await?;
                Ok(Linking::Done)
            }
            Err(crate::store::Error::Conflict(_)) => Ok(Linking::Elsewhere),
            Err(error) => Err(error.into()),
        }
    }

    /// The login, and how removing it would end; removes it unless something stands against it.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn unlink(&self, session: &Session, id: IdentityId) -> Result<Removal, Fault> {
        let identities = self.0.store.identities(session.account).await?;
        if !identities.iter().any(|identity| identity.id == id) {
            return Ok(Removal::Unknown);
        }
        if !self.is_fresh(session) {
            return Ok(Removal::StepUp);
        }
        let contacts = self.0.store.contacts(session.account).await?;
        let password = self.0.policy.passwords && self.has_password(session.account).await?;
        let ways = ways_in(&identities, &contacts, password);
        if !ways.may_lose_one() {
            return Ok(Removal::LastWayIn);
        }
        self.0.store.unlink_identity(session.account, id, self.0.clock.now()).await?;
        Ok(Removal::Done)
    }

    /// The account's language from now on.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn set_locale(&self, account: AccountId, locale: &Locale) -> Result<(), Fault> {
        let Some(found) = self.0.store.account(account).await? else { return Ok(()) };
        Ok(self.0.store.set_locale(account, locale, &found.zoneinfo, self.0.clock.now()).await?)
    }
}
