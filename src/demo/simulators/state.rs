//! What one simulator remembers: sessions, codes, tokens, who is linked to which application, and what it was asked.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::call::LogEntry;
use super::person::Person;
use super::quirk::Quirk;
use super::settings::ProviderClient;
use crate::model::UnixTime;

/// More is forgotten, oldest first.
const LOG_LIMIT: usize = 1000;

/// The user's session at the provider.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) person: String,
    pub(super) since: UnixTime,
}

/// What an authorization gave; its code refers to it, later its tokens do.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client: Arc<ProviderClient>,
    pub(super) redirect_uri: String,
    pub(super) person: String,
    /// Scopes as requested, granted or not.
    pub(super) scope: Vec<String>,
    /// The consent items asked for now and granted, now or earlier.
    pub(super) items: BTreeSet<String>,
    pub(super) nonce: Option<String>,
    /// Method and challenge [RFC 7636 §4.3].
    pub(super) challenge: Option<(String, String)>,
    pub(super) auth_time: UnixTime,
    pub(super) issued_at: UnixTime,
    /// The user connected the application with this very authorization.
    pub(super) is_first: bool,
    /// The user was asked who he is, no earlier session was used.
    pub(super) is_fresh: bool,
    /// A refresh token was asked for, where that must be asked.
    pub(super) offline: bool,
}

impl Grant {
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|requested| requested == scope)
    }
}

/// A code and whether it was redeemed.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) grant: Arc<Grant>,
    pub(super) is_spent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

/// A token in circulation.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) grant: Arc<Grant>,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
}

/// The connection between a user and an application (at Apple, a team's applications).
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connected_at: UnixTime,
    pub(super) asked: BTreeSet<String>,
    pub(super) granted: BTreeSet<String>,
    pub(super) hides_email: bool,
    /// The application has asked who the user is.
    pub(super) was_read: bool,
}

/// The memory of one simulator.
#[derive(Default)]
pub(super) struct State {
    pub(super) quirks: Vec<Quirk>,
    pub(super) people: Vec<Person>,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) tokens: HashMap<String, Token>,
    /// By owner (client id or team) and person.
    pub(super) links: HashMap<(String, String), Link>,
    /// Claims of the ID tokens issued.
    pub(super) id_tokens: HashMap<String, Value>,
    /// LINE: channel and expiry.
    pub(super) channel_tokens: HashMap<String, (String, UnixTime)>,
    pub(super) log: VecDeque<LogEntry>,
    pub(super) requests: u64,
}

/// Whose users they are: Apple knows teams, everybody else applications.
pub(super) fn owner(client: &ProviderClient) -> &str {
    client.apple.as_ref().map_or(client.client_id.as_str(), |key| key.team_id.as_str())
}

impl State {
    pub(super) fn with_people(people: Vec<Person>) -> Self {
        Self { people, ..Self::default() }
    }

    pub(super) fn person(&self, id: &str) -> Option<Person> {
        self.people.iter().find(|person| person.id == id).cloned()
    }

    pub(super) fn link(&self, client: &ProviderClient, person: &str) -> Option<&Link> {
        self.links.get(&(owner(client).to_owned(), person.to_owned()))
    }

    pub(super) fn link_mut(&mut self, client: &ProviderClient, person: &str) -> Option<&mut Link> {
        self.links.get_mut(&(owner(client).to_owned(), person.to_owned()))
    }

    /// Ends the connection with all its codes and tokens; false when there was none.
    pub(super) fn unlink(&mut self, owner_id: &str, person: &str) -> bool {
        let other = |grant: &Grant| grant.person != person || owner(&grant.client) != owner_id;
        self.codes.retain(|_, code| other(&code.grant));
        self.tokens.retain(|_, token| other(&token.grant));
        self.links.remove(&(owner_id.to_owned(), person.to_owned())).is_some()
    }

    /// Ends all connections of which the application did not ask within `seconds` who the user is.
    pub(super) fn unlink_unread(&mut self, now: UnixTime, seconds: i64) {
        let overdue: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| !link.was_read && now.since(link.connected_at) > seconds)
            .map(|(key, _)| key.clone())
            .collect();
        for (owner_id, person) in overdue {
            self.unlink(&owner_id, &person);
        }
    }

    /// Takes a request into the log and gives its number.
    pub(super) fn record(&mut self, entry: impl FnOnce(u64) -> LogEntry) -> u64 {
        self.requests += 1;
        if self.log.len() >= LOG_LIMIT {
            self.log.pop_front();
        }
        self.log.push_back(entry(self.requests));
        self.requests
    }

    pub(super) fn record_status(&mut self, number: u64, status: u16) {
        if let Some(entry) = self.log.iter_mut().rev().find(|entry| entry.number == number) {
            entry.status = Some(status);
        }
    }
}
