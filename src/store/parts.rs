//! The parts of a person, as the one statement of `person.rs` brings them.

use uuid::Uuid;

use super::accounts::{AcceptanceRow, AccountRow};
use super::consents::ConsentRow;
use super::contacts::ContactRow;
use super::error::Error;
use super::families::FamilyRow;
use super::members::MembershipRow;
use super::open::Store;
use super::person::Person;
use super::profile::{AttributeRow, Profile};
use super::vault::AccountKey;
use crate::model::account::Account;
use crate::model::consent::{Acceptance, Consent};
use crate::model::grant::{Family, Subject};
use crate::model::{AccountId, ClientId, UnixTime};

row!(PartRow {
    part: String,
    id: Option<Uuid>,
    session: Option<Uuid>,
    text_a: Option<String>,
    text_b: Option<String>,
    text_c: Option<String>,
    text_d: Option<String>,
    blob_a: Option<Vec<u8>>,
    blob_b: Option<Vec<u8>>,
    blob_c: Option<Vec<u8>>,
    number_a: Option<i64>,
    number_b: Option<i64>,
    number_c: Option<i64>,
});

/// A person, and by what they were found.
pub(super) struct Gathered {
    pub(super) person: Person,
    pub(super) family: Option<Family>,
    pub(super) refresh: Option<RefreshPart>,
    pub(super) is_revoked: bool,
}

/// The refresh token they were found by.
pub(super) struct RefreshPart {
    /// When it ends, by idling or otherwise.
    pub(super) expires_at: UnixTime,
    pub(super) used_at: Option<UnixTime>,
    pub(super) successor_sealed: Option<Vec<u8>>,
}

impl Store {
    /// Puts the parts together; `None` when there is no account among them.
    pub(super) fn gather(&self, mut rows: Vec<PartRow>, client: &ClientId) -> Result<Option<Gathered>, Error> {
        let Some(at) = rows.iter().position(|row| row.part == "account") else { return Ok(None) };
        let row = rows.swap_remove(at);
        let id = AccountId::from(present(row.id)?);
        let (account, wrapped) = row.account()?;
        // An erased account has no key, and no part that needs one.
        let key = wrapped.as_deref().map(|wrapped| self.key_of(id, Some(wrapped))).transpose()?;
        let profile = Profile { account, attributes: Vec::new(), contacts: Vec::new(), memberships: Vec::new() };
        let person = Person { profile, consents: Vec::new(), acceptances: Vec::new(), subject: None };
        let mut gathered = Gathered { person, family: None, refresh: None, is_revoked: false };
        for row in rows {
            gathered.add(row, id, client, key.as_ref())?;
        }
        gathered.person.sort();
        Ok(Some(gathered))
    }
}

impl Gathered {
    fn add(
        &mut self,
        row: PartRow,
        account: AccountId,
        client: &ClientId,
        key: Option<&AccountKey>,
    ) -> Result<(), Error> {
        let person = &mut self.person;
        let profile = &mut person.profile;
        match (row.part.as_str(), key) {
            ("attribute", Some(key)) => profile.attributes.push(row.attribute()?.open(account, key)?),
            ("contact", Some(key)) => profile.contacts.push(row.contact()?.open(account, key)?),
            ("membership", Some(key)) => profile.memberships.push(row.membership(account)?.open(key)?),
            ("consent", _) => person.consents.push(Consent::try_from(row.consent(account, client)?)?),
            ("acceptance", _) => person.acceptances.push(Acceptance::try_from(row.acceptance()?)?),
            ("subject", _) => person.subject = Some(Subject(present(row.text_a)?)),
            ("family", key) => self.family = Some(row.family(account)?.open(key)?),
            ("refresh", _) => self.refresh = Some(row.refresh()?),
            ("revoked", _) => self.is_revoked = true,
            _ => {}
        }
        Ok(())
    }
}

