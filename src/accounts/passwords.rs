//! Passwords, where the deployment has them.

use super::{Accounts, Entry, HashingError, TooMany};
use crate::model::contact::ContactKind;
use crate::model::session::Session;
use crate::model::{AccountId, Fault, Secret};
use crate::policy::identifier::Identifier;
use crate::policy::password::{PasswordPolicy, Weakness, normalise};

/// What offering a password came to.
#[derive(Clone, Debug)]
pub enum PasswordAnswer {
    /// It is the account's.
    Enter(Entry),
    /// Address or password are wrong: nobody learns which.
    Wrong,
    /// Too many tries; a code by mail always works.
    TooMany,
    /// Too many hashes at once; try again in a moment.
    Busy,
}

/// What setting a password came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSet {
    /// It is set; other sessions have ended.
    Done,
    /// It is too easy to guess.
    Weak(Weakness),
    /// The person must prove themselves anew first.
    StepUp,
    /// The deployment has no passwords.
    Off,
    /// Too many hashes at once.
    Busy,
}

impl Accounts {
    /// How many passwords are being hashed or wait for it.
    pub fn passwords_waiting(&self) -> usize {
        self.0.hasher.queued()
    }

    /// Checks a password. Unknown addresses take as long and answer the same.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn check_password(
        &self,
        typed_email: &str,
        password: &str,
        browser: &str,
    ) -> Result<PasswordAnswer, Fault> {
        if !self.0.policy.passwords {
            return Ok(PasswordAnswer::Wrong);
        }
        let email = Identifier::email(typed_email).map(Identifier::into_string).unwrap_or_default();
        let account = self.0.store.verified_owners(ContactKind::Email, &email).await?.first().copied();
        if let Err(TooMany) = self.count_password(account, &email, browser).await? {
            return Ok(PasswordAnswer::TooMany);
        }
        let phc = match account {
            Some(account) => self.0.store.password_hash(account).await?,
            None => None,
        };
        let Ok(password) = normalise(password) else { return Ok(PasswordAnswer::Wrong) };
        match (self.0.hasher.verify(password, phc).await, account) {
            (Ok(true), Some(account)) => {
                let known = self.knows_mailbox(&email, browser).await?;
                self.remember_browser(&email, Some(account), browser, known).await?;
                Ok(PasswordAnswer::Enter(Entry { account, amr: "pwd", connection: None }))
            }
            (Ok(_), _) => Ok(PasswordAnswer::Wrong),
            (Err(HashingError::Busy), _) => Ok(PasswordAnswer::Busy),
            (Err(HashingError::Fault(fault)), _) => Err(fault),
        }
    }

    /// Whether the account has a password.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn has_password(&self, account: AccountId) -> Result<bool, Fault> {
        Ok(self.0.store.password_hash(account).await?.is_some())
    }

    /// Sets or replaces the password and ends all other sessions.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn set_password(&self, session: &Session, password: &str) -> Result<PasswordSet, Fault> {
        if !self.0.policy.passwords {
            return Ok(PasswordSet::Off);
        }
        if !self.is_fresh(session) {
            return Ok(PasswordSet::StepUp);
        }
        let contacts = self.0.store.contacts(session.account).await?;
        let context: Vec<&str> = contacts.iter().map(|contact| contact.value.as_str()).collect();
        let password = match PasswordPolicy::default().check(password, &context, false) {
            Ok(password) => password,
            Err(weakness) => return Ok(PasswordSet::Weak(weakness)),
        };
        let phc = match self.0.hasher.hash(password).await {
            Ok(phc) => phc,
            Err(HashingError::Busy) => return Ok(PasswordSet::Busy),
            Err(HashingError::Fault(fault)) => return Err(fault),
        };
        let now = self.0.clock.now();
        self.0.store.set_password(session.account, &Secret::new(phc), now).await?;
        self.0.store.end_sessions(session.account, Some(session.id), now).await?;
        Ok(PasswordSet::Done)
    }
}
