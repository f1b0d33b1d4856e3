//! People who come by a provider for the first time, and people who link one more login.

use comity::demo::simulators::Person as Upstream;
use comity::model::AccountId;
use comity::model::contact::ContactKind;
use comity::model::digest::sha256;
use comity::store::Store;
use http::Method;

use super::google::Google;
use crate::support::lossy::{Door, Lost, Walker};
use crate::support::process::now;

/// Somebody who signed up, or tried to.
pub struct Newcomer {
    person: Upstream,
    /// The cookie of the session, if the last answer came.
    session: Option<String>,
}

/// A login that was linked to an account, or was about to be.
pub struct Linked {
    person: Upstream,
    answered: bool,
}

/// Signs people up, until the server is gone.
pub async fn sign_up(door: &Door, google: &Google) -> Vec<Newcomer> {
    let mut newcomers = Vec::new();
    while sign_one_up(door, google, &mut newcomers).await.is_ok() {}
    newcomers
}

async fn sign_one_up(door: &Door, google: &Google, newcomers: &mut Vec<Newcomer>) -> Result<(), Lost> {
    let person = google.somebody();
    let mut walker = Walker::new(&door.issuer);
    let page = walker.open("/account").await?;
    let (page, there) = walker.press(&page, "connection-google", &[]).await?;
    let there = there.unwrap_or_else(|| panic!("{} {}", page.status, page.text("body")));
    // The server asks Google for its keys and may be killed over it: then it never comes to the next page.
    let callback = google.sign_in(&mut walker, &there, &person).await?;
    let page = walker.follow(callback).await?;
    assert_eq!(page.url.path(), "/sign-up", "{} {}", page.status, page.text("body"));
    newcomers.push(Newcomer { person, session: None });
    let accepted = [("accept.terms", "yes"), ("accept.privacy", "yes")];
    let (page, next) = walker.press(&page, "continue", &accepted).await?;
    assert!(next.is_some_and(|next| next.path() == "/account"), "{} {}", page.status, page.text("body"));
    newcomers.last_mut().unwrap().session = walker.session();
    Ok(())
}

/// Links logins to an account, until the server is gone.
pub async fn link(door: &Door, session: &str, google: &Google) -> Vec<Linked> {
    let mut links = Vec::new();
    while link_one(door, session, google, &mut links).await.is_ok() {}
    links
}

async fn link_one(door: &Door, session: &str, google: &Google, links: &mut Vec<Linked>) -> Result<(), Lost> {
    let person = google.somebody();
    let mut walker = Walker::signed_in(&door.issuer, session);
    let page = walker.open("/account").await?;
    let (page, there) = walker.press(&page, "connection-google", &[]).await?;
    let there = there.unwrap_or_else(|| panic!("{} {}", page.status, page.text("body")));
    let callback = google.sign_in(&mut walker, &there, &person).await?;
    links.push(Linked { person, answered: false });
    let (page, next) = walker.step(Method::GET, &callback, &[]).await?;
    let done = next.is_some_and(|next| next.query() == Some("done=identity_linked"));
    assert!(done, "{} {}", page.status, page.text("body"));
    links.last_mut().unwrap().answered = true;
    Ok(())
}

impl Newcomer {
    /// An account that was answered is there, whole, and its session stands; any other is whole or not there. Gives
    /// the account.
    pub async fn check(&self, door: &Door, store: &Store, google: &Google) -> Option<AccountId> {
        let identity = store.identity(&google.key(&self.person)).await.unwrap();
        let Some(identity) = identity else {
            assert!(self.session.is_none(), "the account of {} is lost", self.person.id);
            let address = self.person.email.as_deref().unwrap();
            let owners = store.verified_owners(ContactKind::Email, address).await.unwrap();
            assert!(owners.is_empty(), "half an account of {}", self.person.id);
            return None;
        };
        let profile = store.profile(identity.account).await.unwrap().expect("the account of a login");
        let addresses: Vec<_> = profile.contacts.iter().map(|contact| contact.value.as_str()).collect();
        assert_eq!(addresses, [self.person.email.as_deref().unwrap()]);
        assert!(profile.attributes.iter().any(|attribute| attribute.name == "name"));
        assert_eq!(store.acceptances(identity.account).await.unwrap().len(), 2, "the terms of {}", self.person.id);
        if let Some(cookie) = &self.session {
            let session = store.session(&sha256(cookie.as_bytes()), now()).await.unwrap();
            assert_eq!(session.expect("the session that was answered").account, identity.account);
            let page = Walker::signed_in(&door.issuer, cookie).open("/account").await.unwrap();
            assert_eq!((page.status, page.url.path()), (200, "/account"));
        }
        Some(identity.account)
    }

    pub const fn was_answered(&self) -> bool {
        self.session.is_some()
    }
}

impl Linked {
    /// A link that was answered stands; gives whether this one does.
    pub async fn check(&self, store: &Store, google: &Google, account: AccountId) -> bool {
        let identity = store.identity(&google.key(&self.person)).await.unwrap();
        let Some(identity) = identity else {
            assert!(!self.answered, "the link of {} is lost", self.person.id);
            return false;
        };
        assert_eq!(identity.account, account);
        true
    }

    pub const fn was_answered(&self) -> bool {
        self.answered
    }
}
