//! The host itself and the levers behind the scene.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use axum::Router;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use super::access::Access;
use super::challenges::Challenges;
use super::exchange::{Exchange, LoggedRequest};
use super::feed::Feed;
use super::lies::Lie;
use super::members::{Member, MemberStatus, TIERS, cast};
use super::{api, back_office};
use crate::model::{Clock, Random, UnixTime};

const LOG_LENGTH: usize = 500;

/// Takes a message (recipient, text) to the demo's mailbox.
type Deliver = dyn Fn(&str, &str) + Send + Sync;
type Tap = dyn Fn(&Exchange) + Send + Sync;

/// The simulator; clones share one state.
#[derive(Clone)]
pub struct LoyaltyHost(Arc<Inner>);

struct Inner {
    access: Access,
    clock: Clock,
    random: Random,
    deliver: Box<Deliver>,
    state: Mutex<Scene>,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct Scene {
    pub members: Vec<Member>,
    pub challenges: Challenges,
    pub links: BTreeMap<String, String>,
    pub feed: Feed,
    /// Answers already given, by idempotency key.
    pub answered: HashMap<String, (StatusCode, Value)>,
    requests: VecDeque<LoggedRequest>,
    down: bool,
    slow_ms: u64,
    lie: Option<Lie>,
    tap: Option<Arc<Tap>>,
}

impl fmt::Debug for LoyaltyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoyaltyHost").finish_non_exhaustive()
    }
}

impl LoyaltyHost {
    /// SkyWay Club with its cast; `deliver` receives (recipient, text) of every message to a member.
    pub fn skyway(
        access: Access,
        clock: Clock,
        random: Random,
        deliver: impl Fn(&str, &str) + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(Scene { members: cast(), ..Scene::default() });
        Self(Arc::new(Inner { access, clock, random, deliver: Box::new(deliver), state }))
    }

    /// The host's site: the back office at `/`, the contract below `/api`.
    pub fn router(&self) -> Router {
        back_office::routes().nest("/api", api::routes(self)).with_state(self.clone())
    }

    /// Serves the site on a free port of the loopback interface for as long as the runtime runs.
    pub async fn listen(&self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// Everything as the curtain rises; the log and the tap stay.
    pub fn reset(&self) {
        let mut scene = self.scene();
        let (requests, tap) = (std::mem::take(&mut scene.requests), scene.tap.take());
        *scene = Scene { members: cast(), requests, tap, ..Scene::default() };
    }

    /// Answers 503 to everything, or stops doing so.
    pub fn set_down(&self, down: bool) {
        self.scene().down = down;
    }

    /// Whether the host plays dead.
    pub fn is_down(&self) -> bool {
        self.scene().down
    }

    /// Waits so long before each answer, in milliseconds.
    pub fn set_slow(&self, milliseconds: u64) {
        self.scene().slow_ms = milliseconds;
    }

    /// The wait before each answer, in milliseconds.
    pub fn slow_ms(&self) -> u64 {
        self.scene().slow_ms
    }

    /// Misbehaves so, or stops doing so.
    pub fn lie(&self, lie: Option<Lie>) {
        self.scene().lie = lie;
    }

    /// A member by number.
    pub fn member(&self, number: &str) -> Option<Member> {
        self.scene().members.iter().find(|member| member.number == number).cloned()
    }

    /// All members.
    pub fn members(&self) -> Vec<Member> {
        self.scene().members.clone()
    }

    /// Gives a member another tier, with an entry in the feed; `false` for an unknown number or tier.
    pub fn set_tier(&self, number: &str, tier: &str) -> bool {
        TIERS.contains(&tier)
            && self.change(number, "tier_changed", |member| {
                tier.clone_into(&mut member.tier);
                member.tier_expires = (tier != "member").then(|| "2027-03-31".to_owned());
                member.version += 1;
            })
    }

    /// Moves a member some tiers up (or down, when negative), as far as there are tiers.
    pub fn promote(&self, number: &str, steps: isize) -> bool {
        let Some(member) = self.member(number) else { return false };
        let rank = TIERS.iter().position(|tier| *tier == member.tier).unwrap_or(0);
        let rank = rank.saturating_add_signed(steps).min(TIERS.len() - 1);
        TIERS.get(rank).is_some_and(|tier| *tier == member.tier || self.set_tier(number, tier))
    }

    /// Gives a member so many points, with an entry in the feed.
    pub fn set_points(&self, number: &str, points: i64) -> bool {
        self.change(number, "balance_changed", |member| member.points = points)
    }

    /// Changes a member's standing, with an entry in the feed.
    pub fn set_status(&self, number: &str, status: MemberStatus) -> bool {
        self.change(number, "status_changed", |member| {
            member.status = status;
            member.version += 1;
        })
    }

    /// Forgets old entries of the feed: a cursor from before is answered with 410.
    pub fn trim_feed(&self) {
        self.scene().feed.trim();
    }

    /// The calls of the contract so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.scene().requests.iter().cloned().collect()
    }

    /// Empties the log.
    pub fn clear_requests(&self) {
        self.scene().requests.clear();
    }

    /// The links the OP told of: `member_ref` to `subject_ref`.
    pub fn links(&self) -> BTreeMap<String, String> {
        self.scene().links.clone()
    }

    /// Shows every exchange, bodies included, to a test.
    pub fn tap(&self, tap: impl Fn(&Exchange) + Send + Sync + 'static) {
        self.scene().tap = Some(Arc::new(tap));
    }

    fn change(&self, number: &str, kind: &'static str, change: impl FnOnce(&mut Member)) -> bool {
        let at = self.now().to_rfc3339();
        let mut scene = self.scene();
        let Some(member) = scene.members.iter_mut().find(|member| member.number == number) else { return false };
        change(member);
        let member_ref = member.member_ref.clone();
        scene.feed.push(kind, &member_ref, at);
        true
    }

    pub(super) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    pub(super) fn random(&self) -> &Random {
        &self.0.random
    }

    pub(super) fn deliver(&self, to: &str, text: &str) {
        (self.0.deliver)(to, text);
    }

    pub(super) fn admits(&self, authorization: Option<&str>) -> bool {
        self.0.access.admits(authorization, self.now())
    }

    pub(super) fn current_lie(&self) -> Option<Lie> {
        self.scene().lie
    }

    pub(super) fn record(&self, request: LoggedRequest) {
        let mut scene = self.scene();
        if scene.requests.len() == LOG_LENGTH {
            scene.requests.pop_front();
        }
        scene.requests.push_back(request);
    }

    pub(super) fn show(&self, exchange: &Exchange) {
        let tap = self.scene().tap.clone();
        if let Some(tap) = tap {
            tap(exchange);
        }
    }
}
