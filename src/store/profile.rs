//! All that is known of a person, for release decisions and pages.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::{Store, from_word, word};
use super::vault::AccountKey;
use crate::model::account::{Account, Attribute};
use crate::model::contact::Contact;
use crate::model::grant::Sector;
use crate::model::member::Membership;
use crate::model::{AccountId, ClientId, UnixTime};

/// An account with everything that hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The account itself.
    pub account: Account,
    /// Values of claims, by name and source.
    pub attributes: Vec<Attribute>,
    /// Addresses, the oldest first.
    pub contacts: Vec<Contact>,
    /// Memberships that are not closed, the oldest first.
    pub memberships: Vec<Membership>,
}

row!(AttributeRow { name: String, source: String, value: Vec<u8>, verification: String, observed_at: i64 });

impl Store {
    /// An account with its attributes, contacts and memberships. An erased one has none left.
    pub async fn profile(&self, id: AccountId) -> Result<Option<Profile>, Error> {
        // As nobody in particular meets them.
        let person = self.person(id, &ClientId::from(""), &Sector(String::new())).await?;
        Ok(person.map(|person| person.profile))
    }

    /// Sets values of claims, each replacing that of the same name and source; JSON `null` removes it. Event
    /// `profile.changed` with the names only.
    pub async fn put_attributes(
        &self,
        account: AccountId,
        attributes: Vec<Attribute>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if attributes.is_empty() {
            return Ok(());
        }
        let mut names: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let events = [("profile.changed", json!({ "names": names }))];
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            for attribute in &attributes {
                put_attribute(tx, (account, &locked.key), attribute).await?;
            }
            self.tell_changed(tx, account, &events, now).await?;
        })
    }
}

/// Writes or removes one value.
pub(super) async fn put_attribute(
    tx: &mut Link,
    (account, key): (AccountId, &AccountKey),
    attribute: &Attribute,
) -> Result<(), Error> {
    if attribute.value.is_null() {
        return execute!(
            tx,
            "DELETE FROM attributes WHERE account = $1 AND name = $2 AND source = $3",
            account.as_uuid(),
            &attribute.name,
            &attribute.source
        )
        .map(drop);
    }
    let place = attribute_place(account.as_uuid(), &attribute.name, &attribute.source);
    execute!(
        tx,
        "INSERT INTO attributes (account, name, source, value, verification, observed_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, name, source) DO UPDATE \
         SET value = excluded.value, verification = excluded.verification, observed_at = excluded.observed_at",
        account.as_uuid(),
        &attribute.name,
        &attribute.source,
        key.seal_json(&place, &attribute.value)?,
        word(&attribute.verification)?,
        attribute.observed_at.0
    )
    .map(drop)
}

fn attribute_place(account: Uuid, name: &str, source: &str) -> String {
    format!("attributes|value|{account}|{name}|{source}")
}

impl AttributeRow {
    pub(super) fn open(self, account: AccountId, key: &AccountKey) -> Result<Attribute, Error> {
        let place = attribute_place(account.as_uuid(), &self.name, &self.source);
        Ok(Attribute {
            value: serde_json::from_slice(&key.open(&place, &self.value)?)?,
            name: self.name,
            source: self.source,
            verification: from_word(&self.verification)?,
            observed_at: UnixTime(self.observed_at),
        })
    }
}
