//! Keeping what we know of members in step with their hosts.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::error::Error;
use super::host::{HostError, Standing, Urgency};
use super::room::{Membership, Programme};
use crate::model::member::{MemberFacts, Membership as Member, MembershipState};
use crate::model::{MembershipId, ProgrammeId, UnixTime};

/// Pages of the feed read in one go.
const PAGES: usize = 20;
/// Members read from the store at a time.
const BATCH: i64 = 100;
const BATCH_LEN: usize = 100;
/// How often in an hour an entry of the feed is tried again before the feed goes on without it.
const STUCK: u64 = 20;

/// How a round of background work ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Members read anew, or notices delivered.
    pub done: usize,
    /// Whether the host could not be asked to the end; the rest is for a later round.
    pub interrupted: bool,
}

/// What came of reading a member.
pub(super) struct Heard {
    /// What is known now, when the host said anything at all.
    pub facts: Option<MemberFacts>,
    /// What kept the host from saying everything.
    trouble: Option<Trouble>,
}

/// Whose trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// This member's: the next one may be read.
    Member,
    /// The host's: there is no point in going on.
    Host,
}

impl From<HostError> for Trouble {
    fn from(error: HostError) -> Self {
        if error == HostError::Unavailable { Self::Host } else { Self::Member }
    }
}

impl Programme {
    /// Asks the host about a member. What it does not say now stays as it was.
    pub(super) async fn read(&self, member_ref: &str, before: &MemberFacts, urgency: Urgency, now: UnixTime) -> Heard {
        let (standing, balances) = tokio::join!(
            self.host.standing(member_ref, before.etag.as_deref(), urgency),
            self.host.balances(member_ref, urgency),
        );
        let mut facts = before.clone();
        let standing = standing.map_err(Trouble::from).and_then(|read| {
            self.accept(read.value, &mut facts)?;
            facts.as_of = Some(now);
            facts.etag = read.etag;
            Ok(())
        });
        let balances = balances.map_err(Trouble::from).map(|balances| {
            facts.balances_as_of = Some(balances.as_of(now));
            facts.balances = balances.amounts;
        });
        let heard = standing.is_ok() || balances.is_ok();
        Heard { facts: heard.then_some(facts), trouble: standing.err().max(balances.err()) }
    }

    /// Takes over a standing; one with a tier nobody configured is ignored as a whole.
    fn accept(&self, standing: Option<Standing>, facts: &mut MemberFacts) -> Result<(), Trouble> {
        let rank_of = |tier: Option<&str>| match tier.map(|code| self.settings.tier(code)) {
            None => Ok(None),
            Some(Some(tier)) => Ok(Some(tier.rank)),
            Some(None) => {
                tracing::warn!(programme = %self.settings.id, "loyalty host names a tier that is not configured");
                Err(Trouble::Member)
            }
        };
        match standing {
            // Not modified; the ranks configured here may have been.
            None => facts.tier_rank = rank_of(facts.tier.as_deref())?,
            Some(standing) => {
                facts.tier_rank = rank_of(standing.tier.as_deref())?;
                facts.tier = standing.tier;
                facts.tier_expires = standing.tier_expires;
                facts.status = Some(standing.status.as_str().to_owned());
            }
        }
        Ok(())
    }
}

/// Awaits all at the same time.
pub(super) async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *output = Some(value),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

impl Membership {
    /// Reads one member anew in the background; `false` when the host did not say everything.
    pub async fn refresh(&self, member: &Member) -> Result<bool, Error> {
        Ok(self.read_anew(member, Urgency::Background).await?.trouble.is_none())
    }

    /// Reads the active ones of an account's memberships anew that grew old, at the same time, for as long as the
    /// programme allows (300 ms unless configured): a relying party should see them fresh. Says whether anything was
    /// learned. Never fails for a host.
    pub async fn refresh_stale(&self, known: &[Member]) -> Result<bool, Error> {
        let room = self.room();
        let now = room.clock.now();
        let mut reads = Vec::new();
        for member in known.iter().filter(|member| member.state == MembershipState::Active) {
            let Some(programme) = room.programme(&member.programme) else { continue };
            let refresh = &programme.settings.refresh;
            if refresh.is_due_on_demand(&member.facts, now) {
                let wait = Duration::from_millis(refresh.on_demand_wait_ms);
                reads.push(self.read_anew(member, Urgency::Within(wait)));
            }
        }
        let mut learned = false;
        for heard in join_all(reads).await {
            learned |= heard?.facts.is_some();
        }
        Ok(learned)
    }

