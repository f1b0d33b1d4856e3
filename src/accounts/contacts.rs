//! Further addresses: added once a code has proven the mailbox, removed unless it is the last one we can reach.

use serde::{Deserialize, Serialize};

use super::email_code::digits;
use super::{Accounts, Removal};
use crate::cache::{Slot, Tick};
use crate::model::contact::{Contact, ContactKind};
use crate::model::digest::{b64, constant_time_eq, hmac_sha256};
use crate::model::session::Session;
use crate::model::{ContactId, Fault, Secret, UnixTime};
use crate::policy::identifier::Identifier;

/// Digits of a code.
const DIGITS: usize = 6;
/// Codes one account may have sent to new addresses in an hour.
const CODES_PER_HOUR: u64 = 10;
/// Codes one account may try in a day, whatever it has sent anew.
const TRIES_PER_DAY: u64 = 30;

/// An address being proven, by session. It outlives its code, so that another can be sent.
const PROOFS: Slot<Proof> = Slot::sealed("address-proof", 1800);

#[derive(Debug, Serialize, Deserialize)]
struct Proof {
    email: String,
    /// Keys the code, and counts its tries.
    handle: String,
    code: String,
    sent_at: UnixTime,
}

/// What asking for a code came to.
#[derive(Clone, Debug)]
pub enum AddressCode {
    /// Send this code to this canonical address.
    Send {
        /// Where to.
        email: String,
        /// The digits.
        code: Secret<String>,
    },
    /// The text is no address.
    NotAnAddress,
    /// The account has proven it already.
    AlreadyYours,
    /// This mailbox or account had enough codes for now.
    TooMany,
    /// The person must prove themselves anew first.
    StepUp,
}

/// What returning a code came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressProven {
    /// The address is the account's now.
    Added(String),
    /// Not the code that was sent.
    Wrong,
    /// The code is over: too old, or tried too often. Another may be sent.
    Over,
    /// The mailbox belongs to another account. Whoever learns this has just proven the mailbox.
    Elsewhere,
    /// No address is being proven.
    Nothing,
}

