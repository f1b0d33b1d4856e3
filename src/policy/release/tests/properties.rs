//! What holds for every rule, person, client and request.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::protocol::ClaimRequest;

const SCOPES: [&str; 12] = [
    "openid",
    "offline_access",
    "profile",
    "email",
    "phone",
    "address",
    "stage",
    "membership",
    "membership.number",
    "membership.points",
    "age",
    "nonsense",
];
const CLAIMS: [&str; 12] = [
    "name",
    "family_name",
    "family_name#ja-Kana-JP",
    "birthdate",
    "address",
    "email",
    "phone_number",
    "urn:comity:age_over_18",
    "urn:comity:stage",
    MEMBERSHIPS,
    "nonsense",
    "sub",
];
const DELIVERIES: [Delivery; 4] = [Delivery::IdToken, Delivery::UserInfo, Delivery::Introspection, Delivery::Event];

/// Some of `all`, as owned strings.
fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<String>> {
    subsequence(all, 0..=all.len()).prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn any_level() -> impl Strategy<Value = ProofLevel> {
    select(vec![ProofLevel::Low, ProofLevel::Substantial, ProofLevel::High])
}

fn any_client() -> impl Strategy<Value = Client> {
    let relationship = select(vec![Relationship::SameController, Relationship::Processor, Relationship::ThirdParty]);
    let programmes = prop::option::of(select(vec!["skyway", "milenote"]));
    (some_of(&SCOPES), some_of(&CLAIMS), some_of(&CLAIMS), relationship, programmes, prop::option::of(any_level()))
        .prop_map(|(scopes, claims, except, relationship, programmes, min_proof)| {
            let mut client = client(&[]);
            client.relationship = relationship;
            client.release.scopes = scopes;
            client.release.claims = claims;
            client.release.except = except;
            client.release.programmes = programmes.into_iter().map(ProgrammeId::from).collect();
            client.release.min_proof = min_proof;
            client
        })
}

fn any_attribute() -> impl Strategy<Value = Attribute> {
    let pairs = select(vec![
        ("name", json!("김민아")),
        ("name", json!("")),
        ("family_name", json!("김")),
        ("family_name#ja-Kana-JP", json!("キム")),
        ("birthdate", json!("1990-02-28")),
        ("birthdate", json!("2008-02-29")),
        ("birthdate", json!("1990")),
        ("birthdate", json!(null)),
        ("address", json!({"country": "KR", "region": null})),
        ("picture", json!("javascript:1")),
        ("nickname", json!("null")),
    ]);
    (pairs, select(vec!["user", "connection:kakao", "import"]), any::<bool>(), 0..100_i64).prop_map(
        |((name, value), source, is_verified, age)| Attribute {
            source: source.into(),
            verification: if is_verified { Verification::Verified } else { Verification::Unverified },
            observed_at: NOW - age,
            ..attribute(name, value)
        },
    )
}

fn any_membership() -> impl Strategy<Value = Membership> {
    let state = select(vec![MembershipState::Active, MembershipState::Active, MembershipState::Frozen]);
    let age = || prop::option::of(select(vec![0, 899, 901, 3601, 300_000]));
    (1..9_u128, select(vec!["skyway", "milenote"]), any_level(), state, age(), age()).prop_map(
        |(number, programme, level, state, tier_age, points_age)| {
            let mut membership = membership(number, programme, level);
            membership.state = state;
            membership.facts.as_of = tier_age.map(|age| NOW - age);
            membership.facts.balances_as_of = points_age.map(|age| NOW - age);
            membership
        },
    )
}

fn any_contact() -> impl Strategy<Value = Contact> {
    let kind = select(vec![(ContactKind::Email, "mina@example.com"), (ContactKind::Phone, "+821012345678")]);
    (1..9_u128, kind, prop::option::of(0..9_i64))
        .prop_map(|(number, (kind, value), verified_at)| contact(number, kind, value, verified_at))
}

fn any_request() -> impl Strategy<Value = ClaimsRequest> {
    let value = prop::option::of(select(vec![json!("mina@example.com"), json!("member"), json!(true), json!("x")]));
    let claim = (any::<bool>(), value).prop_map(|(essential, value)| ClaimRequest { essential, value, values: None });
    let section = || prop::collection::btree_map(select(&CLAIMS[..]).prop_map(str::to_owned), claim.clone(), 0..4);
    (section(), section()).prop_map(|(userinfo, id_token)| ClaimsRequest { userinfo, id_token })
}

/// An answer to one of the built-in lines, in any state.
fn any_consent() -> impl Strategy<Value = Consent> {
    let mut lines = Vec::new();
    for row in BUILTIN.rows() {
        let permission = row.claims.is_empty().then(String::new);
        let claims = row.claims.keys().cloned().chain(permission);
        lines.extend(claims.map(|claim| (row.scope.clone(), claim, row.purpose.clone())));
    }
    let decision =
        select(vec![Decision::Given, Decision::Given, Decision::Given, Decision::Declined, Decision::Withdrawn]);
    let expiry = select(vec![None, None, Some(NOW), Some(NOW + 1)]);
    (select(lines), decision, 0..40_i64, expiry, select(vec![1, 1, 1, 2])).prop_map(
        |((scope, claim, purpose), decision, age, expires_at, purpose_version)| Consent {
            account: mina(),
            client: "shop".into(),
            scope,
            claim,
            purpose,
            purpose_version,
            decision,
            decided_at: NOW - age,
            expires_at,
        },
    )
}

prop_compose! {
    fn any_world()(
        client in any_client(),
        stage in select(vec![Stage::LiteUnverified, Stage::Lite, Stage::Member]),
        status in select(vec![Status::Active, Status::Active, Status::Active, Status::Suspended]),
        attributes in prop::collection::vec(any_attribute(), 0..8),
        contacts in prop::collection::vec(any_contact(), 0..4),
        memberships in prop::collection::vec(any_membership(), 0..3),
        consents in prop::collection::vec(any_consent(), 0..40),
        claims in any_request(),
        is_down: bool,
        reconfirm: bool,
    ) -> World {
        let mut world = World::new(&[]);
        world.account.stage = stage;
        world.account.status = status;
        if is_down {
            world.unreachable.insert("skyway".into());
        }
        World { client, attributes, contacts, memberships, consents, claims, reconfirm, ..world }
    }
}

fn any_scope() -> impl Strategy<Value = String> {
    some_of(&SCOPES).prop_map(|scopes| scopes.into_iter().collect::<Vec<_>>().join(" "))
}

/// The names `explain` allows for one place.
fn explained(release: &Release, goes: impl Fn(&Explained) -> bool) -> BTreeSet<String> {
    let lines = release.explain().into_iter().filter(|line| line.allowed && !line.claim.is_empty() && goes(line));
    lines.map(|line| line.claim).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || text == "null",
        Value::Array(items) => items.is_empty() || items.iter().any(is_empty),
        Value::Object(members) => members.is_empty() || members.values().any(is_empty),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_is_explained_is_what_is_released(world in any_world(), scope in any_scope()) {
        let release = world.release(&scope);
        for delivery in DELIVERIES {
            let claims: BTreeSet<String> = release.claims_for(delivery).keys().cloned().collect();
            prop_assert_eq!(explained(&release, |line| line.deliver.contains(&delivery)), claims);
        }
        let lone: BTreeSet<String> = release.claims_for_lone_id_token().keys().cloned().collect();
        let goes = |line: &Explained| {
            line.deliver.contains(&Delivery::IdToken) || line.deliver.contains(&Delivery::UserInfo)
        };
        prop_assert_eq!(explained(&release, goes), lone);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_released_against_the_formula(world in any_world(), scope in any_scope()) {
        let release = world.release(&scope);
        let policy = &world.client.release;
        for line in release.lines.iter().filter(|line| line.is_released()) {
            prop_assert!(world.account.status == Status::Active);
            let by_scope = policy.scopes.contains(&line.scope) && !policy.except.contains(line.base());
            let singly = policy.claims.contains(line.base()) || policy.claims.contains(&line.claim);
            prop_assert!(by_scope || singly, "{line:?}");
            let asked = scope.split(' ').any(|value| value == line.scope);
            prop_assert!(asked || world.claims.names().any(|name| name == line.claim), "{line:?}");
            if line.basis == Some(Basis::Consent) || world.client.relationship == Relationship::ThirdParty {
                let given = world.consents.iter().any(|consent| {
                    consent.decision == Decision::Given
                        && (&*consent.scope, &*consent.claim, &consent.purpose)
                            == (&*line.scope, line.base(), &line.purpose)
                        && consent.purpose_version == line.purpose_version
                        && consent.expires_at.is_none_or(|end| end > NOW)
                });
                prop_assert!(given, "{line:?}");
            }
        }
        for claims in [release.claims_for_lone_id_token(), release.claims_for(Delivery::UserInfo)] {
            prop_assert!(!claims.contains_key("sub"));
            for (name, value) in &claims {
                prop_assert!(!is_empty(value), "{name}: {value}");
            }
            let entries = claims.get(MEMBERSHIPS).and_then(Value::as_array).cloned().unwrap_or_default();
            for entry in &entries {
                let host_word = ["tier", "status", "balances"].iter().any(|field| entry.get(field).is_some());
                prop_assert!(!host_word || entry.get("stale").is_some(), "{entry}");
                let level = entry.get("proof").and_then(|proof| proof.get("level")).and_then(Value::as_str);
                let private = ["number", "balances", "status"].iter().any(|field| entry.get(field).is_some());
                prop_assert!(!(level == Some("low") && private), "{entry}");
            }
        }
        prop_assert!(release.scope().iter().all(|value| policy.scopes.contains(value)));
    }

    #[test]
    fn without_consents_no_more_is_released(mut world in any_world(), scope in any_scope()) {
        let with: BTreeSet<String> = world.release(&scope).claims_for_lone_id_token().keys().cloned().collect();
        world.consents.clear();
        let without: BTreeSet<String> = world.release(&scope).claims_for_lone_id_token().keys().cloned().collect();
        prop_assert!(without.is_subset(&with));
    }

    #[test]
    fn one_page_settles_a_request(mut world in any_world(), scope in any_scope(), agree: bool) {
        let before = world.release(&scope);
        let asked = before.ask();
        let decision = if agree { Decision::Given } else { Decision::Declined };
        for line in &asked {
            let consent = world.consent(&line.scope, &line.claim, &line.purpose, decision, NOW);
            world.consents.push(consent);
        }
        let after = world.release(&scope);
        prop_assert_eq!(after.ask(), Vec::new());
        for line in after.lines.iter().filter(|line| asked.iter().any(|asked| {
            (&*asked.scope, &*asked.claim) == (&*line.scope, line.base())
        })) {
            let mismatched = line.verdict == Verdict::Denied(Reason::ValueMismatch);
            // A language the value is not known in, or a scope the client may not use for a claim it may ask for singly.
            let other = [Reason::NotAvailable, Reason::ScopeNotAllowed, Reason::ClaimNotAllowed];
            let other = other.iter().any(|reason| line.verdict == Verdict::Denied(*reason));
            prop_assert!(line.is_released() == agree || mismatched || other, "{line:?}");
        }
        // Given in full, the same request later asks nothing and releases the same.
        if agree {
            let released = after.claims_for_lone_id_token();
            world.reconfirm = false;
            world.began_at = NOW + 60;
            prop_assert!(world.release(&scope).ask().iter().all(|line| line.essential || !asked.contains(line)));
            prop_assert_eq!(world.release(&scope).claims_for_lone_id_token(), released);
        }
    }

    #[test]
    fn a_line_is_asked_only_if_yes_would_matter(world in any_world(), scope in any_scope()) {
        let release = world.release(&scope);
        for line in release.ask() {
            prop_assert!(line.claim.is_empty() || !is_empty(&line.value), "{line:?}");
            prop_assert!(world.client.release.scopes.contains(&line.scope)
                || world.client.release.claims.iter().any(|claim| claim.split('#').next() == Some(&line.claim)));
        }
        let mut keys: Vec<(String, String)> =
            release.ask().into_iter().map(|line| (line.scope, line.claim)).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
    }
}
