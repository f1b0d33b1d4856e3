//! A room on a fresh database in memory, for the tests beside it.

use std::collections::BTreeMap;

use super::{Accounts, Document, Hasher, Parts, Policy};
use crate::cache::Cache;
use crate::jose::Sealer;
use crate::model::account::Stage;
use crate::model::contact::ContactKind;
use crate::model::{AccountId, Clock, Locale, Random, Secret, UnixTime};
use crate::policy::linking::LinkingPolicy;
use crate::store::{DatabaseSettings, NewAccount, NewContact, Store, Vault};

pub(super) const NOW: UnixTime = UnixTime(1_800_000_000);

pub(super) struct Bench {
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
}

pub(super) async fn bench() -> Bench {
    let (clock, random) = (Clock::manual(NOW), Random::new());
    let vault = Vault::new(vec![Secret::new([7; 32])]).unwrap();
    let settings = DatabaseSettings::new("sqlite::memory:".to_owned());
    let store = Store::open(&settings, vault, random.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let accounts = Accounts::new(Parts {
        policy: policy(),
        store,
        cache: Cache::memory(clock.clone()),
        sealer: Sealer::new([1; 32], random.clone()),
        hasher: Hasher::new(1, 8, random.clone()),
        clock: clock.clone(),
        random,
    });
    Bench { accounts, clock }
}

fn policy() -> Policy {
    let words = |text: &str| BTreeMap::from([(Locale::english(), text.to_owned())]);
    Policy {
        passwords: true,
        code_seconds: 300,
        code_tries: 5,
        codes_per_hour: 8,
        attempts_per_minute: 60,
        session_idle_seconds: 1000,
        session_absolute_seconds: 5000,
        step_up_seconds: 300,
        linking: LinkingPolicy::default(),
        zoneinfo: "UTC".to_owned(),
        locale: Locale::english(),
        documents: vec![Document {
            id: "terms".to_owned(),
            version: 1,
            required: true,
            title: words("Terms"),
            text: words("Be kind."),
        }],
    }
}

impl Bench {
    /// An account that has proven the address.
    pub(super) async fn person(&self, email: &str) -> AccountId {
        let contact = NewContact { kind: ContactKind::Email, value: email.to_owned(), verified: true };
        let account = NewAccount {
            stage: Stage::Registered,
            locale: Locale::english(),
            zoneinfo: "UTC".to_owned(),
            contact: Some(contact),
            identity: None,
            password_hash: None,
            attributes: Vec::new(),
            acceptances: Vec::new(),
        };
        self.accounts.0.store.register_account(account, NOW).await.unwrap()
    }
}
