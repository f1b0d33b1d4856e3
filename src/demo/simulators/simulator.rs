//! The simulators and the control a test has over them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;

use super::call::LogEntry;
use super::keys::SimulatorKeys;
use super::observe;
use super::person::Person;
use super::profile::Profile;
use super::providers;
use super::quirk::Quirk;
use super::settings::{BaseUrl, Provider, ProviderClient, SimulatorSettings};
use super::state::{State, Token, owner};
use crate::model::{Clock, Random, UnixTime};

/// All provider simulators; a clone controls the same ones.
#[derive(Clone)]
pub struct Simulators(Arc<BTreeMap<Provider, Simulator>>);

impl Simulators {
    /// Builds one simulator per provider, each with its usual test identities and no quirk.
    pub fn new(settings: SimulatorSettings) -> Self {
        let clients: Vec<_> = settings.clients.into_iter().map(Arc::new).collect();
        let build = |provider| {
            let inner = Inner {
                provider,
                profile: providers::profile(provider),
                clients: clients.iter().filter(|client| client.provider == provider).cloned().collect(),
                base_url: Arc::clone(&settings.base_url),
                clock: settings.clock.clone(),
                random: settings.random.clone(),
                keys: settings.keys.clone(),
                state: Mutex::new(State::with_people(Person::known_to(provider))),
            };
            (provider, Simulator(Arc::new(inner)))
        };
        Self(Arc::new(Provider::ALL.into_iter().map(build).collect()))
    }

    pub(super) fn simulator(&self, provider: Provider) -> Option<&Simulator> {
        self.0.get(&provider)
    }

    fn on<T>(&self, provider: Provider, act: impl FnOnce(&Simulator) -> T) -> Option<T> {
        self.simulator(provider).map(act)
    }

    /// The provider's endpoints and pages under their real paths; the caller dispatches by host.
    pub fn router(&self, provider: Provider) -> Router {
        self.on(provider, |simulator| {
            observe::layer((simulator.profile.routes)(), simulator).with_state(simulator.clone())
        })
        .unwrap_or_default()
    }

    /// Puts every simulator back to how it was built, keys excepted.
    pub fn reset(&self) {
        for (provider, simulator) in self.0.iter() {
            *simulator.state() = State::with_people(Person::known_to(*provider));
        }
    }

    /// Turns a quirk on, replacing the same switch in another position.
    pub fn set(&self, provider: Provider, quirk: Quirk) {
        self.on(provider, |simulator| {
            let quirks = &mut simulator.state().quirks;
            quirks.retain(|present| !present.is_same_switch(&quirk));
            quirks.push(quirk);
        });
    }

    /// Turns a quirk off.
    pub fn unset(&self, provider: Provider, quirk: &Quirk) {
        self.on(provider, |simulator| simulator.state().quirks.retain(|present| !present.is_same_switch(quirk)));
    }

    /// Turns all quirks off.
    pub fn clear(&self, provider: Provider) {
        self.on(provider, |simulator| simulator.state().quirks.clear());
    }

    /// The quirks in force.
    pub fn quirks(&self, provider: Provider) -> Vec<Quirk> {
        self.on(provider, |simulator| simulator.state().quirks.clone()).unwrap_or_default()
    }

    /// The accounts the provider has.
    pub fn people(&self, provider: Provider) -> Vec<Person> {
        self.on(provider, |simulator| simulator.state().people.clone()).unwrap_or_default()
    }

    /// Replaces the accounts the provider has; sessions and links of others die.
    pub fn set_people(&self, provider: Provider, people: Vec<Person>) {
        self.on(provider, |simulator| {
            let mut state = simulator.state();
            state.sessions.retain(|_, session| people.iter().any(|person| person.id == session.person));
            let gone: Vec<_> =
                state.links.keys().filter(|(_, id)| !people.iter().any(|person| person.id == *id)).cloned().collect();
            for (owner_id, id) in gone {
                state.unlink(&owner_id, &id);
            }
            state.people = people;
        });
    }

