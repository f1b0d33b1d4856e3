//! Finds, of several hosts, the one to speak to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::hosts::name;
use super::role::{self, Role};
use crate::store::error::Error;

/// Nobody is asked again so soon after nobody was found.
const RETRY: Duration = Duration::from_millis(50);
/// Connections made at the same time: after a restart all of them are missing at once.
const DIALS: usize = 4;
/// A host that takes longer to answer is taken for lost.
const VANISHED: Duration = Duration::from_secs(2);
const NOBODY: usize = usize::MAX;

/// Whom a pool wants to speak to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The one that writes.
    Primary,
    /// Whoever answers.
    Anybody,
}

/// The hosts, and who of them it was last.
pub(super) struct Search {
    hosts: Vec<PgConnectOptions>,
    wanted: Wanted,
    /// How long one host may take to answer.
    within: Duration,
    known: AtomicUsize,
    dials: Semaphore,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// When nobody was found, the first time since somebody was, and the last.
    failed: Option<(Instant, Instant)>,
    /// The highest timeline a primary ever had here.
    timeline: u32,
    /// When all hosts were asked last.
    asked: Option<Instant>,
}

/// A host that will do.
struct Found {
    host: usize,
    connection: PgConnection,
    role: Role,
    timeline: u32,
}

/// No connection was made.
pub(super) struct Missed {
    pub(super) error: Error,
    /// For how long nobody has been found.
    pub(super) lasting: Duration,
}

impl Search {
    /// `patience` is that of whoever waits for a connection.
    pub(super) fn new(hosts: Vec<PgConnectOptions>, wanted: Wanted, patience: Duration) -> Self {
        let within = VANISHED.min(patience / 2);
        let (known, dials, memory) = (AtomicUsize::new(NOBODY), Semaphore::new(DIALS), Mutex::default());
        Self { hosts, wanted, within, known, dials, memory }
    }

    /// A new connection to whom is wanted.
    pub(super) async fn connect(&self) -> Result<PgConnection, Missed> {
        if let Some(connection) = self.connect_to_known().await {
            return Ok(connection);
        }
        let mut memory = self.memory.lock().await;
        // While this one waited, another may have searched: with success, or in vain.
        if let Some(connection) = self.connect_to_known().await {
            return Ok(connection);
        }
        let now = Instant::now();
        if let Some((first, last)) = memory.failed
            && now.duration_since(last) < RETRY
        {
            let error = Error::Unavailable("no host of the database will do".into());
            return Err(Missed { error, lasting: now.duration_since(first) });
        }
        match self.ask_all(&mut memory).await {
            Ok(found) => {
                memory.failed = None;
                self.remember(&found);
                Ok(found.connection)
            }
            Err(error) => {
                let now = Instant::now();
                let first = memory.failed.map_or(now, |(first, _)| first);
                memory.failed = Some((first, now));
                Err(Missed { error, lasting: now.duration_since(first) })
            }
        }
    }

    /// Asks all hosts whether another than the known one is the primary by now; gives whether it is. Asked for more
    /// often than once in `pause` it does nothing.
    pub(super) async fn look_around(&self, pause: Duration) -> bool {
        let Ok(mut memory) = self.memory.try_lock() else { return false };
        if memory.asked.is_some_and(|asked| asked.elapsed() < pause) {
            return false;
        }
        let Ok(found) = self.ask_all(&mut memory).await else { return false };
        let changed = found.role == Role::Primary && self.known.load(Ordering::Acquire) != found.host;
        if changed {
            self.remember(&found);
        }
        let _ = found.connection.close().await;
        changed
    }

    /// Whether there is anything to look around for.
    pub(super) fn has_choice(&self) -> bool {
        self.wanted == Wanted::Primary && self.hosts.len() > 1
    }

    /// No longer takes the known host for the one that is wanted.
    pub(super) fn forget(&self) {
        self.known.store(NOBODY, Ordering::Release);
    }

