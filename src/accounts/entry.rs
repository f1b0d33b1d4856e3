//! From a proof to a session.

use super::continuation::Continuation;
use super::{Accounts, Arrival};
use crate::model::account::Status;
use crate::model::digest::sha256;
use crate::model::session::{Authentication, Session};
use crate::model::{AccountId, ConnectionId, Fault, Secret, UnixTime};

/// `acr` of everything short of two factors.
const ACR_SINGLE_FACTOR: &str = "urn:comity:acr:1";

/// Seconds between two notes of a session being used, or a tenth of the time it may idle, if that is less.
const TOUCH: i64 = 300;

/// A proof that this person is the account's owner. Made by the methods of this room only.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) account: AccountId,
    pub(super) amr: &'static str,
    pub(super) connection: Option<ConnectionId>,
}

impl Entry {
    pub(super) fn federated(account: AccountId, arrival: &Arrival) -> Self {
        Self { account, amr: "fed", connection: Some(arrival.key.connection.clone()) }
    }

    /// Whose account it opens.
    pub const fn account(&self) -> AccountId {
        self.account
    }
}

/// What entering came to.
#[derive(Clone, Debug)]
pub enum Entered {
    /// A session, with the secret for its cookie.
    Session {
        /// The session.
        session: Box<Session>,
        /// The cookie's value.
        cookie: Secret<String>,
        /// The upstream login that was linked on the way.
        linked: Option<ConnectionId>,
    },
    /// The account is not in use.
    Suspended,
    /// The upstream login that was to be linked belongs to another account meanwhile.
    LinkedElsewhere,
}

impl Accounts {
    /// Opens a session for a proven owner in this transaction, linking the upstream login that waits in it.
    /// The previous session of the browser ends if it was somebody else's, else it goes on with a new secret.
    ///
    /// # Errors
    /// A [`Fault`] when the store or cache does not answer.
    pub async fn enter(
        &self,
        txn: &str,
        entry: Entry,
        previous: Option<&Session>,
        user_agent: &str,
    ) -> Result<Entered, Fault> {
        let now = self.0.clock.now();
        let linked = match self.link_waiting(txn, &entry, now).await? {
            Waiting::Nothing => None,
            Waiting::Linked(connection) => Some(connection),
            Waiting::LinkedElsewhere => return Ok(Entered::LinkedElsewhere),
            Waiting::Suspended => return Ok(Entered::Suspended),
        };
        match self.open_session(&entry, previous, user_agent, now).await {
            Ok((session, cookie)) => Ok(Entered::Session { session: Box::new(session), cookie, linked }),
            Err(crate::store::Error::Conflict("account")) => Ok(Entered::Suspended),
            Err(error) => Err(error.into()),
        }
    }

    /// Links the waiting login to the account that has just proven itself in the same transaction and browser.
    async fn link_waiting(&self, txn: &str, entry: &Entry, now: UnixTime) -> Result<Waiting, Fault> {
        let waiting = self.take_continuation(txn).await?;
        let arrival = match &waiting {
            Some(Continuation::LinkAny { arrival }) => arrival,
            Some(Continuation::Link { arrival, candidates }) if candidates.contains(&entry.account) => arrival,
            // Another account signed in than the one the login may be linked to: the offer lapses.
            Some(_) | None => return Ok(Waiting::Nothing),
        };
        if !arrival.is_fresh(now) {
            return Ok(Waiting::Nothing);
        }
        let account = self.0.store.account(entry.account).await?;
        if account.is_none_or(|account| account.status != Status::Active) {
            return Ok(Waiting::Suspended);
        }
        match self.0.store.link_identity(entry.account, &arrival.identity(), now).await {
            Ok(_) => {}
            Err(crate::store::Error::Conflict(_)) => return Ok(Waiting::LinkedElsewhere),
            Err(error) => return Err(self.put_back(txn, waiting, error.into()).await),
        }
        self.0.store.put_attributes(entry.account, arrival.attributes.clone(), now).await?;
        Ok(Waiting::Linked(arrival.key.connection.clone()))
    }

    async fn open_session(
        &self,
        entry: &Entry,
        previous: Option<&Session>,
        user_agent: &str,
        now: UnixTime,
    ) -> Result<(Session, Secret<String>), crate::store::Error> {
        let authentication = Authentication {
            time: now,
            amr: vec![entry.amr.to_owned()],
            acr: ACR_SINGLE_FACTOR.to_owned(),
            connection: entry.connection.clone(),
        };
        let cookie = self.0.random.token();
        let hash = sha256(cookie.expose().as_bytes());
        // One that ended while its owner proved themselves anew does not come back to life: a new one takes its place.
        if let Some(previous) = previous.filter(|previous| previous.account == entry.account)
            && self.0.store.reauthenticated(previous.id, &hash, &authentication, now).await?
        {
            return Ok((Session { authentication, last_seen_at: now, ..previous.clone() }, cookie));
        }
        let session = Session {
            id: self.0.random.id(now),
            account: entry.account,
            authentication,
            created_at: now,
            last_seen_at: now,
            expires_at: now + self.0.policy.session_absolute_seconds,
            user_agent: user_agent.chars().filter(|c| !c.is_control()).take(200).collect(),
        };
        self.0.store.start_session(&session, &hash, previous.map(|previous| previous.id), now).await?;
        Ok((session, cookie))
    }