impl Person {
    /// Brings the parts into their order, which a database is free to give them in.
    fn sort(&mut self) {
        let profile = &mut self.profile;
        profile.attributes.sort_by(|a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)));
        profile.contacts.sort_by_key(|contact| (contact.created_at, contact.id.as_uuid()));
        profile.memberships.sort_by_key(|membership| (membership.linked_at, membership.id.as_uuid()));
        self.consents.sort_by(|a, b| (&a.scope, &a.claim).cmp(&(&b.scope, &b.claim)));
        self.acceptances
            .sort_by(|a, b| (b.accepted_at, &a.document, b.version).cmp(&(a.accepted_at, &b.document, a.version)));
    }
}

impl PartRow {
    fn account(self) -> Result<(Account, Option<Vec<u8>>), Error> {
        let row = AccountRow {
            id: present(self.id)?,
            stage: present(self.text_a)?,
            status: present(self.text_b)?,
            locale: present(self.text_c)?,
            zoneinfo: present(self.text_d)?,
            created_at: present(self.number_a)?,
            updated_at: present(self.number_b)?,
        };
        Ok((Account::try_from(row)?, self.blob_a))
    }

    fn attribute(self) -> Result<AttributeRow, Error> {
        Ok(AttributeRow {
            name: present(self.text_a)?,
            source: present(self.text_b)?,
            verification: present(self.text_c)?,
            value: present(self.blob_a)?,
            observed_at: present(self.number_a)?,
        })
    }

    fn contact(self) -> Result<ContactRow, Error> {
        Ok(ContactRow {
            id: present(self.id)?,
            kind: present(self.text_a)?,
            value: present(self.blob_a)?,
            created_at: present(self.number_a)?,
            verified_at: self.number_b,
        })
    }

    fn membership(self, account: AccountId) -> Result<MembershipRow, Error> {
        Ok(MembershipRow {
            id: present(self.id)?,
            account: account.as_uuid(),
            programme: present(self.text_a)?,
            proof_level: present(self.text_b)?,
            proof_method: present(self.text_c)?,
            state: present(self.text_d)?,
            number: present(self.blob_a)?,
            member_ref: present(self.blob_b)?,
            facts: present(self.blob_c)?,
            proof_at: present(self.number_a)?,
            linked_at: present(self.number_b)?,
            data_key: None,
        })
    }

    fn consent(self, account: AccountId, client: &ClientId) -> Result<ConsentRow, Error> {
        Ok(ConsentRow {
            account: account.as_uuid(),
            client: client.to_string(),
            scope: present(self.text_a)?,
            claim: present(self.text_b)?,
            purpose: present(self.text_c)?,
            decision: present(self.text_d)?,
            purpose_version: present(self.number_a)?,
            decided_at: present(self.number_b)?,
            expires_at: self.number_c,
        })
    }

    fn acceptance(self) -> Result<AcceptanceRow, Error> {
        Ok(AcceptanceRow {
            document: present(self.text_a)?,
            hash: present(self.text_b)?,
            locale: present(self.text_c)?,
            version: present(self.number_a)?,
            accepted_at: present(self.number_b)?,
        })
    }

    fn family(self, account: AccountId) -> Result<FamilyRow, Error> {
        Ok(FamilyRow {
            id: present(self.id)?,
            account: account.as_uuid(),
            session: self.session,
            client: present(self.text_a)?,
            scope: present(self.text_b)?,
            authentication: present(self.text_c)?,
            nonce: self.text_d,
            claims: self.blob_a,
            created_at: present(self.number_a)?,
            revoked_at: self.number_b,
        })
    }

    fn refresh(self) -> Result<RefreshPart, Error> {
        let (expires_at, idle_end) = (present(self.number_a)?, present(self.number_b)?);
        Ok(RefreshPart {
            expires_at: UnixTime(expires_at.min(idle_end)),
            used_at: self.number_c.map(UnixTime),
            successor_sealed: self.blob_a,
        })
    }
}

/// What a part of this kind always has.
fn present<T>(column: Option<T>) -> Result<T, Error> {
    column.ok_or_else(|| Error::fault("a part of a person is incomplete"))
}