    /// What the server at the other end is by now.
    pub(super) async fn look(&self, connection: &mut PgConnection) -> Result<Role, Error> {
        role::look(connection, self.within).await
    }

    /// Whether a connection to such a server is good for as long as it lasts.
    pub(super) fn is_wanted(&self, role: Role) -> bool {
        self.wanted == Wanted::Anybody || role == Role::Primary
    }

    async fn connect_to_known(&self) -> Option<PgConnection> {
        let known = self.known.load(Ordering::Acquire);
        let host = self.hosts.get(known)?;
        let _turn = self.dials.acquire().await;
        match role::dial(host, self.within).await {
            Ok((connection, role)) if self.is_wanted(role) => Some(connection),
            outcome => {
                tracing::warn!(host = name(host), role = ?outcome.map(|(_, role)| role), "the database's host is lost");
                let _ = self.known.compare_exchange(known, NOBODY, Ordering::AcqRel, Ordering::Acquire);
                None
            }
        }
    }

    fn remember(&self, found: &Found) {
        // A host that only reads, in want of a better one, is not settled for.
        if self.is_wanted(found.role) && self.known.swap(found.host, Ordering::AcqRel) != found.host {
            let host = self.hosts.get(found.host).map(name);
            tracing::info!(host, timeline = found.timeline, wanted = ?self.wanted, "found the database's host");
        }
    }

    /// Asks all hosts at the same time; gives the best.
    async fn ask_all(&self, memory: &mut Memory) -> Result<Found, Error> {
        memory.asked = Some(Instant::now());
        let mut answers = JoinSet::new();
        for (host, options) in self.hosts.iter().cloned().enumerate() {
            let within = self.within;
            let with_timeline = self.has_choice();
            answers.spawn(async move { examine(host, &options, within, with_timeline).await });
        }
        let mut best: Option<Found> = None;
        let mut error = Error::Unavailable("no host of the database is the primary".into());
        while let Some(answer) = answers.join_next().await {
            let found = match answer.map_err(|error| Error::Unavailable(Box::new(error))).flatten() {
                Ok(found) => found,
                Err(other) => {
                    // A password nobody accepts is no outage; one host of two out of reach is.
                    if self.hosts.len() == 1 || matches!(other, Error::Unavailable(_)) {
                        error = other;
                    }
                    continue;
                }
            };
            if !self.will_do(&found, memory) {
                continue;
            }
            // It was promoted since: nobody can have a better claim, and the lost one need not be waited for.
            let settled = self.wanted == Wanted::Anybody || (memory.timeline > 0 && found.timeline > memory.timeline);
            best = Some(match best.take() {
                Some(other) if !is_better(&found, &other) => other,
                _ => found,
            });
            if settled {
                break;
            }
        }
        let found = best.ok_or(error)?;
        memory.timeline = memory.timeline.max(found.timeline);
        Ok(found)
    }

    fn will_do(&self, found: &Found, memory: &Memory) -> bool {
        if self.wanted == Wanted::Anybody {
            return true;
        }
        if found.role == Role::Standby {
            return false;
        }
        // A primary of the past that was never told: what it has is old, and what it is told is lost.
        let current = found.timeline == 0 || found.timeline >= memory.timeline;
        if !current {
            let (host, seen) = (self.hosts.get(found.host).map(name), memory.timeline);
            tracing::error!(
                host,
                timeline = found.timeline,
                seen,
                "a former primary still takes itself for the primary"
            );
        }
        current
    }
}

fn is_better(one: &Found, other: &Found) -> bool {
    let rank = |it: &Found| (it.role, it.timeline, std::cmp::Reverse(it.host));
    rank(one) > rank(other)
}

async fn examine(
    host: usize,
    options: &PgConnectOptions,
    within: Duration,
    with_timeline: bool,
) -> Result<Found, Error> {
    let (mut connection, role) = role::dial(options, within).await?;
    let asked = with_timeline && role != Role::Standby;
    let timeline = if asked { role::timeline(&mut connection, within).await? } else { 0 };
    Ok(Found { host, connection, role, timeline })
}
