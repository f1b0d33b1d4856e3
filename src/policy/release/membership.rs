//! The claim `urn:comity:memberships`: always an array, each entry as old and as proven as it says.
//!
//! A host's word carries `as_of`. Tier and status older than `tier`, balances older than `points` are left out. An entry
//! is `stale` when the host did not answer the last time it was asked, or when its word is older than `stale_after`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::evaluate::Facts;
use super::period::Period;
use super::rules::ClaimRule;
use super::source::Source;
use super::transform::{Transform, bucket};
use super::verdict::Reason;
use crate::model::UnixTime;
use crate::model::client::Client;
use crate::model::member::{Membership, MembershipState, ProofLevel};
use crate::policy::identifier::mask;

/// A member of each entry. `programme` is always there, `stale` wherever a host's word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Which programme.
    Programme,
    /// The tier's code.
    Tier,
    /// The tier's rank.
    TierRank,
    /// The day the tier ends.
    TierExpires,
    /// The member's status at the host; needs a substantial proof.
    Status,
    /// How the link was proven.
    Proof,
    /// The member number; needs a substantial proof.
    Number,
    /// Balances, each with the time it was read; need a substantial proof.
    Balances,
    /// When tier and status were read.
    AsOf,
}

impl Field {
    /// A low proof rests on what others may know: it shows programme and tier, nothing of the person's.
    const fn least_proof(self) -> ProofLevel {
        match self {
            Self::Status | Self::Number | Self::Balances => ProofLevel::Substantial,
            _ => ProofLevel::Low,
        }
    }

    const fn is_tier_or_status(self) -> bool {
        matches!(self, Self::Tier | Self::TierRank | Self::TierExpires | Self::Status)
    }
}

/// How old a host's word may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Freshness {
    /// Older than this it is marked `stale`.
    pub stale_after: Period,
    /// Older than this tier and status are left out.
    pub tier: Period,
    /// Older than this balances are left out.
    pub points: Period,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { stale_after: Period::seconds(3600), tier: Period::seconds(72 * 3600), points: Period::seconds(15 * 60) }
    }
}

impl Freshness {
    pub(super) const fn is_positive(&self) -> bool {
        self.stale_after.as_seconds() > 0 && self.tier.as_seconds() > 0 && self.points.as_seconds() > 0
    }
}

/// One entry and the position of its membership among the facts, by which entries of several scopes are joined.
pub(super) type Entry = (usize, Map<String, Value>);

/// What an entry is built from.
struct Builder<'a> {
    rule: &'a ClaimRule,
    facts: &'a Facts<'a>,
    freshness: &'a Freshness,
    now: UnixTime,
    unproven: bool,
    too_old: bool,
}

/// The entries a rule yields for a client; the reason when there is none.
pub(super) fn entries(
    rule: &ClaimRule,
    client: &Client,
    facts: &Facts<'_>,
    freshness: &Freshness,
    now: UnixTime,
) -> Result<Vec<Entry>, Reason> {
    let Source::Loyalty(programme) = &rule.source else { return Err(Reason::NotAvailable) };
    let programmes = &client.release.programmes;
    let least = rule.min_proof.max(client.release.min_proof).unwrap_or(ProofLevel::Low);
    let mut builder = Builder { rule, facts, freshness, now, unproven: false, too_old: false };
    let mut entries = Vec::new();
    for (position, membership) in facts.memberships.iter().enumerate() {
        let is_seen = membership.account == facts.account.id
            && membership.state == MembershipState::Active
            && programme.as_ref().is_none_or(|wanted| *wanted == membership.programme)
            && (programmes.is_empty() || programmes.contains(&membership.programme));
        if !is_seen {
            continue;
        }
        if membership.proof.level < least {
            builder.unproven = true;
        } else if let Some(entry) = builder.entry(membership) {
            entries.push((position, entry));
        }
    }
    match entries.is_empty() {
        false => Ok(entries),
        true if builder.unproven => Err(Reason::ProofTooLow),
        true if builder.too_old => Err(Reason::TooOld),
        true => Err(Reason::NotAvailable),
    }
}