    /// The subject by which the application knows the person.
    pub fn subject(&self, provider: Provider, client_id: &str, person: &str) -> Option<String> {
        self.on(provider, |simulator| {
            let client = simulator.client(client_id)?;
            let person = simulator.state().person(person)?;
            Some(simulator.subject(&client, &person))
        })
        .flatten()
    }

    /// Whether the person is connected to the application right now.
    pub fn is_linked(&self, provider: Provider, client_id: &str, person: &str) -> bool {
        self.on(provider, |simulator| {
            simulator.sweep();
            simulator.client(client_id).is_some_and(|client| simulator.state().link(&client, person).is_some())
        })
        .unwrap_or_default()
    }

    /// The person disconnects the application at the provider; no notice is sent. False when there was no connection.
    pub fn unlink(&self, provider: Provider, client_id: &str, person: &str) -> bool {
        self.on(provider, |simulator| {
            simulator.client(client_id).is_some_and(|client| simulator.state().unlink(owner(&client), person))
        })
        .unwrap_or_default()
    }

    /// Ends all browser sessions at the provider; the links stay.
    pub fn sign_out(&self, provider: Provider) {
        self.on(provider, |simulator| simulator.state().sessions.clear());
    }

    /// The requests received since the start or the last reset, oldest first, at most a thousand.
    pub fn log(&self, provider: Provider) -> Vec<LogEntry> {
        self.on(provider, |simulator| simulator.state().log.iter().cloned().collect()).unwrap_or_default()
    }
}

pub(super) struct Inner {
    pub(super) provider: Provider,
    pub(super) profile: &'static Profile,
    clients: Vec<Arc<ProviderClient>>,
    base_url: BaseUrl,
    clock: Clock,
    pub(super) random: Random,
    pub(super) keys: SimulatorKeys,
    state: Mutex<State>,
}

/// One simulator, the state of its handlers.
#[derive(Clone)]
pub(super) struct Simulator(Arc<Inner>);

impl std::ops::Deref for Simulator {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// The simulator's own address, which is its issuer.
    pub(super) fn base(&self) -> String {
        (self.base_url)(self.provider)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    pub(super) fn has(&self, quirk: &Quirk) -> bool {
        self.state().quirks.contains(quirk)
    }

    pub(super) fn client(&self, client_id: &str) -> Option<Arc<ProviderClient>> {
        self.clients.iter().find(|client| client.client_id == client_id).cloned()
    }

    pub(super) fn clients(&self) -> &[Arc<ProviderClient>] {
        &self.clients
    }

    pub(super) fn subject(&self, client: &ProviderClient, person: &Person) -> String {
        let mut owners: Vec<&str> = Vec::new();
        for known in &self.clients {
            if !owners.contains(&owner(known)) {
                owners.push(owner(known));
            }
        }
        let nth = owners.iter().position(|known| *known == owner(client)).unwrap_or_default();
        person.subject_for(self.provider, nth)
    }

    /// Applies what happens by the mere passing of time.
    pub(super) fn sweep(&self) {
        if let Some(seconds) = self.profile.unlink_unread_after {
            let now = self.now();
            self.state().unlink_unread(now, seconds);
        }
    }

    /// A live token and whose it is.
    pub(super) fn token(&self, text: &str) -> Option<(Token, Person)> {
        let now = self.now();
        let state = self.state();
        let token = state.tokens.get(text).filter(|token| now < token.expires_at)?;
        let person = state.person(&token.grant.person)?;
        Some((token.clone(), person))
    }

    /// The address the application gets to see.
    pub(super) fn email(&self, person: &Person, granted: bool) -> Option<String> {
        let is_kept = self.has(&Quirk::NoEmail) || self.has(&Quirk::EmailRefused);
        if is_kept || !granted { None } else { person.email.clone() }
    }

    pub(super) fn is_email_verified(&self, person: &Person) -> bool {
        person.email_verified && !self.has(&Quirk::UnverifiedEmail)
    }
}
