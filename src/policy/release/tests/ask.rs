//! What the consent page shows, and when it comes back.

use super::*;

const AGE: &str = "urn:comity:age_over_18";

fn ages() -> World {
    World::new(&["openid", "age", "membership"]).with_rules(
        r#"
        [[release.scope]]
        scope = "age"
        purpose = "age_check"
        remember = "30d"
        [release.scope.claims]
        "urn:comity:age_over_18" = { source = "profile.birthdate", transform = "age_over(18)" }
        "#,
    )
}

fn answer(world: &mut World, decision: Decision, at: UnixTime) {
    let consent = world.consent("age", AGE, "age_check", decision, at);
    world.consents.push(consent);
}

#[test]
fn a_line_shows_the_value_that_would_go_out() {
    let asked = ages().release("age").ask();
    assert_eq!(
        asked,
        [AskLine {
            scope: "age".into(),
            claim: AGE.into(),
            purpose: "age_check".into(),
            purpose_version: 1,
            value: json!(true),
            variants: vec![],
            voluntary: true,
            essential: false,
            remember: Some(30 * 86_400),
        }]
    );
}

#[test]
fn what_cannot_be_released_is_not_asked_about() {
    let mut world = ages();
    world.attributes.clear();
    assert!(world.asked("age").is_empty());
    let mut world = ages();
    world.client.release.scopes.clear();
    assert!(world.asked("age").is_empty());
}

#[test]
fn only_the_new_line_is_asked_the_second_time() {
    let mut world = ages();
    answer(&mut world, Decision::Given, NOW - 1000);
    assert!(world.asked("age").is_empty());
    assert_eq!(world.asked("age membership"), ["membership urn:comity:memberships"]);
}

#[test]
fn the_page_comes_back_for_what_is_open_and_only_then() {
    let before = NOW - 1000;
    for (decision, essential, reconfirm, at, asked) in [
        (Decision::Given, false, false, before, false),
        (Decision::Given, true, false, before, false),
        (Decision::Given, false, true, before, true),
        (Decision::Given, false, true, NOW, false),
        (Decision::Declined, false, false, before, false),
        (Decision::Declined, true, false, before, true),
        (Decision::Declined, true, false, NOW - 10, false),
        (Decision::Declined, true, false, NOW, false),
        (Decision::Declined, false, true, before, true),
        (Decision::Declined, true, true, NOW, false),
        (Decision::Withdrawn, false, false, before, true),
        (Decision::Withdrawn, true, false, NOW, false),
    ] {
        let mut world = ages();
        if essential {
            world = world.with_claims(&json!({"userinfo": {AGE: {"essential": true}}}));
        }
        world.reconfirm = reconfirm;
        answer(&mut world, decision, at);
        let found = !world.asked("age").is_empty();
        assert_eq!(found, asked, "{decision:?} essential={essential} reconfirm={reconfirm} at {at}");
    }
}

#[test]
fn lapsed_and_outdated_answers_are_asked_anew_also_refusals() {
    for decision in [Decision::Given, Decision::Declined] {
        let mut world = ages();
        answer(&mut world, decision, NOW - 1000);
        world.consents[0].expires_at = Some(NOW - 1);
        assert_eq!(world.asked("age").len(), 1);
        world.consents[0].expires_at = None;
        assert_eq!(world.asked("age").len(), 0);
        world.consents[0].purpose_version = 9;
        assert_eq!(world.asked("age").len(), 1);
    }
}

#[test]
fn the_latest_answer_counts() {
    let mut world = ages();
    answer(&mut world, Decision::Given, NOW - 1000);
    answer(&mut world, Decision::Withdrawn, NOW - 900);
    assert_eq!(world.code("age", AGE), "consent_withdrawn");
    answer(&mut world, Decision::Given, NOW - 800);
    assert_eq!(world.code("age", AGE), "consent");
    world.consents.reverse();
    assert_eq!(world.code("age", AGE), "consent");
}

#[test]
fn essential_and_declined_gives_tokens_without_it() {
    let mut world = ages().with_claims(&json!({"userinfo": {AGE: {"essential": true}}}));
    answer(&mut world, Decision::Declined, NOW);
    let release = world.release("openid age");
    assert!(release.ask().is_empty() && release.claims_for(Delivery::UserInfo).is_empty());
    assert_eq!(release.scope().to_string(), "openid age");
}

#[test]
fn answers_about_another_scope_purpose_or_person_do_not_count() {
    for change in [
        (|consent: &mut Consent| consent.scope = "profile".into()) as fn(&mut Consent),
        |consent| consent.purpose = "account".into(),
        |consent| consent.claim = "urn:comity:age_over_19".into(),
        |consent| consent.account = AccountId::from_uuid(Uuid::from_u128(2)),
        |consent| consent.client = "hotel".into(),
    ] {
        let mut world = ages();
        answer(&mut world, Decision::Given, NOW - 1000);
        change(&mut world.consents[0]);
        assert_eq!(world.code("age", AGE), "consent_missing");
    }
}

#[test]
fn a_required_purpose_has_no_box_unless_the_claim_says_so() {
    let world = World::new(&["a"]).with_rules(
        r#"
        [[purposes]]
        id = "needed"
        basis = "consent"
        required = true
        text = { en = "Needed" }
        [[release.scope]]
        scope = "a"
        purpose = "needed"
        [release.scope.claims]
        name = { source = "profile.name" }
        birthdate = { source = "profile.birthdate", voluntary = true }
        "#,
    );
    let voluntary: Vec<(String, bool)> =
        world.release("a").ask().into_iter().map(|line| (line.claim, line.voluntary)).collect();
    assert_eq!(voluntary, [("birthdate".to_owned(), true), ("name".to_owned(), false)]);
}
