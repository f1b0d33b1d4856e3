//! The people: each with an account, a password, a session, and things only they are told.

use std::collections::BTreeMap;
use std::sync::Mutex;

use comity::accounts::Hasher;
use comity::app::{Extras, open_store};
use comity::model::account::{Attribute, Stage, Verification};
use comity::model::consent::Acceptance;
use comity::model::contact::ContactKind;
use comity::model::digest::sha256;
use comity::model::session::{Authentication, Session};
use comity::model::{Clock, Random, Secret};
use comity::settings::Settings;
use comity::store::{NewAccount, NewContact, Store};

pub const PASSWORD: &str = "an albatross over Haneda";

pub struct Person {
    pub email: String,
    pub name: String,
    /// The cookie of the session that was there before the night.
    pub session: String,
    /// The subject the shop was told first; it must never be told another.
    pub subject: Mutex<Option<String>>,
    /// Cookies of the browser this person signs in with by password; taken while they do.
    pub jar: Mutex<Option<BTreeMap<String, String>>>,
}

/// Registers people and signs them in.
pub async fn settle(settings: &Settings, count: usize) -> Vec<Person> {
    let store = open_store(settings, &Extras::default()).await.unwrap();
    let hasher = Hasher::new(1, 1, Random::new());
    let hash = hasher.hash(Secret::from(PASSWORD)).await.unwrap();
    let mut people = Vec::new();
    for number in 0..count {
        people.push(settle_one(settings, &store, number, &hash).await);
    }
    store.close().await;
    people
}

async fn settle_one(settings: &Settings, store: &Store, number: usize, hash: &str) -> Person {
    let (now, random) = (Clock::system().now(), Random::new());
    let (email, name) = (format!("person{number}@example.com"), format!("Person No. {number}"));
    let acceptance = |document: &comity::settings::Document| Acceptance {
        document: document.id.clone(),
        version: document.version,
        hash: "shown elsewhere".to_owned(),
        locale: "en".parse().unwrap(),
        accepted_at: now,
    };
    let known = Attribute {
        name: "name".to_owned(),
        value: name.as_str().into(),
        source: "user".to_owned(),
        verification: Verification::Unverified,
        observed_at: now,
    };
    let new = NewAccount {
        stage: Stage::Registered,
        locale: "en".parse().unwrap(),
        zoneinfo: "Asia/Seoul".to_owned(),
        contact: Some(NewContact { kind: ContactKind::Email, value: email.clone(), verified: true }),
        identity: None,
        password_hash: Some(Secret::from(hash)),
        attributes: vec![known],
        acceptances: settings.documents.iter().map(acceptance).collect(),
    };
    let account = store.register_account(new, now).await.unwrap();
    let session = random.token().expose().clone();
    let record = Session {
        id: random.id(now),
        account,
        authentication: Authentication {
            time: now,
            amr: vec!["otp".to_owned()],
            acr: "urn:comity:acr:1".to_owned(),
            connection: None,
        },
        created_at: now,
        last_seen_at: now,
        expires_at: now + 86_400,
        user_agent: "Night".to_owned(),
    };
    store.start_session(&record, &sha256(session.as_bytes()), None, now).await.unwrap();
    Person { email, name, session, subject: Mutex::default(), jar: Mutex::new(Some(BTreeMap::new())) }
}
