//! Addresses: who proved control of one, and whose mere claim falls when somebody does.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::{Store, from_word};
use super::register::NewContact;
use super::vault::{AccountKey, Root};
use crate::model::contact::{Contact, ContactKind};
use crate::model::{AccountId, ContactId, UnixTime};

row!(ContactRow { id: Uuid, kind: String, value: Vec<u8>, verified_at: Option<i64>, created_at: i64 });
row!(SealedContactRow {
    id: Uuid,
    kind: String,
    value: Vec<u8>,
    verified_at: Option<i64>,
    created_at: i64,
    data_key: Option<Vec<u8>>,
});
row!(OwnerRow { account: Uuid });
row!(IdRow { id: Uuid });

impl Store {
    /// The accounts that proved control of an address; the schema allows one at most.
    pub async fn verified_owners(&self, kind: ContactKind, value: &str) -> Result<Vec<AccountId>, Error> {
        let index = value_index(self.root().await?, kind, value);
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            OwnerRow,
            "SELECT account FROM contacts WHERE kind = $1 AND value_index = $2 AND verified_at IS NOT NULL",
            kind.as_str(),
            &index
        )?;
        Ok(rows.into_iter().map(|row| row.account.into()).collect())
    }

    /// The addresses of an account, the oldest first.
    pub async fn contacts(&self, account: AccountId) -> Result<Vec<Contact>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            SealedContactRow,
            "SELECT c.id, c.kind, c.value, c.verified_at, c.created_at, a.data_key FROM contacts c \
             JOIN accounts a ON a.id = c.account WHERE c.account = $1 ORDER BY c.created_at, c.id",
            account.as_uuid()
        )?;
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let key = self.key_of(account, first.data_key.as_deref())?;
        rows.into_iter().map(|row| row.bare().open(account, &key)).collect()
    }

    /// Records that an account proved control of an address; event `contact.verified`, once.
    ///
    /// Unverified claims of it by others are void; an account that was nothing but such a claim is erased, with all
    /// that was created in it while the address was unproven. `Conflict("contact")` when another account proved
    /// control of it before.
    pub async fn verify_contact(
        &self,
        account: AccountId,
        kind: ContactKind,
        value: &str,
        now: UnixTime,
    ) -> Result<ContactId, Error> {
        let root = self.root().await?;
        let contact = NewContact { kind, value: value.to_owned(), verified: true };
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            if let Some(known) = verified_contact(tx, account, kind, &value_index(root, kind, value)).await? {
                return Ok(known);
            }
            let id = self.add_contact(tx, root, (account, &locked.key), &contact, now).await?;
            let event = ("contact.verified", json!({ "contact": id, "kind": kind.as_str() }));
            self.tell_changed(tx, account, &[event], now).await?;
            id
        })
    }

    /// Notes an address somebody typed. `Conflict("contact")` when another account holds it verified.
    pub async fn claim_contact(
        &self,
        account: AccountId,
        kind: ContactKind,
        value: &str,
        now: UnixTime,
    ) -> Result<ContactId, Error> {
        let root = self.root().await?;
        let contact = NewContact { kind, value: value.to_owned(), verified: false };
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            self.add_contact(tx, root, (account, &locked.key), &contact, now).await?
        })
    }

    /// Removes an address of an account; gives whether it was there. Event `profile.changed` for a verified one.
    pub async fn remove_contact(&self, account: AccountId, id: ContactId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let removed = fetch_optional!(
                &mut *tx,
                RemovedRow,
                "DELETE FROM contacts WHERE id = $1 AND account = $2 RETURNING kind, verified_at",
                id.as_uuid(),
                account.as_uuid()
            )?;
            if let Some(RemovedRow { kind, verified_at: Some(_) }) = &removed {
                let name = if kind == ContactKind::Email.as_str() { "email" } else { "phone_number" };
                self.tell_changed(tx, account, &[("profile.changed", json!({ "names": [name] }))], now).await?;
            }
            removed.is_some()
        })
    }

    /// Writes an address of an account, new or known; a verified one voids what others merely claim.
    pub(super) async fn add_contact(
        &self,
        tx: &mut Link,
        root: &Root,
        (account, key): (AccountId, &AccountKey),
        contact: &NewContact,
        now: UnixTime,
    ) -> Result<ContactId, Error> {
        let index = value_index(root, contact.kind, &contact.value);
        if contact.verified {
            self.void_claims(tx, account, contact.kind, &index, now).await?;
        } else if is_owned_elsewhere(tx, account, contact.kind, &index).await? {
            return Err(Error::Conflict("contact"));
        }
        let id: ContactId = self.random.id(now);
        let sealed = key.seal(&contact_place(id), contact.value.as_bytes())?;
        // A known row keeps its identifier, to which its value is sealed.
        let row = fetch_optional!(
            tx,
            IdRow,
            "INSERT INTO contacts (id, account, kind, value_index, value, verified_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, kind, value_index) DO UPDATE \
             SET verified_at = COALESCE(contacts.verified_at, excluded.verified_at) RETURNING id",
            id.as_uuid(),
            account.as_uuid(),
            contact.kind.as_str(),
            &index,
            sealed,
            contact.verified.then_some(now.0),
            now.0
        )?;
        row.map(|row| row.id.into()).ok_or_else(|| Error::fault("a contact was not written"))
    }

    async fn void_claims(
        &self,
        tx: &mut Link,
        prover: AccountId,
        kind: ContactKind,
        index: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        let claimants = fetch_all!(
            &mut *tx,
            OwnerRow,
            "DELETE FROM contacts WHERE kind = $1 AND value_index = $2 AND account <> $3 AND verified_at IS NULL \
             RETURNING account",
            kind.as_str(),
            index,
            prover.as_uuid()
        )?;
        for claimant in claimants {
            let unfounded = fetch_optional!(
                &mut *tx,
                IdRow,
                "SELECT id FROM accounts WHERE id = $1 AND stage = 'lite_unverified' AND status <> 'erased' \
                 AND NOT EXISTS (SELECT 1 FROM contacts WHERE account = $1)",
                claimant.account
            )?;
            if let Some(row) = unfounded {
                self.erase(tx, row.id.into(), now).await?;
            }
        }
        Ok(())
    }
}