    /// The session a cookie stands for, unless it ended, idled out, or its account is not in use.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, Fault> {
        let now = self.0.clock.now();
        let found = self.0.store.session(&sha256(cookie.as_bytes()), now).await?;
        let Some(session) = found else { return Ok(None) };
        let idle = now.since(session.last_seen_at);
        if idle > self.0.policy.session_idle_seconds || now >= session.expires_at {
            return Ok(None);
        }
        // Now and then is enough to tell an idle session, and spares a write on every page.
        if idle >= TOUCH.min(self.0.policy.session_idle_seconds.div_euclid(10)) {
            self.0.store.touch_session(session.id, now).await?;
        }
        Ok(Some(session))
    }

    /// Whether the session's proof is recent enough for a sensitive change.
    pub fn is_fresh(&self, session: &Session) -> bool {
        let age = self.0.clock.now().since(session.authentication.time);
        (0..=self.0.policy.step_up_seconds).contains(&age)
    }
}

/// What became of an upstream login that waited for its account's owner.
enum Waiting {
    /// None waited, or not for this account.
    Nothing,
    /// It is linked.
    Linked(ConnectionId),
    /// It belongs to another account.
    LinkedElsewhere,
    /// The account is not in use.
    Suspended,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::bench::{Bench, NOW, bench};
    use crate::model::identity::{IdentityKey, UpstreamTokens};
    use crate::policy::linking::EmailTrust;

    async fn enter(bench: &Bench, account: AccountId, previous: Option<&Session>) -> (Session, String, bool) {
        let entry = Entry { account, amr: "otp", connection: None };
        match bench.accounts.enter("txn", entry, previous, "browser").await.unwrap() {
            Entered::Session { session, cookie, linked } => (*session, cookie.expose().clone(), linked.is_some()),
            other => panic!("{other:?}"),
        }
    }

    fn arrival() -> Arrival {
        let key = IdentityKey { connection: "kakao".into(), issuer: "https://k".to_owned(), subject: "1".to_owned() };
        Arrival {
            key,
            label: None,
            email: None,
            trust: EmailTrust::Unverified,
            attributes: Vec::new(),
            tokens: UpstreamTokens::default(),
            at: NOW,
        }
    }

    #[tokio::test]
    async fn each_proof_has_a_cookie_of_its_own() {
        let bench = bench().await;
        let (mina, jiho) = (bench.person("mina@example.com").await, bench.person("jiho@example.com").await);
        let accounts = &bench.accounts;
        let (first, cookie, _) = enter(&bench, mina, None).await;
        let (again, renewed, _) = enter(&bench, mina, Some(&first)).await;
        assert_eq!(again.id, first.id);
        assert!(accounts.session(&cookie).await.unwrap().is_none(), "the former cookie is void");
        let (other, foreign, _) = enter(&bench, jiho, Some(&again)).await;
        assert_ne!(other.id, again.id);
        assert!(accounts.session(&renewed).await.unwrap().is_none(), "another person ends the former session");
        assert_eq!(accounts.session(&foreign).await.unwrap().unwrap().account, jiho);

        accounts.end_session(jiho, other.id).await.unwrap();
        let (revived, cookie, _) = enter(&bench, jiho, Some(&other)).await;
        assert_ne!(revived.id, other.id, "what was ended meanwhile stays ended");
        assert_eq!(accounts.session(&cookie).await.unwrap().unwrap().id, revived.id);
    }

    #[tokio::test]
    async fn a_waiting_login_is_linked_to_who_may_have_it_and_in_time() {
        let bench = bench().await;
        let (mina, jiho) = (bench.person("mina@example.com").await, bench.person("jiho@example.com").await);
        let accounts = &bench.accounts;
        let waiting = Continuation::Link { arrival: arrival(), candidates: vec![mina] };
        accounts.keep_continuation("txn", &waiting).await.unwrap();
        assert!(!enter(&bench, jiho, None).await.2, "somebody else");
        assert!(!enter(&bench, mina, None).await.2, "the offer lapsed");

        accounts.keep_continuation("txn", &waiting).await.unwrap();
        bench.clock.advance(590);
        accounts.keep_continuation("txn", &waiting).await.unwrap();
        bench.clock.advance(11);
        assert!(!enter(&bench, mina, None).await.2, "too late");

        let fresh = Continuation::LinkAny { arrival: Arrival { at: bench.clock.now(), ..arrival() } };
        accounts.keep_continuation("txn", &fresh).await.unwrap();
        assert!(enter(&bench, mina, None).await.2);
        accounts.keep_continuation("txn", &fresh).await.unwrap();
        let entry = Entry { account: jiho, amr: "otp", connection: None };
        let taken = accounts.enter("txn", entry, None, "browser").await.unwrap();
        assert!(matches!(taken, Entered::LinkedElsewhere));
    }
}
