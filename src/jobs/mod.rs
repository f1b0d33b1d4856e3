//! L4 — background work: each job on its own clock, all of them stopped together. A round that fails is logged and
//! tried again the next time; nothing here is needed for a request to be answered.
//!
//! Work one node can do for all is done by the node on duty (`duty.rs`); every node looks after its own keys.
//! To add a job: its pause, its line in [`Jobs::start`], and a choice between `every` and `on_duty`.

mod duty;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::duty::Duty;
use crate::cache::Cache;
use crate::membership::Membership;
use crate::model::{Clock, MembershipId, ProgrammeId, Random};
use crate::provider::Provider;
use crate::store::Store;

/// Between looks at the keys' schedule.
const KEYS: Duration = Duration::from_secs(60);
/// Between looks at who is on duty.
const DUTY: Duration = Duration::from_secs(1);
/// Between looks at a programme's feed of changes: a promotion should be seen at once.
const FEED: Duration = Duration::from_secs(1);
/// Between deliveries of notices to hosts.
const NOTICES: Duration = Duration::from_secs(2);
/// Between searches for members whose facts are due.
const MEMBERS: Duration = Duration::from_secs(60);
/// Between removals of what has ended.
const SWEEP: Duration = Duration::from_secs(3600);
/// Between searches for logins nobody needs any record of.
const SPENT: Duration = Duration::from_secs(24 * 3600);

/// Between two pages of that search: who signs in meanwhile comes first.
const BREATH: Duration = Duration::from_millis(20);

/// What background work is done on.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// Whose keys follow their schedule.
    pub provider: Provider,
    /// Whose facts are kept fresh.
    pub membership: Membership,
    /// What is swept.
    pub store: Store,
    /// Where nodes agree on who is on duty.
    pub cache: Cache,
    /// The time.
    pub clock: Clock,
    /// Gives this node a name.
    pub random: Random,
}

impl Jobs {
    /// Starts all jobs; they end when `stop` turns true.
    pub fn start(self, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut jobs = JoinSet::new();
        let keys = self.clone();
        jobs.spawn(every(KEYS, stop.clone(), move || {
            let jobs = keys.clone();
            async move {
                if let Err(error) = jobs.provider.keys().follow_schedule(jobs.clock.now()).await {
                    crate::telemetry::log_fault(&error);
                }
            }
        }));
        let duty = Duty::new(self.cache.clone(), self.membership.clone(), &self.random);
        let turns = Turns { duty: duty.watch(), stop: stop.clone() };
        jobs.spawn(take_turns(duty, stop.clone()));
        let sweep = self.clone();
        jobs.spawn(on_duty(SWEEP, turns.clone(), move || {
            let jobs = sweep.clone();
            async move {
                match jobs.store.sweep(jobs.clock.now()).await {
                    Ok(removed) => tracing::info!(removed, "swept what has ended"),
                    Err(error) => tracing::warn!(%error, "sweeping failed"),
                }
            }
        }));
        let spent = (self.clone(), stop.clone());
        jobs.spawn(every(SPENT, stop.clone(), move || {
            let (jobs, stop) = spent.clone();
            async move {
                match sweep_families(&jobs, &stop).await {
                    Ok(removed) => tracing::info!(removed, "swept logins nobody needs any record of"),
                    Err(error) => tracing::warn!(%error, "sweeping logins failed"),
                }
            }
        }));
        let programmes: Vec<ProgrammeId> = self.membership.programmes().map(|programme| programme.id.clone()).collect();
        for programme in programmes {
            self.follow(&mut jobs, &turns, &programme);
        }
        jobs
    }

    fn follow(&self, jobs: &mut JoinSet<()>, turns: &Turns, programme: &ProgrammeId) {
        let (membership, id) = (self.membership.clone(), programme.clone());
        jobs.spawn(on_duty(FEED, turns.clone(), move || {
            let (membership, id) = (membership.clone(), id.clone());
            async move { report(membership.catch_up(&id).await.map(drop)) }
        }));
        let (membership, id) = (self.membership.clone(), programme.clone());
        jobs.spawn(on_duty(NOTICES, turns.clone(), move || {
            let (membership, id) = (membership.clone(), id.clone());
            async move { report(membership.send_notices(&id).await.map(drop)) }
        }));
        let (membership, id) = (self.membership.clone(), programme.clone());
        jobs.spawn(on_duty(MEMBERS, turns.clone(), move || {
            let (membership, id) = (membership.clone(), id.clone());
            async move { report(refresh_all_due(&membership, &id).await) }
        }));
    }
}

/// Looks at all families, page by page.
async fn sweep_families(jobs: &Jobs, stop: &watch::Receiver<bool>) -> Result<u64, crate::store::Error> {
    let (mut removed, mut after) = (0, None);
    loop {
        let (batch, next) = jobs.store.sweep_families(after, jobs.clock.now()).await?;
        removed += batch;
        if next.is_none() || *stop.borrow() {
            return Ok(removed);
        }
        after = next;
        tokio::time::sleep(BREATH).await;
    }
}

async fn refresh_all_due(membership: &Membership, programme: &ProgrammeId) -> Result<(), crate::membership::Error> {
    let mut after: Option<MembershipId> = None;
    loop {
        let (round, next) = membership.refresh_due(programme, after).await?;
        if next.is_none() || round.interrupted {
            return Ok(());
        }
        after = next;
    }
}

fn report(result: Result<(), crate::membership::Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, "background work on memberships failed");
    }
}

/// Runs `work` now and then every `pause`, until `stop` turns true.
async fn every<F: Future<Output = ()>>(pause: Duration, mut stop: watch::Receiver<bool>, work: impl Fn() -> F) {
    loop {
        work().await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// When work for all nodes is this node's, and when it is over.
#[derive(Clone)]
struct Turns {
    duty: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
}

/// Runs `work` every `pause` while this node is on duty, at once when its turn comes, until it is to stop.
async fn on_duty<F: Future<Output = ()>>(pause: Duration, turns: Turns, work: impl Fn() -> F) {
    let Turns { mut duty, mut stop } = turns;
    loop {
        tokio::select! {
            on = duty.wait_for(|on| *on) => if on.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        work().await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Takes part in taking turns until `stop` turns true, then leaves the work to others.
async fn take_turns(duty: Duty, stop: watch::Receiver<bool>) {
    let duty = Arc::new(duty);
    let looking = Arc::clone(&duty);
    every(DUTY, stop, move || {
        let duty = Arc::clone(&looking);
        async move { duty.look().await }
    })
    .await;
    duty.resign().await;
}
