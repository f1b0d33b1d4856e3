//! The rules as configuration states them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};

use super::membership::{Field, Freshness};
use super::period::Period;
use super::source::Source;
use super::transform::Transform;
use crate::model::account::Stage;
use crate::model::member::ProofLevel;
use crate::model::{ClientId, Locale, UnixTime};

/// The rules Comity ships with, as TOML.
pub const DEFAULTS: &str = include_str!("../../../config/release.toml");

/// The legal ground a purpose stands on [GDPR Art. 6].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The person said yes, claim by claim.
    Consent,
    /// Needed for what the person signed up for.
    Contract,
    /// The law demands it.
    LegalObligation,
    /// An interest that outweighs the person's.
    LegitimateInterest,
}

/// Why data is used; versioned, because an answer holds for the text that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its identifier.
    pub id: String,
    /// Its version; a new one asks everybody again.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What it stands on.
    pub basis: Basis,
    /// Whether the service cannot do without: its lines carry no box to untick.
    #[serde(default)]
    pub required: bool,
    /// How long the receiver keeps the data, in words or as a period; shown on the consent page.
    #[serde(default)]
    pub retention: Option<String>,
    /// Who else receives the data; shown on the consent page.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// From when on it holds, seconds since 1970.
    #[serde(default)]
    pub live_from: Option<UnixTime>,
    /// Until when it holds, seconds since 1970.
    #[serde(default)]
    pub live_until: Option<UnixTime>,
    /// What people read, by language.
    #[serde(default)]
    pub text: BTreeMap<String, String>,
}

const fn first_version() -> u32 {
    1
}

impl Purpose {
    /// Whether it holds at `now`.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.live_from.is_none_or(|from| from <= now) && self.live_until.is_none_or(|until| now < until)
    }

    /// The text for a reader: in their language, else in English, else in any; its identifier when there is none.
    pub fn text(&self, locale: &Locale) -> &str {
        let tried = [locale.as_str(), locale.language(), "en"];
        let found = tried.iter().find_map(|tag| self.text.get(*tag)).or_else(|| self.text.values().next());
        found.map_or(&self.id, String::as_str)
    }
}

/// Where a released claim goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Delivery {
    /// Into the ID token.
    #[serde(rename = "id_token")]
    IdToken,
    /// To the userinfo endpoint.
    #[serde(rename = "userinfo")]
    UserInfo,
    /// Into the introspection response.
    #[serde(rename = "introspection")]
    Introspection,
    /// Into events and webhooks.
    #[serde(rename = "event")]
    Event,
}

impl Delivery {
    /// The name configuration uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::UserInfo => "userinfo",
            Self::Introspection => "introspection",
            Self::Event => "event",
        }
    }
}

/// What one scope value brings along. A row that names clients replaces the general row of its scope for them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeRule {
    /// The scope value.
    pub scope: String,
    /// What its claims are for.
    pub purpose: String,
    /// How long an answer is remembered; until withdrawn when absent.
    #[serde(default)]
    pub remember: Option<Period>,
    /// Where its claims go.
    #[serde(default = "to_userinfo", deserialize_with = "one_or_many")]
    pub deliver: BTreeSet<Delivery>,
    /// The clients it is for; all when empty.
    #[serde(default)]
    pub clients: BTreeSet<ClientId>,
    /// The least an account must have become.
    #[serde(default)]
    pub min_stage: Option<Stage>,
    /// Its claims. A scope without claims is a permission by itself.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimRule>,
}

/// Where a claim's value comes from and what happens to it on the way.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// Where the value comes from.
    pub source: Source,
    /// The members of each membership, for a source `loyalty:…`.
    #[serde(default)]
    pub fields: BTreeSet<Field>,
    /// The least proof a membership needs.
    #[serde(default)]
    pub min_proof: Option<ProofLevel>,
    /// What is made of the value.
    #[serde(default)]
    pub transform: Option<Transform>,
    /// Whether the line has a box of its own; so unless the purpose is required.
    #[serde(default)]
    pub voluntary: Option<bool>,
}

fn to_userinfo() -> BTreeSet<Delivery> {
    BTreeSet::from([Delivery::UserInfo])
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Delivery>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(Delivery),
        Many(BTreeSet<Delivery>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(delivery) => BTreeSet::from([delivery]),
        OneOrMany::Many(deliveries) => deliveries,
    })
}

/// The table `release` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseTable {
    /// Its rows.
    pub scope: Vec<ScopeRule>,
    /// How old a host's word may grow.
    pub freshness: Freshness,
}

/// All rules of the deployment.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseRules {
    pub(super) purposes: Vec<Purpose>,
    pub(super) release: ReleaseTable,
    /// Compiled in, so that a date is judged alike on every machine.
    #[serde(skip, default = "TimeZoneDatabase::bundled")]
    pub(super) zones: TimeZoneDatabase,
}

impl Default for ReleaseRules {
    fn default() -> Self {
        Self::new(Vec::new(), ReleaseTable::default())
    }
}

impl ReleaseRules {
    /// Rules from the two tables of the configuration; see [`validate`](Self::validate).
    pub fn new(purposes: Vec<Purpose>, release: ReleaseTable) -> Self {
        Self { purposes, release, zones: TimeZoneDatabase::bundled() }
    }

    /// The rules Comity ships with.
    pub fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(DEFAULTS)
    }

    /// These rules with `over` laid upon them: its purposes replace those of the same identifier, its rows those of
    /// the same scope and clients, in their place; its freshness holds.
    pub fn overlaid(mut self, over: Self) -> Self {
        for purpose in over.purposes {
            lay(&mut self.purposes, purpose, |own, other| own.id == other.id);
        }
        for row in over.release.scope {
            lay(&mut self.release.scope, row, |own, other| own.scope == other.scope && own.clients == other.clients);
        }
        self.release.freshness = over.release.freshness;
        self
    }

    /// A purpose by its identifier.
    pub fn purpose(&self, id: &str) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.id == id)
    }

    /// All purposes.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// How old a loyalty host's word may grow.
    pub const fn freshness(&self) -> &Freshness {
        &self.release.freshness
    }

    /// All rows.
    pub fn rows(&self) -> &[ScopeRule] {
        &self.release.scope
    }

    /// The row that holds for a client: the one naming it, else the scope's general one.
    pub fn row(&self, scope: &str, client: &ClientId) -> Option<&ScopeRule> {
        let mut rows = self.release.scope.iter().filter(|row| row.scope == scope);
        let general = rows.clone().find(|row| row.clients.is_empty());
        rows.find(|row| row.clients.contains(client)).or(general)
    }

    /// Every scope value with a row, each once, for `scopes_supported`.
    pub fn scopes(&self) -> BTreeSet<&str> {
        self.release.scope.iter().map(|row| row.scope.as_str()).collect()
    }

    /// Every claim with a rule, each once, for `claims_supported`.
    pub fn claims(&self) -> BTreeSet<&str> {
        self.release.scope.iter().flat_map(|row| row.claims.keys().map(String::as_str)).collect()
    }
}

fn lay<T>(items: &mut Vec<T>, item: T, is_same: impl Fn(&T, &T) -> bool) {
    match items.iter_mut().find(|own| is_same(own, &item)) {
        Some(own) => *own = item,
        None => items.push(item),
    }
}