impl Accounts {
    /// Makes a code for an address to be added, replacing an earlier one. Nothing is said about whether anybody has
    /// the address.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn make_address_code(&self, session: &Session, typed: &str) -> Result<AddressCode, Fault> {
        let Ok(email) = Identifier::email(typed).map(Identifier::into_string) else {
            return Ok(AddressCode::NotAnAddress);
        };
        if !self.is_fresh(session) {
            return Ok(AddressCode::StepUp);
        }
        let contacts = self.0.store.contacts(session.account).await?;
        if contacts.iter().any(|contact| contact.value == email && contact.verified_at.is_some()) {
            return Ok(AddressCode::AlreadyYours);
        }
        let sent = self.0.cache.count("address-codes", &session.account.to_string(), 3600).await?;
        if sent > CODES_PER_HOUR || self.count_code(&email, None).await?.is_err() {
            return Ok(AddressCode::TooMany);
        }
        let (code, handle) = (self.0.random.digits(DIGITS), self.0.random.handle());
        let proof =
            Proof { email: email.clone(), code: bound(&handle, code.expose()), handle, sent_at: self.0.clock.now() };
        self.0.cache.put(&PROOFS, &session.id.to_string(), &proof).await?;
        Ok(AddressCode::Send { email, code })
    }

    /// The address being proven in this session.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn address_under_proof(&self, session: &Session) -> Result<Option<String>, Fault> {
        Ok(self.0.cache.get(&PROOFS, &session.id.to_string()).await?.map(|proof| proof.email))
    }

    /// Gives up proving an address.
    ///
    /// # Errors
    /// A [`Fault`] when the cache does not answer.
    pub async fn drop_address_proof(&self, session: &Session) -> Result<(), Fault> {
        Ok(self.0.cache.remove(&PROOFS, &session.id.to_string()).await?)
    }

    /// Takes a typed code and adds the address. Every try counts before it is compared.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn return_address_code(&self, session: &Session, typed: &str) -> Result<AddressProven, Fault> {
        let key = session.id.to_string();
        let Some(proof) = self.0.cache.get(&PROOFS, &key).await? else { return Ok(AddressProven::Nothing) };
        let now = self.0.clock.now();
        let account = session.account.to_string();
        let ticks = [
            Tick { name: "address-code-tries", key: &proof.handle, window_seconds: 3600 },
            Tick { name: "address-tries", key: &account, window_seconds: 86_400 },
        ];
        let counts = self.0.cache.count_all(&ticks).await?;
        let [tries, today] = counts.as_slice() else { return Ok(AddressProven::Over) };
        let age = u64::try_from(now.since(proof.sent_at)).unwrap_or(u64::MAX);
        if *tries > self.0.policy.code_tries || *today > TRIES_PER_DAY || age > self.0.policy.code_seconds {
            return Ok(AddressProven::Over);
        }
        if !constant_time_eq(bound(&proof.handle, &digits(typed)).as_bytes(), proof.code.as_bytes()) {
            return Ok(AddressProven::Wrong);
        }
        // Of all that hold the right code, one takes it; a code sent meanwhile is another proof.
        let taken = self.0.cache.take(&PROOFS, &key).await?;
        if taken.is_none_or(|taken| taken.handle != proof.handle) {
            return Ok(AddressProven::Nothing);
        }
        match self.0.store.verify_contact(session.account, ContactKind::Email, &proof.email, now).await {
            Ok(_) => Ok(AddressProven::Added(proof.email)),
            Err(crate::store::Error::Conflict(_)) => Ok(AddressProven::Elsewhere),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an address, unless something stands against it.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn remove_contact(&self, session: &Session, id: ContactId) -> Result<Removal, Fault> {
        let contacts = self.0.store.contacts(session.account).await?;
        let Some(contact) = contacts.iter().find(|contact| contact.id == id) else { return Ok(Removal::Unknown) };
        if !self.is_fresh(session) {
            return Ok(Removal::StepUp);
        }
        if !may_go(contact, &contacts) {
            return Ok(Removal::LastWayIn);
        }
        let removed = self.0.store.remove_contact(session.account, id, self.0.clock.now()).await?;
        Ok(if removed { Removal::Done } else { Removal::Unknown })
    }
}

/// Whether an address may be removed: a proven mailbox must remain, for codes, for recovery and for telling the owner
/// what happens to the account.
pub fn may_go(contact: &Contact, all: &[Contact]) -> bool {
    let is_reachable = |other: &Contact| other.kind == ContactKind::Email && other.verified_at.is_some();
    contact.verified_at.is_none() || all.iter().any(|other| other.id != contact.id && is_reachable(other))
}

/// A code is worth nothing outside its proof.
fn bound(handle: &str, code: &str) -> String {
    b64(&hmac_sha256(handle.as_bytes(), code.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, Random};

    fn contact(kind: ContactKind, verified: bool) -> Contact {
        let now = UnixTime(1000);
        let random = Random::new();
        Contact {
            id: random.id(now),
            account: random.id::<AccountId>(now),
            kind,
            value: "mina@example.com".to_owned(),
            verified_at: verified.then_some(now),
            created_at: now,
        }
    }

    #[test]
    fn the_last_mailbox_stays_and_mere_claims_go() {
        use ContactKind::{Email, Phone};
        let all = [contact(Email, true), contact(Email, false), contact(Phone, true)];
        let [mailbox, claim, phone] = &all;
        assert!(!may_go(mailbox, &all));
        assert!(may_go(claim, &all));
        assert!(may_go(phone, &all));
        let two = [mailbox.clone(), contact(Email, true)];
        assert!(two.iter().all(|contact| may_go(contact, &two)));
        let only_phone = [phone.clone()];
        assert!(!may_go(phone, &only_phone));
    }
}