row!(RemovedRow { kind: String, verified_at: Option<i64> });

async fn verified_contact(
    tx: &mut Link,
    account: AccountId,
    kind: ContactKind,
    index: &[u8],
) -> Result<Option<ContactId>, Error> {
    let row = fetch_optional!(
        tx,
        IdRow,
        "SELECT id FROM contacts WHERE account = $1 AND kind = $2 AND value_index = $3 AND verified_at IS NOT NULL",
        account.as_uuid(),
        kind.as_str(),
        index
    )?;
    Ok(row.map(|row| row.id.into()))
}

async fn is_owned_elsewhere(tx: &mut Link, account: AccountId, kind: ContactKind, index: &[u8]) -> Result<bool, Error> {
    let row = fetch_optional!(
        tx,
        OwnerRow,
        "SELECT account FROM contacts WHERE kind = $1 AND value_index = $2 AND account <> $3 \
         AND verified_at IS NOT NULL",
        kind.as_str(),
        index,
        account.as_uuid()
    )?;
    Ok(row.is_some())
}

fn value_index(root: &Root, kind: ContactKind, value: &str) -> Vec<u8> {
    root.blind_index(&format!("contact/{}", kind.as_str()), value)
}

fn contact_place(id: ContactId) -> String {
    format!("contacts|value|{id}")
}

impl SealedContactRow {
    fn bare(self) -> ContactRow {
        ContactRow {
            id: self.id,
            kind: self.kind,
            value: self.value,
            verified_at: self.verified_at,
            created_at: self.created_at,
        }
    }
}

impl ContactRow {
    pub(super) fn open(self, account: AccountId, key: &AccountKey) -> Result<Contact, Error> {
        let id = self.id.into();
        Ok(Contact {
            id,
            account,
            kind: from_word(&self.kind)?,
            value: key.open_text(&contact_place(id), &self.value)?,
            verified_at: self.verified_at.map(UnixTime),
            created_at: UnixTime(self.created_at),
        })
    }
}
