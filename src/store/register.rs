//! New accounts.

use serde_json::json;

use super::accounts::accept;
use super::db::Link;
use super::error::Error;
use super::identities::NewIdentity;
use super::open::{Store, word};
use super::outbox::Happened;
use super::profile::put_attribute;
use super::vault::{AccountKey, Root};
use crate::model::account::{Attribute, Stage, Status};
use crate::model::consent::Acceptance;
use crate::model::contact::ContactKind;
use crate::model::{AccountId, IdentityId, Locale, Secret, UnixTime};

/// A person who becomes known, with all that is known at that moment.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// How much that is.
    pub stage: Stage,
    /// The language of mails.
    pub locale: Locale,
    /// The IANA time zone dates are judged in.
    pub zoneinfo: String,
    /// An address.
    pub contact: Option<NewContact>,
    /// An upstream login.
    pub identity: Option<NewIdentity>,
    /// A password, hashed (PHC string).
    pub password_hash: Option<Secret<String>>,
    /// Values of claims.
    pub attributes: Vec<Attribute>,
    /// Terms accepted on the way.
    pub acceptances: Vec<Acceptance>,
}

/// An address of a new account, in canonical form.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// What it is.
    pub kind: ContactKind,
    /// The address.
    pub value: String,
    /// Whether control of it was proven to us just now.
    pub verified: bool,
}

impl Store {
    /// Creates an account; events `account.created` and, with an upstream login, `identity.linked`.
    ///
    /// `Conflict("identity")` when the login belongs to an account already, `Conflict("contact")` when an account
    /// holds the address verified. A verified address voids unverified claims of it, as in
    /// [`verify_contact`](Self::verify_contact).
    pub async fn register_account(&self, new: NewAccount, now: UnixTime) -> Result<AccountId, Error> {
        let root = self.root().await?;
        let id: AccountId = self.random.id(now);
        let identity: IdentityId = self.random.id(now);
        let (key, wrapped) = self.vault.new_account_key(&id.to_string())?;
        let mut events: Vec<Happened> = vec![("account.created", json!({ "stage": new.stage.as_str() }))];
        if let Some(login) = &new.identity {
            events.push(login.linked_event(identity));
        }
        let stage = word(&new.stage)?;
        let status = word(&Status::Active)?;
        unit!(self, tx => {
            execute!(
                &mut *tx,
                "INSERT INTO accounts (id, stage, status, locale, zoneinfo, data_key, event_sequence, \
                 ledger_sequence, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8)",
                id.as_uuid(), &stage, &status, new.locale.as_str(), &new.zoneinfo, &wrapped,
                i64::try_from(events.len()).unwrap_or(0), now.0
            )?;
            self.write_facts(tx, root, (id, &key), &new, now).await?;
            if let Some(login) = &new.identity {
                self.insert_identity(tx, root, (id, &key), identity, login, now).await?;
            }
            self.append(tx, id, 0, &events, now).await?;
            id
        })
    }

    async fn write_facts(
        &self,
        tx: &mut Link,
        root: &Root,
        (id, key): (AccountId, &AccountKey),
        new: &NewAccount,
        now: UnixTime,
    ) -> Result<(), Error> {
        if let Some(contact) = &new.contact {
            self.add_contact(tx, root, (id, key), contact, now).await?;
        }
        if let Some(phc) = &new.password_hash {
            self.write_password(tx, (id, key), phc, now).await?;
        }
        for attribute in &new.attributes {
            put_attribute(tx, (id, key), attribute).await?;
        }
        for acceptance in &new.acceptances {
            accept(tx, id, acceptance).await?;
        }
        Ok(())
    }
}
