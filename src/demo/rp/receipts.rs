//! What a relying party received, for the stage to show: the very claims, never made up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::member::Member;
use super::session::Login;
use super::token_store::payload;
use crate::model::UnixTime;

const KEPT: usize = 50;

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::demo) struct Receipt {
    pub(in crate::demo) at: UnixTime,
    pub(in crate::demo) sub: String,
    pub(in crate::demo) id_token: Map<String, Value>,
    pub(in crate::demo) userinfo: Map<String, Value>,
    /// Its claims, when it is a JWT.
    pub(in crate::demo) access_token: Option<Map<String, Value>>,
}

impl Receipt {
    /// What a signed-in person amounts to for a relying party.
    pub(super) fn of(login: &Login) -> Self {
        Self {
            at: login.userinfo_at,
            sub: login.tokens.sub.clone(),
            id_token: login.tokens.id_claims.clone(),
            userinfo: login.userinfo.clone(),
            access_token: payload(login.tokens.access_token.expose()),
        }
    }

    /// Whether a claim came by any way.
    pub(in crate::demo) fn has(&self, claim: &str) -> bool {
        self.userinfo.contains_key(claim) || self.id_token.contains_key(claim)
    }

    /// The membership of the airline's own programme.
    pub(in crate::demo) fn member(&self) -> Option<Member> {
        Member::of(&self.userinfo)
    }
}

/// The deliveries of one relying party, oldest first.
#[derive(Debug, Default)]
pub(in crate::demo) struct Receipts(Mutex<VecDeque<Receipt>>);

impl Receipts {
    /// Keeps a delivery, unless it says nothing new.
    pub(super) fn keep(&self, receipt: Receipt) {
        let mut kept = self.kept();
        let same = |last: &Receipt| last.id_token == receipt.id_token && last.userinfo == receipt.userinfo;
        if kept.back().is_some_and(same) {
            return;
        }
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(receipt);
    }

    /// All that are kept, oldest first.
    pub(in crate::demo) fn all(&self) -> Vec<Receipt> {
        self.kept().iter().cloned().collect()
    }

    /// The latest.
    pub(in crate::demo) fn latest(&self) -> Option<Receipt> {
        self.kept().back().cloned()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Receipt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
