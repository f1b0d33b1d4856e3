//! The second half of linking: the host judges the answer, and the number belongs to the account.

use std::net::IpAddr;

use super::error::Error;
use super::host::{Urgency, Verification};
use super::limits::{Admission, Try};
use super::link::{Holder, LINK, LinkInProgress};
use super::proof::Answer;
use super::room::{Membership, Programme};
use crate::model::member::{MemberFacts, Proof, ProofLevel};
use crate::model::{AccountId, MembershipId, ProgrammeId, UnixTime};
use crate::policy::member_number::MemberNumber;
use crate::store;

/// Answers a link takes at most, whatever the host allows.
const MOST_ANSWERS: u32 = 5;

/// What became of an answer.
#[derive(Debug)]
pub enum Proven {
    /// The number belongs to the account now.
    Linked(Box<Linked>),
    /// It did before; a better proof replaced the old one.
    AlreadyYours(MembershipId),
    /// Not right, or no such number: nobody can tell. With no attempts left the person starts over.
    Wrong {
        /// Answers still taken.
        attempts_left: u32,
    },
    /// Not an answer to this challenge at all; it does not count.
    Malformed,
    /// The number cannot be linked to this account; the page must not say why.
    NotPossible,
    /// No such link in progress for this person in this browser.
    Expired,
    /// Tried too often.
    Limited {
        /// Seconds until it is worth trying again.
        retry_after: i64,
    },
    /// The host cannot judge now. The answer was forgotten; the same link may be tried again.
    TryLater,
}

/// A number just linked.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The new membership.
    pub membership: MembershipId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The number with all but its end hidden.
    pub masked_number: String,
    /// How well it is proven.
    pub level: ProofLevel,
    /// What the host says of the member, as far as it did.
    pub facts: MemberFacts,
}

/// What became of a wish to unlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// The number is the account's no longer.
    Unlinked,
    /// It was not.
    NotYours,
}

impl Membership {
    /// Has the host judge an answer; when it is right, links the number. A link takes one answer at a time and, once
    /// made, is gone.
    pub async fn prove(
        &self,
        transaction: &str,
        holder: Holder,
        answer: &Answer,
        ip: Option<IpAddr>,
    ) -> Result<Proven, Error> {
        let room = self.room();
        let now = room.clock.now();
        let Some((link, programme)) = self.find_link(transaction, holder).await? else { return Ok(Proven::Expired) };
        let request = answer.to_request().filter(|_| answer.method() == link.method);
        let Some(request) = request else { return Ok(Proven::Malformed) };
        let Ok(number) = programme.format.canonical(&link.number) else { return Ok(Proven::Expired) };
        let attempt = Try::new(holder.account, &link.programme, &number, ip);
        // The challenge itself was counted as the first try.
        let counts = link.answers > 0;
        if counts && let Admission::Wait(retry_after) = room.admit(&attempt, now).await? {
            return Ok(Proven::Limited { retry_after });
        }
        // Of two answers at once, one finds the link; the other is told to start over.
        let Some(mut link) = room.cache.take(&LINK, transaction).await? else { return Ok(Proven::Expired) };
        let Ok(verification) = programme.host.verify(&link.challenge_id, &request).await else {
            if counts {
                room.refund(&attempt).await?;
            }
            return self.put_back(transaction, &link, Proven::TryLater).await;
        };
        link.answers = link.answers.saturating_add(1);
        if verification.verified {
            room.forgive(&attempt).await?;
            return self.link(programme, &link, &number, verification).await;
        }
        let attempts_left = verification.attempts_left.unwrap_or(0).min(MOST_ANSWERS.saturating_sub(link.answers));
        if attempts_left == 0 {
            return Ok(Proven::Wrong { attempts_left });
        }
        self.put_back(transaction, &link, Proven::Wrong { attempts_left }).await
    }

    /// Unlinks a number. The host is told by [`Membership::send_notices`].
    pub async fn unlink(&self, account: AccountId, membership: MembershipId) -> Result<Unlinked, Error> {
        let room = self.room();
        let unlinked = room.store.unlink_member(account, membership, room.clock.now()).await?;
        Ok(if unlinked { Unlinked::Unlinked } else { Unlinked::NotYours })
    }

    async fn put_back(&self, transaction: &str, link: &LinkInProgress, outcome: Proven) -> Result<Proven, Error> {
        let room = self.room();
        let left = link.expires_at.since(room.clock.now());
        if left > 0 && link.answers < MOST_ANSWERS {
            room.cache.put(&LINK.lasting(left), transaction, link).await?;
        }
        Ok(outcome)
    }

    async fn link(
        &self,
        programme: &Programme,
        link: &LinkInProgress,
        number: &MemberNumber,
        verification: Verification,
    ) -> Result<Proven, Error> {
        let room = self.room();
        let now = room.clock.now();
        let Some(member_ref) = verification.member_ref else { return Ok(Proven::TryLater) };
        let proof = proof(programme, link, verification.level, now);
        let taken = room.store.membership_by_ref(&link.programme, &member_ref).await?;
        if taken.is_some_and(|membership| membership.number != number.as_str()) {
            tracing::warn!(programme = %link.programme, "loyalty host gives one member_ref to two numbers");
            return Ok(Proven::TryLater);
        }
        let heard = programme.read(&member_ref, &MemberFacts::default(), Urgency::Interactive, now).await;
        let facts = heard.facts.unwrap_or_default();
        let level = proof.level;
        let new = store::NewMembership {
            account: link.holder.account,
            programme: link.programme.clone(),
            number: number.as_str().to_owned(),
            member_ref,
            proof,
            facts: facts.clone(),
        };
        Ok(match room.store.link_member(&new, now).await? {
            store::Linked::Linked(membership) => Proven::Linked(Box::new(Linked {
                membership,
                programme: link.programme.clone(),
                masked_number: number.masked(),
                level,
                facts,
            })),
            store::Linked::AlreadyYours(membership) => Proven::AlreadyYours(membership),
            store::Linked::TakenBy(_) => {
                tracing::info!(programme = %link.programme, "a proven number is linked to another account");
                Proven::NotPossible
            }
        })
    }
}

/// The proof as we record it: a host cannot lend a method more weight than it has.
fn proof(programme: &Programme, link: &LinkInProgress, claimed: Option<ProofLevel>, now: UnixTime) -> Proof {
    let highest = link.method.highest_level();
    let claimed = claimed.unwrap_or(ProofLevel::Low);
    if claimed > highest {
        tracing::warn!(programme = %programme.settings.id, method = %link.method, "loyalty host claims too high a proof level");
    }
    Proof { level: claimed.min(highest), method: link.method.as_str().to_owned(), at: now }
}