impl Builder<'_> {
    fn fields(&self) -> BTreeSet<Field> {
        match self.rule.transform {
            Some(Transform::TierOnly | Transform::Exists) if self.rule.fields.is_empty() => {
                BTreeSet::from([Field::Programme, Field::Tier, Field::AsOf])
            }
            Some(Transform::TierOnly) => {
                let kept = [Field::Programme, Field::Tier, Field::AsOf];
                self.rule.fields.iter().copied().filter(|field| kept.contains(field)).collect()
            }
            _ => self.rule.fields.clone(),
        }
    }

    /// `None` when nothing but the programme's name would be in it, and that was not asked for.
    fn entry(&mut self, membership: &Membership) -> Option<Map<String, Value>> {
        let fields = self.fields();
        let mut entry = Map::new();
        entry.insert("programme".to_owned(), membership.programme.as_str().into());
        let mut has_substance = fields.contains(&Field::Programme);
        for field in &fields {
            if membership.proof.level < field.least_proof() {
                self.unproven = true;
            } else {
                has_substance |= self.insert(*field, membership, &mut entry);
            }
        }
        self.mark_age(&fields, membership, &mut entry);
        has_substance.then_some(entry)
    }

    /// Adds a field's value if there is one; tells whether that is worth an entry by itself.
    fn insert(&mut self, field: Field, membership: &Membership, entry: &mut Map<String, Value>) -> bool {
        let facts = &membership.facts;
        if field.is_tier_or_status() && self.is_too_old(facts.as_of, self.freshness.tier) {
            return false;
        }
        let (name, value) = match field {
            Field::Programme => return true,
            Field::AsOf => return false,
            Field::Proof => {
                let proof = &membership.proof;
                let at = proof.at.to_rfc3339();
                entry.insert("proof".to_owned(), json!({"level": proof.level, "method": proof.method, "at": at}));
                return false;
            }
            Field::Tier => ("tier", text(facts.tier.as_deref())),
            Field::TierRank => ("tier_rank", facts.tier_rank.map(Value::from)),
            Field::TierExpires => ("tier_expires", text(facts.tier_expires.as_deref())),
            Field::Status => ("status", text(facts.status.as_deref())),
            Field::Number => ("number", text(Some(&membership.number)).map(|number| self.number(number))),
            Field::Balances => ("balances", self.balances(membership)),
        };
        let found = value.is_some();
        entry.extend(value.map(|value| (name.to_owned(), value)));
        found
    }

    fn number(&self, number: Value) -> Value {
        match (self.rule.transform, &number) {
            (Some(Transform::Mask), Value::String(text)) => mask(text).into(),
            _ => number,
        }
    }

    fn balances(&mut self, membership: &Membership) -> Option<Value> {
        let facts = &membership.facts;
        if facts.balances.is_empty() || self.is_too_old(facts.balances_as_of, self.freshness.points) {
            return None;
        }
        let as_of = facts.balances_as_of?.to_rfc3339();
        let balances = facts.balances.iter().map(|balance| {
            let amount = match self.rule.transform {
                Some(Transform::Bucket(size)) => bucket(balance.amount, size),
                _ => balance.amount,
            };
            json!({"unit": balance.unit, "amount": amount, "as_of": as_of})
        });
        Some(balances.collect())
    }

    /// A word without a time is not the host's: it counts as too old, though there is nothing that aged.
    fn is_too_old(&mut self, as_of: Option<UnixTime>, limit: Period) -> bool {
        let is_past = as_of.is_some_and(|as_of| self.now.since(as_of) > limit.as_seconds());
        self.too_old |= is_past;
        is_past || as_of.is_none()
    }

    fn mark_age(&self, fields: &BTreeSet<Field>, membership: &Membership, entry: &mut Map<String, Value>) {
        let facts = &membership.facts;
        let has_tier = fields.iter().any(|field| field.is_tier_or_status());
        if (has_tier || fields.contains(&Field::AsOf))
            && let Some(as_of) = facts.as_of
        {
            entry.insert("as_of".to_owned(), as_of.to_rfc3339().into());
        }
        let word = match (has_tier, fields.contains(&Field::Balances)) {
            (true, _) => facts.as_of,
            (false, true) => facts.balances_as_of,
            (false, false) => return,
        };
        let is_aged = word.is_none_or(|as_of| self.now.since(as_of) > self.freshness.stale_after.as_seconds());
        let stale = is_aged || self.facts.unreachable.contains(&membership.programme);
        entry.insert("stale".to_owned(), stale.into());
    }
}

fn text(value: Option<&str>) -> Option<Value> {
    value.filter(|text| !text.is_empty()).map(Value::from)
}

/// Joins the entries several scopes yield for the same memberships, in the order of the facts. What is stale for one
/// scope is stale.
pub(super) fn joined<'a>(parts: impl Iterator<Item = &'a Entry>) -> Value {
    let mut whole: std::collections::BTreeMap<usize, Map<String, Value>> = std::collections::BTreeMap::new();
    for (position, part) in parts {
        let entry = whole.entry(*position).or_default();
        for (name, value) in part {
            if name == "stale" && value == &Value::Bool(true) {
                entry.insert(name.clone(), true.into());
            } else {
                entry.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    whole.into_values().map(Value::Object).collect()
}
