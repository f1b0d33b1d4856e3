//! The answer, line by line, and the views of it that others use.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::membership::{Entry, joined};
use super::rules::{Basis, Delivery};
use crate::protocol::Scope;

/// Why a line is not released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The client is switched off.
    ClientDisabled,
    /// The account is not in use.
    AccountNotActive,
    /// No rule knows the scope.
    UnknownScope,
    /// No rule knows the claim.
    UnknownClaim,
    /// The client may not ask for the scope.
    ScopeNotAllowed,
    /// The client may not have the claim.
    ClaimNotAllowed,
    /// The purpose does not exist, is not yet or no longer in force.
    PurposeNotLive,
    /// The account has not become enough yet.
    StageTooLow,
    /// The membership is not proven well enough.
    ProofTooLow,
    /// All there is has grown too old.
    TooOld,
    /// There is no value.
    NotAvailable,
    /// The person was never asked.
    ConsentMissing,
    /// The person said no.
    ConsentDeclined,
    /// The person took their yes back.
    ConsentWithdrawn,
    /// The yes has lapsed.
    ConsentExpired,
    /// The yes was to another version of the purpose.
    ConsentOutdated,
    /// The client asked for another value [OIDC Core §5.5.1].
    ValueMismatch,
}

impl Reason {
    /// Its stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientDisabled => "client_disabled",
            Self::AccountNotActive => "account_not_active",
            Self::UnknownScope => "unknown_scope",
            Self::UnknownClaim => "unknown_claim",
            Self::ScopeNotAllowed => "scope_not_allowed",
            Self::ClaimNotAllowed => "claim_not_allowed",
            Self::PurposeNotLive => "purpose_not_live",
            Self::StageTooLow => "stage_too_low",
            Self::ProofTooLow => "proof_too_low",
            Self::TooOld => "too_old",
            Self::NotAvailable => "not_available",
            Self::ConsentMissing => "consent_missing",
            Self::ConsentDeclined => "consent_declined",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::ConsentExpired => "consent_expired",
            Self::ConsentOutdated => "consent_outdated",
            Self::ValueMismatch => "value_mismatch",
        }
    }
}

/// What becomes of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes out with this value; null for a scope without claims.
    Released(Value),
    /// It does not.
    Denied(Reason),
}

/// One claim under one scope.
#[derive(Clone, Debug)]
pub struct Line {
    /// The scope whose row governs it; empty for an unknown claim.
    pub scope: String,
    /// The claim with its language tag; empty for a scope that is a permission by itself.
    pub claim: String,
    /// What it is for.
    pub purpose: String,
    /// The version of that purpose.
    pub purpose_version: u32,
    /// What the purpose stands on; `None` when there is no such purpose.
    pub basis: Option<Basis>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Where it goes.
    pub deliver: BTreeSet<Delivery>,
    /// Whether the client called it essential.
    pub essential: bool,
    /// Whether the person may refuse it alone.
    pub voluntary: bool,
    /// Seconds an answer is remembered.
    pub remember: Option<i64>,
    /// Brought along by a scope the client may use: a single request for the claim adds to this line.
    pub(super) by_scope: bool,
    pub(super) consented: bool,
    pub(super) asks: bool,
    pub(super) value: Option<Value>,
    pub(super) entries: Vec<Entry>,
}

impl Line {
    /// Whether it goes out.
    pub const fn is_released(&self) -> bool {
        matches!(self.verdict, Verdict::Released(_))
    }

    /// The claim without its language tag: what consent is recorded for.
    pub fn base(&self) -> &str {
        self.claim.split_once('#').map_or(&self.claim, |(base, _)| base)
    }

    fn goes_to(&self, delivery: Delivery) -> bool {
        self.is_released() && !self.claim.is_empty() && self.deliver.contains(&delivery)
    }

    /// The code `explain` shows: what allows or denies it.
    fn code(&self) -> &'static str {
        match (&self.verdict, self.basis) {
            (Verdict::Denied(reason), _) => reason.as_str(),
            (Verdict::Released(_), _) if self.consented => "consent",
            (Verdict::Released(_), Some(Basis::Contract)) => "contract",
            (Verdict::Released(_), Some(Basis::LegalObligation)) => "legal_obligation",
            (Verdict::Released(_), Some(Basis::LegitimateInterest)) => "legitimate_interest",
            (Verdict::Released(_), Some(Basis::Consent) | None) => "consent",
        }
    }
}

