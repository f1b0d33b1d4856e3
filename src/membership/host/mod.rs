//! A programme's host, with what keeps its troubles its own: a breaker, bounded concurrency, bounded time.

mod breaker;
mod credential;
mod http;
mod messages;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use self::breaker::{Admission, Breaker};
use self::http::{HttpHost, Read};
pub(super) use self::messages::{Balances, Capabilities, Challenge, Changes, Standing, Verification};
use super::error::InvalidSettings;
use super::proof::Method;
use super::settings::{HostSettings, ProgrammeSettings};
use crate::model::{Clock, Locale, ProgrammeId, Random};
use crate::outbound::Outbound;

/// Why a host gave no answer to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostError {
    /// It cannot be reached, is too slow, too busy, or says so itself.
    Unavailable,
    /// What it answers is not what the contract says.
    Malformed(&'static str),
    /// It does not let us.
    Denied,
    /// It does not offer this proof.
    UnknownMethod,
    /// There is no such thing.
    NotFound,
    /// The feed no longer reaches back to the cursor.
    Gone,
}

impl HostError {
    /// Whether it speaks against the host's health.
    const fn is_failure(self) -> bool {
        matches!(self, Self::Unavailable | Self::Malformed(_))
    }
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Urgency {
    /// A person, at a page of the linking ceremony.
    Interactive,
    /// A relying party at the userinfo endpoint, so long at most.
    Within(Duration),
    /// Nobody.
    Background,
}

/// One programme's host.
pub(super) struct Host {
    programme: ProgrammeId,
    http: HttpHost,
    clock: Clock,
    breaker: Mutex<Breaker>,
    interactive: Semaphore,
    background: Semaphore,
    interactive_timeout: Duration,
    background_timeout: Duration,
}

/// Leave to make one call.
struct Pass<'a> {
    _place: SemaphorePermit<'a>,
    deadline: Duration,
}

impl Host {
    pub(super) fn new(
        settings: &ProgrammeSettings,
        outbound: Outbound,
        random: Random,
        clock: Clock,
    ) -> Result<Self, InvalidSettings> {
        let HostSettings::Http(host) = &settings.host;
        Ok(Self {
            programme: settings.id.clone(),
            http: HttpHost::new(&settings.id, host, outbound, random, clock.clone())?,
            clock,
            breaker: Mutex::default(),
            interactive: Semaphore::new(host.max_in_flight),
            background: Semaphore::new(host.max_in_flight.div_ceil(4)),
            interactive_timeout: Duration::from_millis(host.interactive_timeout_ms),
            background_timeout: Duration::from_millis(host.background_timeout_ms),
        })
    }

    /// Whether the latest call went well.
    pub(super) fn is_reachable(&self) -> bool {
        self.breaker().is_well()
    }

    pub(super) async fn capabilities(&self) -> Result<Capabilities, HostError> {
        let pass = self.enter(Urgency::Background)?;
        let answer = self.http.capabilities(pass.deadline).await;
        self.leave(pass, "capabilities", answer)
    }

    pub(super) async fn start_challenge(
        &self,
        number: &str,
        method: Method,
        locale: &Locale,
    ) -> Result<Challenge, HostError> {
        let pass = self.enter(Urgency::Interactive)?;
        let answer = self.http.start_challenge(number, method, locale, pass.deadline).await;
        self.leave(pass, "start challenge", answer)
    }

    pub(super) async fn verify(&self, challenge_id: &str, answer: &Value) -> Result<Verification, HostError> {
        let pass = self.enter(Urgency::Interactive)?;
        let answer = self.http.verify(challenge_id, answer, pass.deadline).await;
        self.leave(pass, "verify challenge", answer)
    }

    /// A member's standing with its entity tag; `None` when it is as it was under `etag`.
    pub(super) async fn standing(
        &self,
        member_ref: &str,
        etag: Option<&str>,
        urgency: Urgency,
    ) -> Result<Read<Standing>, HostError> {
        let pass = self.enter(urgency)?;
        let answer = self.http.standing(member_ref, etag, pass.deadline).await;
        self.leave(pass, "member", answer)
    }

    pub(super) async fn balances(&self, member_ref: &str, urgency: Urgency) -> Result<Balances, HostError> {
        let pass = self.enter(urgency)?;
        let answer = self.http.balances(member_ref, pass.deadline).await;
        self.leave(pass, "balances", answer)
    }

    pub(super) async fn changes(&self, cursor: Option<&str>) -> Result<Changes, HostError> {
        let pass = self.enter(Urgency::Background)?;
        let answer = self.http.changes(cursor, pass.deadline).await;
        self.leave(pass, "changes", answer)
    }

    /// Tells the host that a number was linked, or no longer is; `key` is the same for each repetition.
    pub(super) async fn notify(
        &self,
        member_ref: &str,
        subject_ref: &str,
        linked: bool,
        key: &str,
    ) -> Result<(), HostError> {
        let pass = self.enter(Urgency::Background)?;
        let answer = self.http.notify(member_ref, subject_ref, linked, key, pass.deadline).await;
        self.leave(pass, "link notice", answer)
    }

    /// Fails at once, rather than queue, when the host is known to be down or enough calls are under way.
    fn enter(&self, urgency: Urgency) -> Result<Pass<'_>, HostError> {
        let (places, deadline) = match urgency {
            Urgency::Interactive => (&self.interactive, self.interactive_timeout),
            Urgency::Within(wait) => (&self.interactive, wait),
            Urgency::Background => (&self.background, self.background_timeout),
        };
        let place = places.try_acquire().map_err(|_| HostError::Unavailable)?;
        match self.breaker().admit(self.clock.now()) {
            Admission::Pass | Admission::Probe => Ok(Pass { _place: place, deadline }),
            Admission::Refuse => Err(HostError::Unavailable),
        }
    }

    fn leave<T>(&self, pass: Pass<'_>, call: &'static str, answer: Result<T, HostError>) -> Result<T, HostError> {
        drop(pass);
        let failed = answer.as_ref().is_err_and(|error| error.is_failure());
        self.breaker().record(failed, self.clock.now());
        match answer.as_ref().err() {
            Some(HostError::Malformed(reason)) => {
                tracing::warn!(programme = %self.programme, call, reason, "loyalty host breaks the contract");
            }
            Some(HostError::Denied) => {
                tracing::warn!(programme = %self.programme, call, "loyalty host denies the call");
            }
            Some(error) => {
                tracing::info!(programme = %self.programme, call, ?error, "loyalty host gave no answer");
            }
            None => {}
        }
        answer
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
