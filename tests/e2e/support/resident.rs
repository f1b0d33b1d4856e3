//! Somebody who has an account and a session before the server starts.

use comity::model::account::{Attribute, Stage, Verification};
use comity::model::consent::Acceptance;
use comity::model::contact::ContactKind;
use comity::model::digest::sha256;
use comity::model::session::{Authentication, Session};
use comity::model::{AccountId, Random, SessionId};
use comity::store::{NewAccount, NewContact, Store};

use super::process::now;

#[derive(Clone, Debug)]
pub struct Resident {
    pub account: AccountId,
    /// The value of the session cookie.
    pub cookie: String,
    session: SessionId,
}

impl Resident {
    /// Registers an account, the terms accepted, and signs in to it.
    pub async fn register(store: &Store, email: &str) -> Self {
        let (now, random) = (now(), Random::new());
        let acceptance = |document: &str| Acceptance {
            document: document.to_owned(),
            version: 1,
            hash: "shown elsewhere".to_owned(),
            locale: "en".parse().unwrap(),
            accepted_at: now,
        };
        let name = Attribute {
            name: "name".to_owned(),
            value: "Mina Kim".into(),
            source: "user".to_owned(),
            verification: Verification::Unverified,
            observed_at: now,
        };
        let new = NewAccount {
            stage: Stage::Registered,
            locale: "en".parse().unwrap(),
            zoneinfo: "Asia/Seoul".to_owned(),
            contact: Some(NewContact { kind: ContactKind::Email, value: email.to_owned(), verified: true }),
            identity: None,
            password_hash: None,
            attributes: vec![name],
            acceptances: vec![acceptance("terms"), acceptance("privacy")],
        };
        let account = store.register_account(new, now).await.unwrap();
        let cookie = random.token().expose().clone();
        let session = Session {
            id: random.id(now),
            account,
            authentication: authentication(),
            created_at: now,
            last_seen_at: now,
            expires_at: now + 86_400,
            user_agent: "Test".to_owned(),
        };
        store.start_session(&session, &sha256(cookie.as_bytes()), None, now).await.unwrap();
        Self { account, cookie, session: session.id }
    }

    /// Proves themselves anew: sensitive changes want it.
    pub async fn prove(&self, store: &Store) {
        let hash = sha256(self.cookie.as_bytes());
        assert!(store.reauthenticated(self.session, &hash, &authentication(), now()).await.unwrap());
    }
}

fn authentication() -> Authentication {
    Authentication { time: now(), amr: vec!["otp".to_owned()], acr: "urn:comity:acr:1".to_owned(), connection: None }
}
