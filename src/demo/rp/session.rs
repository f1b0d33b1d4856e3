//! A relying party's own sessions: in memory, one cookie per host.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::fares::Booking;
use super::relying_party::Sent;
use super::token_store::{Spent, Tokens};
use crate::model::{Clock, Random, UnixTime};

/// Browsers remembered at most; the one unseen for longest goes first.
const KEPT: usize = 1000;
/// Sign-ins one browser may have under way, in as many tabs.
const PENDING: usize = 5;
const LOG_LENGTH: usize = 12;

/// What a relying party knows of one browser.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pending: Vec<Pending>,
    pub(super) login: Option<Login>,
    pub(super) bookings: Vec<Booking>,
    /// The key of a text to show once.
    pub(super) notice: Option<&'static str>,
    /// What the token endpoint was asked, newest first.
    pub(super) log: Vec<Line>,
}

/// A sign-in under way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) sent: Sent,
    /// The page to go on with.
    pub(super) after: String,
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) tokens: Tokens,
    pub(super) userinfo: Map<String, Value>,
    pub(super) userinfo_at: UnixTime,
    /// When the person last proved themselves because this relying party insisted.
    pub(super) fresh_at: Option<UnixTime>,
    /// Refresh tokens used up, newest first.
    pub(super) spent: Vec<Spent>,
}

/// One line of a log.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: UnixTime,
    /// The key of what was tried.
    pub(super) what: &'static str,
    pub(super) is_good: bool,
    pub(super) outcome: String,
}

impl Session {
    pub(super) fn expect(&mut self, pending: Pending) {
        self.pending.push(pending);
        if self.pending.len() > PENDING {
            self.pending.remove(0);
        }
    }

    /// The sign-in a state belongs to; once.
    pub(super) fn take_pending(&mut self, state: &str) -> Option<Pending> {
        let position = self.pending.iter().position(|pending| pending.sent.state == state)?;
        Some(self.pending.remove(position))
    }

    /// Someone signed in; what belongs to somebody else before goes.
    pub(super) fn enter(&mut self, login: Login) {
        if self.login.as_ref().is_some_and(|before| before.tokens.sub != login.tokens.sub) {
            self.leave();
        }
        self.login = Some(login);
    }

    /// Forgets the person; the next one at this browser may be another.
    pub(super) fn leave(&mut self) -> Option<Login> {
        self.bookings.clear();
        self.log.clear();
        self.login.take()
    }

    pub(super) fn log(&mut self, line: Line) {
        self.log.insert(0, line);
        self.log.truncate(LOG_LENGTH);
    }
}

/// The sessions of one relying party.
#[derive(Debug)]
pub(super) struct Sessions {
    clock: Clock,
    random: Random,
    rows: Mutex<HashMap<String, (UnixTime, Session)>>,
}

impl Sessions {
    pub(super) fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random, rows: Mutex::new(HashMap::new()) }
    }

    /// The browser's session as it is now; an empty one for a browser never seen.
    pub(super) fn get(&self, key: Option<&str>) -> Session {
        key.and_then(|key| self.rows().get(key).map(|(_, session)| session.clone())).unwrap_or_default()
    }

    /// Changes a session there is.
    pub(super) fn change<T>(&self, key: Option<&str>, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let now = self.clock.now();
        let mut rows = self.rows();
        let (seen_at, session) = rows.get_mut(key?)?;
        *seen_at = now;
        Some(change(session))
    }

    /// Changes the browser's session, which gets a new key: whoever knew the old one, perhaps because he planted it,
    /// knows nothing. Gives the new key.
    pub(super) fn renew(&self, key: Option<&str>, change: impl FnOnce(&mut Session)) -> String {
        let now = self.clock.now();
        let mut rows = self.rows();
        let mut session = key.and_then(|key| rows.remove(key)).map(|(_, session)| session).unwrap_or_default();
        change(&mut session);
        if rows.len() >= KEPT {
            let oldest = rows.iter().min_by_key(|(_, (seen_at, _))| *seen_at).map(|(key, _)| key.clone());
            oldest.and_then(|key| rows.remove(&key));
        }
        let key = self.random.token().expose().clone();
        rows.insert(key.clone(), (now, session));
        key
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<String, (UnixTime, Session)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(state: &str) -> Pending {
        let sent =
            Sent { state: state.to_owned(), nonce: String::new(), verifier: "".into(), at: UnixTime(0), fresh: false };
        Pending { sent, after: "/".to_owned() }
    }

    #[test]
    fn a_state_is_good_once_and_for_its_own_browser() {
        let sessions = Sessions::new(Clock::manual(UnixTime(1)), Random::new());
        let key = sessions.renew(None, |session| session.expect(pending("a")));
        let take = |key: &str, state: &str| sessions.change(Some(key), |it| it.take_pending(state)).flatten();
        assert!(take("other", "a").is_none());
        assert!(take(&key, "b").is_none());
        assert!(take(&key, "a").is_some());
        assert!(take(&key, "a").is_none());
    }

    #[test]
    fn a_renewed_session_has_another_key_and_the_old_one_is_dead() {
        let sessions = Sessions::new(Clock::manual(UnixTime(1)), Random::new());
        let old = sessions.renew(None, |session| session.notice = Some("kept"));
        let new = sessions.renew(Some(&old), |_| ());
        assert_ne!(old, new);
        assert_eq!(sessions.get(Some(&old)).notice, None);
        assert_eq!(sessions.get(Some(&new)).notice, Some("kept"));
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let clock = Clock::manual(UnixTime(1));
        let sessions = Sessions::new(clock.clone(), Random::new());
        let first = sessions.renew(None, |session| session.notice = Some("first"));
        for _ in 0..KEPT {
            clock.advance(1);
            sessions.renew(None, |_| ());
        }
        assert_eq!(sessions.rows().len(), KEPT);
        assert_eq!(sessions.get(Some(&first)).notice, None);
    }
}
