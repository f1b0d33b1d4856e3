//! The membership claim: proof, freshness, programmes.

use super::*;

const BASE: &str = "membership";
const ALL: &str = "membership membership.number membership.points";

fn linked(level: ProofLevel) -> World {
    let mut world = World::new(&["openid", "membership", "membership.number", "membership.points"]);
    world.memberships = vec![membership(1, "skyway", level)];
    world
        .answered("membership", Decision::Given)
        .answered("membership.number", Decision::Given)
        .answered("membership.points", Decision::Given)
}

#[test]
fn scopes_add_to_one_entry() {
    let world = linked(ProofLevel::Substantial);
    assert_eq!(
        world.memberships(ALL),
        json!([{
            "programme": "skyway", "tier": "gold", "tier_rank": 2, "tier_expires": "2027-03-31", "status": "active",
            "proof": {"level": "substantial", "method": "otp", "at": "2026-11-22T08:00:00Z"},
            "number": "0012345675", "as_of": "2026-11-23T07:59:00Z", "stale": false,
            "balances": [{"unit": "mile", "amount": 18_250, "as_of": "2026-11-23T07:59:00Z"}],
        }])
    );
    assert_eq!(world.memberships("membership.number"), json!([{"programme": "skyway", "number": "0012345675"}]));
}

#[test]
fn a_low_proof_shows_programme_and_tier_only() {
    let world = linked(ProofLevel::Low);
    assert_eq!(
        world.memberships(ALL),
        json!([{
            "programme": "skyway", "tier": "gold", "tier_rank": 2, "tier_expires": "2027-03-31",
            "proof": {"level": "low", "method": "otp", "at": "2026-11-22T08:00:00Z"},
            "as_of": "2026-11-23T07:59:00Z", "stale": false,
        }])
    );
    let lines = world.release(ALL).explain();
    let codes: Vec<&str> = lines.iter().map(|line| line.reason).collect();
    assert_eq!(codes, ["consent", "proof_too_low", "proof_too_low"]);
}

#[test]
fn no_rule_can_show_a_number_or_points_on_a_low_proof() {
    let world = linked(ProofLevel::Low).with_rules(
        r#"
        [[release.scope]]
        scope = "membership"
        purpose = "account"
        [release.scope.claims]
        "urn:comity:memberships" = { source = "loyalty:*", fields = ["programme", "number", "balances"], min_proof = "low" }
        "#,
    );
    let entry = &world.memberships(BASE)[0];
    assert_eq!(entry.get("number").or(entry.get("balances")), None);
}

#[test]
fn the_proof_asked_for_is_the_stricter_of_rule_and_client() {
    use ProofLevel::{High, Low, Substantial};
    for (level, client, scope, released) in [
        (Low, None, BASE, true),
        (Low, Some(Low), BASE, true),
        (Low, Some(Substantial), BASE, false),
        (Substantial, Some(High), BASE, false),
        (High, Some(High), BASE, true),
        (Low, Some(Low), "membership.number", false),
        (Substantial, None, "membership.number", true),
    ] {
        let mut world = linked(level);
        world.client.release.min_proof = client;
        assert_eq!(!world.memberships(scope).is_null(), released, "{level:?} {client:?} {scope}");
        if !released {
            assert_eq!(world.code(scope, MEMBERSHIPS), "proof_too_low");
        }
    }
}

#[test]
fn freshness() {
    struct Case(i64, i64, bool, Option<bool>, Option<bool>);
    // (age of tier, age of balances, host down) -> (tier there and stale?, balances there and stale?)
    for Case(tier_age, points_age, is_down, tier, points) in [
        Case(0, 0, false, Some(false), Some(false)),
        Case(-30, -30, false, Some(false), Some(false)),
        Case(3600, 900, false, Some(false), Some(false)),
        Case(3601, 900, false, Some(true), Some(false)),
        Case(3601, 901, false, Some(true), None),
        Case(72 * 3600, 0, false, Some(true), Some(false)),
        Case(72 * 3600 + 1, 0, false, None, Some(false)),
        Case(60, 60, true, Some(true), Some(true)),
        Case(60, 901, true, Some(true), None),
    ] {
        let mut world = linked(ProofLevel::High);
        world.memberships[0].facts.as_of = Some(NOW - tier_age);
        world.memberships[0].facts.balances_as_of = Some(NOW - points_age);
        world.unreachable = if is_down { BTreeSet::from(["skyway".into()]) } else { BTreeSet::new() };
        let name = format!("{tier_age} {points_age} {is_down}");
        let entry = world.memberships(BASE)[0].clone();
        assert_eq!(entry.get("tier").map(|_| entry["stale"].as_bool().unwrap()), tier, "{name}");
        assert_eq!(entry["as_of"], json!((NOW - tier_age).to_rfc3339()), "the old time is told: {name}");
        let entries = world.memberships("membership.points");
        let entry = entries.get(0).cloned().unwrap_or_default();
        assert_eq!(entry.get("balances").map(|_| entry["stale"].as_bool().unwrap()), points, "{name}");
        if points.is_none() {
            assert_eq!(world.code("membership.points", MEMBERSHIPS), "too_old");
            assert_eq!(world.memberships(ALL)[0].get("balances"), None);
        }
    }
}

