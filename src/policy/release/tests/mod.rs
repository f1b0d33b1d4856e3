//! One small world, and questions put to it.

mod ask;
mod claims_parameter;
mod formula;
mod memberships;
mod properties;
mod rules;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::*;
use crate::model::account::{Account, Attribute, Stage, Status, Verification};
use crate::model::client::{Client, Relationship};
use crate::model::consent::{Consent, Decision};
use crate::model::contact::{Contact, ContactKind};
use crate::model::member::{Balance, MemberFacts, Membership, MembershipState, Proof, ProofLevel};
use crate::model::{AccountId, ContactId, MembershipId, ProgrammeId, UnixTime};
use crate::protocol::{ClaimsRequest, Scope};

/// 2026-11-23T08:00:00Z.
const NOW: UnixTime = UnixTime(1_795_420_800);
const MEMBERSHIPS: &str = "urn:comity:memberships";

static BUILTIN: LazyLock<ReleaseRules> = LazyLock::new(|| ReleaseRules::builtin().unwrap());

struct World {
    rules: ReleaseRules,
    client: Client,
    account: Account,
    attributes: Vec<Attribute>,
    contacts: Vec<Contact>,
    memberships: Vec<Membership>,
    unreachable: BTreeSet<ProgrammeId>,
    consents: Vec<Consent>,
    claims: ClaimsRequest,
    began_at: UnixTime,
    reconfirm: bool,
    now: UnixTime,
}

impl fmt::Debug for World {
    /// Without the rules, which would bury what a failing property found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:#?}",
            (
                &self.client.release,
                self.client.relationship,
                &self.account,
                &self.attributes,
                &self.contacts,
                &self.memberships,
                &self.consents,
                &self.claims,
                self.reconfirm
            )
        )
    }
}

fn mina() -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(1))
}

fn client(scopes: &[&str]) -> Client {
    let scopes: Vec<&str> = scopes.to_vec();
    serde_json::from_value(json!({
        "client_id": "shop",
        "client_name": "SkyWay Shop",
        "redirect_uris": ["https://shop.example/callback"],
        "release": {"scopes": scopes},
    }))
    .unwrap()
}

fn attribute(name: &str, value: impl Into<Value>) -> Attribute {
    Attribute {
        name: name.into(),
        value: value.into(),
        source: "user".into(),
        verification: Verification::Unverified,
        observed_at: NOW - 1000,
    }
}

fn contact(number: u128, kind: ContactKind, value: &str, verified_at: Option<i64>) -> Contact {
    Contact {
        id: ContactId::from_uuid(Uuid::from_u128(number)),
        account: mina(),
        kind,
        value: value.into(),
        verified_at: verified_at.map(UnixTime),
        created_at: UnixTime(0),
    }
}

fn membership(number: u128, programme: &str, level: ProofLevel) -> Membership {
    Membership {
        id: MembershipId::from_uuid(Uuid::from_u128(number)),
        account: mina(),
        programme: programme.into(),
        number: "0012345675".into(),
        member_ref: "m-1".into(),
        proof: Proof { level, method: "otp".into(), at: NOW - 86_400 },
        state: MembershipState::Active,
        facts: MemberFacts {
            tier: Some("gold".into()),
            tier_rank: Some(2),
            tier_expires: Some("2027-03-31".into()),
            status: Some("active".into()),
            balances: vec![Balance { unit: "mile".into(), amount: 18_250 }],
            as_of: Some(NOW - 60),
            balances_as_of: Some(NOW - 60),
            etag: None,
        },
        linked_at: NOW - 86_400,
    }
}

impl World {
    fn new(scopes: &[&str]) -> Self {
        Self {
            rules: BUILTIN.clone(),
            client: client(scopes),
            account: Account {
                id: mina(),
                stage: Stage::Member,
                status: Status::Active,
                locale: "ko".parse().unwrap(),
                zoneinfo: "Asia/Seoul".into(),
                created_at: UnixTime(0),
                updated_at: NOW - 500,
            },
            attributes: vec![attribute("name", "김민아"), attribute("birthdate", "1990-02-28")],
            contacts: vec![
                contact(1, ContactKind::Email, "mina@example.com", Some(100)),
                contact(2, ContactKind::Phone, "+821012345678", Some(100)),
            ],
            memberships: vec![membership(1, "skyway", ProofLevel::Substantial)],
            unreachable: BTreeSet::new(),
            consents: Vec::new(),
            claims: ClaimsRequest::default(),
            began_at: NOW - 10,
            reconfirm: false,
            now: NOW,
        }
    }

    /// Lays rules written as TOML upon the built-in ones.
    fn with_rules(mut self, toml: &str) -> Self {
        self.rules = self.rules.overlaid(toml::from_str(toml).unwrap());
        assert_eq!(self.rules.validate(), Vec::<String>::new());
        self
    }

    fn with_claims(mut self, claims: &Value) -> Self {
        self.claims = ClaimsRequest::parse(Some(&claims.to_string())).unwrap();
        self
    }

    /// Records an answer to every line of a scope's row, long before this request.
    fn answered(mut self, scope: &str, decision: Decision) -> Self {
        let row = self.rules.row(scope, &self.client.id).unwrap().clone();
        let permission = row.claims.is_empty().then(String::new);
        for claim in row.claims.into_keys().chain(permission) {
            self.consents.push(self.consent(scope, &claim, &row.purpose, decision, NOW - 1000));
        }
        self
    }

    fn consent(&self, scope: &str, claim: &str, purpose: &str, decision: Decision, at: UnixTime) -> Consent {
        Consent {
            account: self.account.id,
            client: self.client.id.clone(),
            scope: scope.into(),
            claim: claim.into(),
            purpose: purpose.into(),
            purpose_version: self.rules.purpose(purpose).map_or(1, |purpose| purpose.version),
            decision,
            decided_at: at,
            expires_at: Some(at + 31_536_000),
        }
    }

    fn release(&self, scope: &str) -> Release {
        let facts = Facts {
            account: &self.account,
            attributes: &self.attributes,
            contacts: &self.contacts,
            memberships: &self.memberships,
            unreachable: &self.unreachable,
            pairwise_key: Some(&[7; 32]),
        };
        evaluate(
            &self.rules,
            &Question {
                client: &self.client,
                scope: &scope.parse::<Scope>().unwrap(),
                claims: &self.claims,
                facts: &facts,
                consents: &self.consents,
                began_at: self.began_at,
                reconfirm: self.reconfirm,
                now: self.now,
            },
        )
    }

    fn userinfo(&self, scope: &str) -> Map<String, Value> {
        self.release(scope).claims_for(Delivery::UserInfo)
    }

    fn memberships(&self, scope: &str) -> Value {
        self.userinfo(scope).remove(MEMBERSHIPS).unwrap_or(Value::Null)
    }

    /// The code of the only line of a claim.
    fn code(&self, scope: &str, claim: &str) -> &'static str {
        let lines: Vec<Explained> =
            self.release(scope).explain().into_iter().filter(|line| line.claim == claim).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].reason
    }

    fn asked(&self, scope: &str) -> Vec<String> {
        self.release(scope).ask().into_iter().map(|line| format!("{} {}", line.scope, line.claim)).collect()
    }
}

fn names(claims: &Map<String, Value>) -> Vec<&str> {
    let mut names: Vec<&str> = claims.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
