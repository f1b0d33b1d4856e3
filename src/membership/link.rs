//! The first half of linking: a number, a way to prove it, a challenge.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::host::HostError;
use super::limits::{Admission, Try};
use super::proof::Method;
use super::room::{Membership, Programme};
use crate::cache::Slot;
use crate::model::{AccountId, Locale, ProgrammeId, Secret, SessionId, UnixTime};
use crate::policy::member_number::{InvalidNumber, MemberNumber};

/// The longest a link may be in progress, in seconds, however long the host's challenge lives.
const LIFETIME: i64 = 600;

/// Links in progress, by their transaction.
pub(super) const LINK: Slot<LinkInProgress> = Slot::sealed("membership_link", LIFETIME);

/// Who is linking, and in which browser: only the same finish what they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The signed-in browser.
    pub session: SessionId,
}

/// A wish to link a number.
#[derive(Clone, Copy)]
pub struct Begin<'a> {
    /// Who wishes.
    pub holder: Holder,
    /// Of which programme.
    pub programme: &'a ProgrammeId,
    /// The number as typed.
    pub number: &'a str,
    /// The proof chosen.
    pub method: Method,
    /// Where the request comes from, for the limits.
    pub ip: Option<IpAddr>,
    /// The language the host's messages should be in.
    pub locale: &'a Locale,
}

/// What became of the wish.
#[derive(Debug)]
pub enum Begun {
    /// The person has something to answer. This says nothing about whether the number exists.
    Started(StartedLink),
    /// Mistyped: the host was not asked.
    InvalidNumber(InvalidNumber),
    /// There is no such programme.
    UnknownProgramme,
    /// The programme or its host does not offer this proof.
    MethodNotOffered,
    /// Tried too often.
    Limited {
        /// Seconds until it is worth trying again.
        retry_after: i64,
    },
    /// The host cannot be asked now. Nothing was kept.
    TryLater,
}

/// A link in progress, as the person sees it.
#[derive(Clone, Debug)]
pub struct StartedLink {
    /// What [`Membership::prove`] finds it by.
    pub transaction: Secret<String>,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The number with all but its end hidden.
    pub masked_number: String,
    /// The proof.
    pub method: Method,
    /// Where the host sent the code, masked by the host.
    pub hint: Option<String>,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// A link in progress as the cache keeps it: no answer is ever in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LinkInProgress {
    pub holder: Holder,
    pub programme: ProgrammeId,
    /// As typed but canonical; checked again when it is read.
    pub number: String,
    pub method: Method,
    pub challenge_id: String,
    pub hint: Option<String>,
    pub expires_at: UnixTime,
    /// Answers given so far.
    pub answers: u32,
}

impl Membership {
    /// Starts to prove a number: checks its form and the limits, then has the host start a challenge.
    pub async fn begin(&self, wish: Begin<'_>) -> Result<Begun, Error> {
        let room = self.room();
        let now = room.clock.now();
        let Some(programme) = room.programme(wish.programme) else { return Ok(Begun::UnknownProgramme) };
        if !programme.settings.proofs.contains(&wish.method) {
            return Ok(Begun::MethodNotOffered);
        }
        let number = match programme.format.canonical(wish.number) {
            Ok(number) => number,
            Err(invalid) => return Ok(Begun::InvalidNumber(invalid)),
        };
        let attempt = Try::new(wish.holder.account, wish.programme, &number, wish.ip);
        if let Admission::Wait(retry_after) = room.admit(&attempt, now).await? {
            return Ok(Begun::Limited { retry_after });
        }
        let challenge = match programme.host.start_challenge(number.as_str(), wish.method, wish.locale).await {
            Ok(challenge) => challenge,
            Err(HostError::UnknownMethod) => return Ok(Begun::MethodNotOffered),
            Err(_) => {
                room.refund(&attempt).await?;
                return Ok(Begun::TryLater);
            }
        };
        let link = LinkInProgress {
            holder: wish.holder,
            programme: wish.programme.clone(),
            number: number.as_str().to_owned(),
            method: wish.method,
            challenge_id: challenge.id,
            hint: challenge.hint.filter(|_| wish.method == Method::Otp),
            expires_at: now + challenge.expires_in.min(LIFETIME),
            answers: 0,
        };
        let transaction = room.random.token();
        room.cache.put(&LINK, transaction.expose(), &link).await?;
        Ok(Begun::Started(started(transaction, link, &number)))
    }

    /// The link in progress, for its page; `None` when it ended or is somebody else's.
    pub async fn in_progress(&self, transaction: &str, holder: Holder) -> Result<Option<StartedLink>, Error> {
        let Some((link, programme)) = self.find_link(transaction, holder).await? else { return Ok(None) };
        let number = programme.format.canonical(&link.number).ok();
        Ok(number.map(|number| started(transaction.into(), link, &number)))
    }

    pub(super) async fn find_link(
        &self,
        transaction: &str,
        holder: Holder,
    ) -> Result<Option<(LinkInProgress, &Programme)>, Error> {
        let room = self.room();
        let link = room.cache.get(&LINK, transaction).await?;
        let link = link.filter(|link| link.holder == holder && room.clock.now() < link.expires_at);
        Ok(link.and_then(|link| room.programme(&link.programme).map(|programme| (link, programme))))
    }
}

fn started(transaction: Secret<String>, link: LinkInProgress, number: &MemberNumber) -> StartedLink {
    StartedLink {
        transaction,
        programme: link.programme,
        masked_number: number.masked(),
        method: link.method,
        hint: link.hint,
        expires_at: link.expires_at,
    }
}
