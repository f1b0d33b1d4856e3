//! Proving that a member number belongs to the person who types it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde::Deserialize;

use super::members::Member;
use crate::model::{Random, UnixTime};

/// How long a challenge lives, in seconds.
const LIFETIME: i64 = 300;
/// How many answers a challenge takes.
const ATTEMPTS: u32 = 3;

/// A way to prove a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    Otp,
    Kba,
    Pin,
}

impl Method {
    pub(super) const fn level(self) -> &'static str {
        match self {
            Self::Kba => "low",
            Self::Otp | Self::Pin => "substantial",
        }
    }
}

/// An answer as the contract sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    code: Option<String>,
    pin: Option<String>,
    answers: Option<Knowledge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knowledge {
    family_name: String,
    birthdate: String,
}

/// A challenge in progress. One without a member is a decoy: nothing answers it.
struct Challenge {
    member_ref: Option<String>,
    method: Method,
    code: String,
    attempts_left: u32,
    expires_at: UnixTime,
}

/// The challenges in progress.
#[derive(Default)]
pub(super) struct Challenges {
    open: HashMap<String, Challenge>,
    decoys: RandomState,
}

/// What the caller learns of a new challenge.
pub(super) struct Started {
    pub challenge_id: String,
    pub hint: Option<String>,
    pub expires_in: i64,
    pub code: String,
}

/// What became of an answer.
pub(super) enum Verdict {
    Right { member_ref: String, level: &'static str },
    Wrong { attempts_left: u32 },
}

impl Challenges {
    pub(super) fn start(
        &mut self,
        number: &str,
        member: Option<&Member>,
        method: Method,
        random: &Random,
        now: UnixTime,
    ) -> Started {
        self.open.retain(|_, challenge| now < challenge.expires_at);
        let challenge_id = format!("ch_{}", random.handle());
        let code = random.digits(6).expose().clone();
        let hint = match (method, member) {
            (Method::Otp, Some(member)) => Some(member.hint()),
            (Method::Otp, None) => Some(self.decoy_hint(number)),
            _ => None,
        };
        let challenge = Challenge {
            member_ref: member.map(|member| member.member_ref.clone()),
            method,
            code: code.clone(),
            attempts_left: ATTEMPTS,
            expires_at: now + LIFETIME,
        };
        self.open.insert(challenge_id.clone(), challenge);
        Started { challenge_id, hint, expires_in: LIFETIME, code }
    }

    /// The same hint each time the same unknown number is tried.
    fn decoy_hint(&self, number: &str) -> String {
        format!("•••{:02}", self.decoys.hash_one(number) % 100)
    }

    /// Judges one answer; a right one and the last wrong one end the challenge.
    pub(super) fn verify(&mut self, id: &str, answer: &Answer, members: &[Member], now: UnixTime) -> Verdict {
        let Some(challenge) = self.open.get_mut(id).filter(|challenge| now < challenge.expires_at) else {
            return Verdict::Wrong { attempts_left: 0 };
        };
        challenge.attempts_left = challenge.attempts_left.saturating_sub(1);
        let member =
            challenge.member_ref.as_ref().and_then(|it| members.iter().find(|member| member.member_ref == *it));
        let right = member.filter(|member| match challenge.method {
            Method::Otp => answer.code.as_deref() == Some(challenge.code.as_str()),
            Method::Pin => answer.pin.as_deref() == Some(member.pin.as_str()),
            Method::Kba => {
                answer.answers.as_ref().is_some_and(|given| member.matches(&given.family_name, &given.birthdate))
            }
        });
        let verdict = match right {
            Some(member) => Verdict::Right { member_ref: member.member_ref.clone(), level: challenge.method.level() },
            None => Verdict::Wrong { attempts_left: challenge.attempts_left },
        };
        if challenge.attempts_left == 0 || matches!(verdict, Verdict::Right { .. }) {
            self.open.remove(id);
        }
        verdict
    }
}