/// One line of the consent page.
#[derive(Clone, Debug, PartialEq)]
pub struct AskLine {
    /// The scope it was asked under.
    pub scope: String,
    /// The claim without language tag; empty for a scope that is a permission by itself.
    pub claim: String,
    /// What for.
    pub purpose: String,
    /// The version to record with the answer.
    pub purpose_version: u32,
    /// The value that would go out; null for a permission.
    pub value: Value,
    /// The same claim in other languages, by full name.
    pub variants: Vec<(String, Value)>,
    /// Whether it has a box of its own, unticked.
    pub voluntary: bool,
    /// Whether the client called it essential.
    pub essential: bool,
    /// Seconds the answer is remembered; until withdrawn when absent.
    pub remember: Option<i64>,
}

/// One line of `explain`: names and rules, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The scope whose row governs it.
    pub scope: String,
    /// The claim.
    pub claim: String,
    /// What for.
    pub purpose: String,
    /// Whether it goes out.
    pub allowed: bool,
    /// What allows or denies it.
    pub reason: &'static str,
    /// Where it goes, or would.
    pub deliver: BTreeSet<Delivery>,
    /// Whether the client called it essential.
    pub essential: bool,
    /// Whether the person may refuse it alone.
    pub voluntary: bool,
}

/// The whole answer to a request.
#[derive(Clone, Debug)]
pub struct Release {
    /// Every claim asked for, in the order of the request.
    pub lines: Vec<Line>,
    pub(super) scope: Scope,
}

impl Release {
    /// The scope to grant: values the client may have, without permissions the person did not give.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The claims that go to one place. An ID token issued beside an access token carries what rules or the `claims`
    /// parameter send there, and nothing else of the scopes [OIDC Core §5.4].
    pub fn claims_for(&self, delivery: Delivery) -> Map<String, Value> {
        self.claims(|line| line.goes_to(delivery))
    }

    /// The claims of an ID token issued without an access token: those for userinfo are in it [OIDC Core §5.4].
    pub fn claims_for_lone_id_token(&self) -> Map<String, Value> {
        self.claims(|line| line.goes_to(Delivery::IdToken) || line.goes_to(Delivery::UserInfo))
    }

    fn claims(&self, goes: impl Fn(&Line) -> bool) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut entries: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| goes(line)) {
            if let (Verdict::Released(value), true) = (&line.verdict, line.entries.is_empty()) {
                claims.entry(line.claim.clone()).or_insert_with(|| value.clone());
            } else {
                entries.entry(&line.claim).or_default().extend(&line.entries);
            }
        }
        for (claim, parts) in entries {
            claims.entry(claim).or_insert_with(|| joined(parts.into_iter()));
        }
        claims
    }

    /// The lines the person must be asked about now, each claim once per scope. Empty: no consent page.
    pub fn ask(&self) -> Vec<AskLine> {
        let mut asked: Vec<AskLine> = Vec::new();
        for line in self.lines.iter().filter(|line| line.asks) {
            let value = line.value.clone().unwrap_or(Value::Null);
            let known = asked.iter_mut().find(|known| known.scope == line.scope && known.claim == line.base());
            match known {
                Some(known) => {
                    known.essential |= line.essential;
                    known.variants.push((line.claim.clone(), value));
                }
                None => asked.push(AskLine {
                    scope: line.scope.clone(),
                    claim: line.base().to_owned(),
                    purpose: line.purpose.clone(),
                    purpose_version: line.purpose_version,
                    value,
                    variants: Vec::new(),
                    voluntary: line.voluntary,
                    essential: line.essential,
                    remember: line.remember,
                }),
            }
        }
        asked
    }

    /// Allow or deny for every line, with the rule behind it.
    pub fn explain(&self) -> Vec<Explained> {
        let explained = self.lines.iter().map(|line| Explained {
            scope: line.scope.clone(),
            claim: line.claim.clone(),
            purpose: line.purpose.clone(),
            allowed: line.is_released(),
            reason: line.code(),
            deliver: line.deliver.clone(),
            essential: line.essential,
            voluntary: line.voluntary,
        });
        explained.collect()
    }
}