#[test]
fn a_tier_past_its_age_leaves_a_stale_entry_without_it() {
    let mut world = linked(ProofLevel::Substantial);
    world.memberships[0].facts.as_of = Some(NOW - 72 * 3600 - 1);
    let entry = world.memberships(BASE)[0].clone();
    assert_eq!((&entry["programme"], &entry["stale"]), (&json!("skyway"), &json!(true)));
    for field in ["tier", "tier_rank", "tier_expires", "status"] {
        assert_eq!(entry.get(field), None, "{field}");
    }
}

#[test]
fn what_the_host_never_said_is_absent_and_not_zero() {
    let mut world = linked(ProofLevel::Substantial);
    world.memberships[0].facts = MemberFacts::default();
    let entry = world.memberships(ALL)[0].clone();
    assert_eq!(
        entry,
        json!({"programme": "skyway", "number": "0012345675", "stale": true,
            "proof": {"level": "substantial", "method": "otp", "at": "2026-11-22T08:00:00Z"}})
    );
    assert_eq!(world.code("membership.points", MEMBERSHIPS), "not_available");
    // A value without the time it was read is not the host's word either.
    world.memberships[0].facts.tier = Some("gold".into());
    assert_eq!(world.memberships(BASE)[0].get("tier"), None);
}

#[test]
fn only_active_memberships_of_the_person_in_allowed_programmes_count() {
    let mut world = linked(ProofLevel::Substantial);
    world.memberships.push(membership(2, "milenote", ProofLevel::High));
    let programmes = |world: &World| -> Vec<String> {
        let entries = world.memberships(ALL);
        let list = entries.as_array().cloned().unwrap_or_default();
        list.iter().map(|entry| entry["programme"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(programmes(&world), ["skyway", "milenote"]);
    world.client.release.programmes = BTreeSet::from(["milenote".into()]);
    assert_eq!(programmes(&world), ["milenote"]);
    world.client.release.programmes.clear();
    for state in [MembershipState::Frozen, MembershipState::Closed] {
        world.memberships[0].state = state;
        assert_eq!(programmes(&world), ["milenote"]);
    }
    world.memberships[0].state = MembershipState::Active;
    world.memberships[0].account = AccountId::from_uuid(Uuid::from_u128(2));
    assert_eq!(programmes(&world), ["milenote"]);
    world.memberships.clear();
    assert_eq!(world.memberships(ALL), Value::Null, "no empty array");
    assert_eq!(world.code(BASE, MEMBERSHIPS), "not_available");
}

#[test]
fn a_source_may_name_one_programme() {
    let mut world = linked(ProofLevel::Substantial).with_rules(
        r#"
        [[release.scope]]
        scope = "membership"
        purpose = "account"
        clients = ["shop"]
        [release.scope.claims]
        "urn:comity:memberships" = { source = "loyalty:skyway", fields = ["programme", "tier", "as_of"], min_proof = "low" }
        "#,
    );
    world.memberships.push(membership(2, "milenote", ProofLevel::High));
    assert_eq!(
        world.memberships(BASE),
        json!([{"programme": "skyway", "tier": "gold", "as_of": "2026-11-23T07:59:00Z", "stale": false}])
    );
}

#[test]
fn two_numbers_of_one_programme_stay_two_entries() {
    let mut world = linked(ProofLevel::Substantial);
    let mut second = membership(2, "skyway", ProofLevel::Low);
    second.facts.tier = Some("silver".into());
    world.memberships.push(second);
    let entries = world.memberships(ALL);
    assert_eq!(entries.as_array().unwrap().len(), 2);
    assert_eq!((&entries[0]["number"], &entries[0]["tier"]), (&json!("0012345675"), &json!("gold")));
    assert_eq!((entries[1].get("number"), &entries[1]["tier"]), (None, &json!("silver")));
}

#[test]
fn transforms_narrow_the_entries() {
    for (rule, expected) in [
        (
            r#"transform = "tier_only""#,
            json!([{"programme": "skyway", "tier": "gold", "as_of": "2026-11-23T07:59:00Z", "stale": false}]),
        ),
        (
            r#"transform = "tier_only", fields = ["tier", "number"]"#,
            json!([{"programme": "skyway", "tier": "gold", "as_of": "2026-11-23T07:59:00Z", "stale": false}]),
        ),
        (r#"transform = "exists""#, json!(true)),
        (r#"transform = "mask", fields = ["number"]"#, json!([{"programme": "skyway", "number": "•••675"}])),
        (
            r#"transform = "bucket(1000)", fields = ["balances"]"#,
            json!([{"programme": "skyway", "stale": false,
            "balances": [{"unit": "mile", "amount": 18_000, "as_of": "2026-11-23T07:59:00Z"}]}]),
        ),
    ] {
        let world = linked(ProofLevel::Substantial).with_rules(&format!(
            "[[release.scope]]\nscope = 'membership'\npurpose = 'account'\n[release.scope.claims]\n\
             'urn:comity:memberships' = {{ source = 'loyalty:*', {rule} }}"
        ));
        assert_eq!(world.memberships(BASE), expected, "{rule}");
    }
}
