//! What makes rules unfit for service, told all at once when the configuration is loaded.

use std::collections::BTreeSet;

use super::rules::{ClaimRule, ReleaseRules, ScopeRule};
use super::source::Source;
use super::transform::Transform;

/// Claims that belong to the protocol: no rule makes them, no request for them is ours to answer.
const RESERVED: [&str; 26] = [
    "",
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "client_id",
    "scope",
    "cnf",
    "act",
    "may_act",
    "active",
    "_claim_names",
    "_claim_sources",
];

/// Whether the claim belongs to the protocol.
pub(super) fn is_reserved(claim: &str) -> bool {
    RESERVED.contains(&claim)
}

impl ReleaseRules {
    /// Everything wrong with the rules, one sentence each; empty when they are fit for service.
    pub fn validate(&self) -> Vec<String> {
        let mut errors = Vec::new();
        self.check_purposes(&mut errors);
        let mut seen = BTreeSet::new();
        for row in self.rows() {
            self.check_row(row, &mut errors);
            if row.clients.is_empty() && !seen.insert((row.scope.as_str(), "")) {
                errors.push(format!("scope {:?} has two general rows", row.scope));
            }
            for client in &row.clients {
                if !seen.insert((row.scope.as_str(), client.as_str())) {
                    errors.push(format!("scope {:?} has two rows for client {client}", row.scope));
                }
            }
        }
        if !self.release.freshness.is_positive() {
            errors.push("release.freshness must be longer than nothing".to_owned());
        }
        errors
    }

    fn check_purposes(&self, errors: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for purpose in self.purposes() {
            let id = &purpose.id;
            if id.is_empty() || !seen.insert(id) {
                errors.push(format!("purpose {id:?} is nameless or stated twice"));
            }
            if purpose.version == 0 {
                errors.push(format!("purpose {id:?}: versions count from 1"));
            }
            if purpose.text.values().all(|text| text.trim().is_empty()) {
                errors.push(format!("purpose {id:?} has no text to show"));
            }
            if let (Some(from), Some(until)) = (purpose.live_from, purpose.live_until)
                && until <= from
            {
                errors.push(format!("purpose {id:?} ends before it begins"));
            }
        }
    }

    fn check_row(&self, row: &ScopeRule, errors: &mut Vec<String>) {
        let scope = &row.scope;
        let is_token = !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !is_token {
            errors.push(format!("{scope:?} is no scope value"));
        }
        if self.purpose(&row.purpose).is_none() {
            errors.push(format!("scope {scope:?} names an unknown purpose {:?}", row.purpose));
        }
        if row.deliver.is_empty() {
            errors.push(format!("scope {scope:?} is delivered nowhere"));
        }
        if row.remember.is_some_and(|period| period.as_seconds() == 0) {
            errors.push(format!("scope {scope:?} remembers an answer for no time"));
        }
        for (claim, rule) in &row.claims {
            if is_reserved(claim) || claim.contains('#') {
                errors.push(format!("scope {scope:?}: {claim:?} is no claim a rule can make"));
            }
            if let Some(error) = rule.error() {
                errors.push(format!("scope {scope:?}, claim {claim:?}: {error}"));
            }
        }
    }
}

impl ClaimRule {
    fn error(&self) -> Option<&'static str> {
        let is_loyalty = matches!(self.source, Source::Loyalty(_));
        let has_own_fields = matches!(self.transform, Some(Transform::TierOnly | Transform::Exists));
        if !is_loyalty && !self.fields.is_empty() {
            Some("only a loyalty source has fields")
        } else if !is_loyalty && self.min_proof.is_some() {
            Some("only a loyalty source has a proof")
        } else if self.transform.is_some_and(|transform| !transform.suits(&self.source)) {
            Some("the transform does not suit the source")
        } else if is_loyalty && self.fields.is_empty() && !has_own_fields {
            Some("a loyalty source needs fields")
        } else {
            None
        }
    }
}
