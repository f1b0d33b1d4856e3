//! The people of a story.

use comity::accounts::PasswordSet;
use comity::model::account::{Attribute, Stage, Status, Verification};
use comity::model::consent::Acceptance;
use comity::model::contact::ContactKind;
use comity::model::session::{Authentication, Session};
use comity::model::{AccountId, UnixTime};
use comity::store::{NewAccount, NewContact};

use super::browser::Browser;
use super::world::World;

/// What [`World::set_password`] sets.
pub const PASSWORD: &str = "an albatross over Haneda";

impl World {
    /// A person with an account: registered, the terms accepted.
    pub async fn person(&self, email: &str, name: &str) -> AccountId {
        let now = self.now();
        let acceptances = self.app().web().accounts.policy().documents.iter().map(|document| Acceptance {
            document: document.id.clone(),
            version: document.version,
            hash: "shown elsewhere".to_owned(),
            locale: "en".parse().unwrap(),
            accepted_at: now,
        });
        let new = NewAccount {
            stage: Stage::Registered,
            locale: "en".parse().unwrap(),
            zoneinfo: "Asia/Seoul".to_owned(),
            contact: Some(NewContact { kind: ContactKind::Email, value: email.to_owned(), verified: true }),
            identity: None,
            password_hash: None,
            attributes: vec![attribute("name", name.into(), now)],
            acceptances: acceptances.collect(),
        };
        self.store().register_account(new, now).await.unwrap()
    }

    /// A new person's browser, signed in.
    pub async fn signed_in(&self, email: &str, name: &str) -> Browser {
        self.person(email, name).await;
        let mut browser = self.browser();
        self.rp("web").sign_in(&mut browser, self, email).await;
        browser
    }

    /// Adds what is known of a person.
    pub async fn learn(&self, account: AccountId, claim: &str, value: impl Into<serde_json::Value>) {
        let attribute = attribute(claim, value.into(), self.now());
        self.store().put_attributes(account, vec![attribute], self.now()).await.unwrap();
    }

    /// Switches an account off.
    pub async fn suspend(&self, account: AccountId) {
        self.store().set_status(account, Status::Suspended, self.now()).await.unwrap();
    }

    /// A browser that has asked for a code on its way to the client `web`.
    pub async fn at_the_code_page(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.open(&self.rp("web").authorize().url()).await;
        browser.ask_for_code(email).await;
        browser
    }

    /// Sets [`PASSWORD`] as its owner would, just after signing in.
    pub async fn set_password(&self, account: AccountId) {
        let now = self.now();
        let authentication =
            Authentication { time: now, amr: vec!["otp".into()], acr: "urn:comity:acr:1".into(), connection: None };
        let session = Session {
            id: self.app().web().random.id(now),
            account,
            authentication,
            created_at: now,
            last_seen_at: now,
            expires_at: now + 60,
            user_agent: String::new(),
        };
        let set = self.app().web().accounts.set_password(&session, PASSWORD).await.unwrap();
        assert_eq!(set, PasswordSet::Done);
    }
}

fn attribute(name: &str, value: serde_json::Value, now: UnixTime) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value,
        source: "user".to_owned(),
        verification: Verification::Unverified,
        observed_at: now,
    }
}