    async fn read_anew(&self, member: &Member, urgency: Urgency) -> Result<Heard, Error> {
        let room = self.room();
        let now = room.clock.now();
        let Some(programme) = room.programme(&member.programme) else {
            return Ok(Heard { facts: None, trouble: Some(Trouble::Member) });
        };
        let heard = programme.read(&member.member_ref, &member.facts, urgency, now).await;
        if let Some(facts) = &heard.facts {
            room.store.put_member_facts(member.id, facts, now).await?;
        }
        Ok(heard)
    }

    /// Reads a page of members anew, as far as the host goes along.
    async fn read_page(&self, page: &[Member], round: &mut Round) -> Result<(), Error> {
        for member in page {
            match self.read_anew(member, Urgency::Background).await?.trouble {
                None => round.done += 1,
                Some(Trouble::Member) => {}
                Some(Trouble::Host) => {
                    round.interrupted = true;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads members anew whose facts are due, page by page of the programme; gives where to go on, `None` at the end.
    /// The page may be old: whoever seems due there is looked up.
    pub async fn refresh_due(
        &self,
        programme: &ProgrammeId,
        after: Option<MembershipId>,
    ) -> Result<(Round, Option<MembershipId>), Error> {
        let room = self.room();
        let now = room.clock.now();
        let Some(settings) = self.programme(programme) else { return Ok((Round::default(), None)) };
        let page = room.store.lagging().memberships_of_programme(programme, after, BATCH).await?;
        let next = if page.len() < BATCH_LEN { None } else { page.last().map(|member| member.id) };
        let mut due = Vec::new();
        for member in page.iter().filter(|member| settings.refresh.is_due(&member.facts, now)) {
            let member = room.store.membership(member.id).await?;
            due.extend(
                member.filter(|it| it.state != MembershipState::Closed && settings.refresh.is_due(&it.facts, now)),
            );
        }
        let mut round = Round::default();
        self.read_page(&due, &mut round).await?;
        Ok((round, if round.interrupted { after } else { next }))
    }

    /// Follows the programme's feed of changes from where it was left: whoever changed is read anew. An entry read
    /// twice changes nothing, and the place is kept only once all before it is done.
    pub async fn catch_up(&self, programme: &ProgrammeId) -> Result<Round, Error> {
        let room = self.room();
        let mut round = Round::default();
        let Some(ready) = room.programme(programme) else { return Ok(round) };
        let mut cursor = room.store.feed_cursor(programme).await?;
        for _ in 0..PAGES {
            let page = match ready.host.changes(cursor.as_deref()).await {
                Ok(page) => page,
                Err(HostError::Gone) if cursor.is_some() => {
                    round = self.refresh_all(programme).await?;
                    if round.interrupted {
                        return Ok(round);
                    }
                    cursor = None;
                    continue;
                }
                Err(_) => {
                    round.interrupted = true;
                    return Ok(round);
                }
            };
            let changed: BTreeSet<&str> = page.entries.iter().map(|change| change.member_ref.as_str()).collect();
            for member_ref in changed {
                let Some(member) = room.store.membership_by_ref(programme, member_ref).await? else { continue };
                let trouble = self.read_anew(&member, Urgency::Background).await?.trouble;
                if trouble == Some(Trouble::Host) || (trouble.is_some() && !self.is_stuck(&member).await?) {
                    round.interrupted = true;
                    return Ok(round);
                }
                round.done += 1;
            }
            if cursor.as_deref() != Some(page.cursor.as_str()) {
                room.store.set_feed_cursor(programme, &page.cursor, room.clock.now()).await?;
            }
            if !page.more {
                break;
            }
            cursor = Some(page.cursor);
        }
        Ok(round)
    }

    /// Whether the feed has waited for a member long enough: one bad record must not hold up all that follow.
    async fn is_stuck(&self, member: &Member) -> Result<bool, Error> {
        let tries = self.room().cache.count("loyalty_feed_stuck", &member.id.to_string(), 3600).await?;
        if tries > STUCK {
            tracing::error!(programme = %member.programme, membership = %member.id, "the feed goes on without a member");
        }
        Ok(tries > STUCK)
    }

    /// Reads every member of the programme anew, because the feed has a gap.
    async fn refresh_all(&self, programme: &ProgrammeId) -> Result<Round, Error> {
        let mut round = Round::default();
        let mut after = None;
        loop {
            let page = self.room().store.memberships_of_programme(programme, after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(round) };
            after = Some(last.id);
            self.read_page(&page, &mut round).await?;
            if round.interrupted {
                return Ok(round);
            }
        }
    }
}
