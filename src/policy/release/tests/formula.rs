//! Each factor of the formula, one at a time.

use super::*;

const AGE: &str = "urn:comity:age_over_18";

type Change = fn(&mut World);

#[test]
fn own_sites_get_contract_data_without_a_question() {
    let world = World::new(&["openid", "profile", "email", "phone"]);
    let release = world.release("openid profile email phone");
    assert!(release.ask().is_empty());
    assert_eq!(
        Value::Object(release.claims_for(Delivery::UserInfo)),
        json!({
            "name": "김민아", "birthdate": "1990-02-28", "zoneinfo": "Asia/Seoul", "locale": "ko",
            "updated_at": NOW.0 - 500, "email": "mina@example.com", "email_verified": true,
            "phone_number": "+821012345678", "phone_number_verified": true,
        })
    );
    assert_eq!(release.scope().to_string(), "openid profile email phone");
}

#[test]
fn scope_data_stays_out_of_an_id_token_issued_beside_an_access_token() {
    let world = World::new(&["openid", "email", "stage"]);
    let release = world.release("openid email stage");
    assert_eq!(Value::Object(release.claims_for(Delivery::IdToken)), json!({"urn:comity:stage": "member"}));
    assert_eq!(names(&release.claims_for(Delivery::UserInfo)), ["email", "email_verified"]);
    assert_eq!(names(&release.claims_for_lone_id_token()), ["email", "email_verified", "urn:comity:stage"]);
    assert!(release.claims_for(Delivery::Introspection).is_empty());
    assert!(release.claims_for(Delivery::Event).is_empty());
}

#[test]
fn every_factor_has_its_reason() {
    let consented = || World::new(&["openid", "age"]).answered("age", Decision::Given);
    assert_eq!(consented().code("age", AGE), "consent");
    assert_eq!(consented().userinfo("age")[AGE], json!(true));
    let cases: [(&str, Change); 16] = [
        ("client_disabled", |world| world.client.disabled = true),
        ("account_not_active", |world| world.account.status = Status::Suspended),
        ("account_not_active", |world| world.account.status = Status::Erased),
        ("scope_not_allowed", |world| world.client.release.scopes.clear()),
        ("claim_not_allowed", |world| world.client.release.except = BTreeSet::from([AGE.to_owned()])),
        ("purpose_not_live", |world| world.rules.purposes.retain(|purpose| purpose.id != "age_check")),
        ("purpose_not_live", |world| purpose(world, "age_check").live_until = Some(NOW)),
        ("purpose_not_live", |world| purpose(world, "age_check").live_from = Some(NOW + 1)),
        ("stage_too_low", |world| {
            world.account.stage = Stage::Lite;
            world.rules.release.scope.iter_mut().for_each(|row| row.min_stage = Some(Stage::Registered));
        }),
        ("not_available", |world| world.attributes.clear()),
        ("consent_missing", |world| world.consents.clear()),
        ("consent_missing", |world| world.consents.iter_mut().for_each(|consent| consent.client = "other".into())),
        ("consent_declined", |world| decide(world, Decision::Declined)),
        ("consent_withdrawn", |world| decide(world, Decision::Withdrawn)),
        ("consent_expired", |world| world.consents.iter_mut().for_each(|consent| consent.expires_at = Some(NOW))),
        ("consent_outdated", |world| purpose(world, "age_check").version = 2),
    ];
    for (reason, change) in cases {
        let mut world = consented();
        change(&mut world);
        assert_eq!(world.code("age", AGE), reason);
        assert!(!world.userinfo("age").contains_key(AGE), "{reason}");
    }
    assert_eq!(consented().code("age nonsense", ""), "unknown_scope");
    assert_eq!(
        consented().with_claims(&json!({"userinfo": {"nonsense": null}})).code("age", "nonsense"),
        "unknown_claim"
    );
}

fn purpose<'a>(world: &'a mut World, id: &str) -> &'a mut Purpose {
    world.rules.purposes.iter_mut().find(|purpose| purpose.id == id).unwrap()
}

fn decide(world: &mut World, decision: Decision) {
    world.consents.iter_mut().for_each(|consent| consent.decision = decision);
}

#[test]
fn bounds_of_time_are_exact() {
    let mut world = World::new(&["age"]).answered("age", Decision::Given);
    world.consents.iter_mut().for_each(|consent| consent.expires_at = Some(NOW + 1));
    purpose(&mut world, "age_check").live_from = Some(NOW);
    purpose(&mut world, "age_check").live_until = Some(NOW + 1);
    assert_eq!(world.code("age", AGE), "consent");
    world.consents.iter_mut().for_each(|consent| consent.expires_at = None);
    assert_eq!(world.code("age", AGE), "consent");
}

#[test]
fn another_company_is_always_asked_for_whatever_the_purpose_stands_on() {
    let scope = "openid email offline_access";
    for (relationship, asked) in [
        (Relationship::SameController, vec![]),
        (Relationship::Processor, vec![]),
        (Relationship::ThirdParty, vec!["openid ", "email email", "email email_verified", "offline_access "]),
    ] {
        let mut world = World::new(&["openid", "email", "offline_access"]);
        world.client.relationship = relationship;
        assert_eq!(world.asked(scope), asked, "{relationship:?}");
        let is_open = asked.is_empty();
        assert_eq!(world.userinfo(scope).is_empty(), !is_open);
        let granted = world.release(scope).scope().to_string();
        assert_eq!(granted, if is_open { scope } else { "email" });
    }
    let mut world = World::new(&["openid", "email", "offline_access"]);
    world.client.relationship = Relationship::ThirdParty;
    let world = world.answered("openid", Decision::Given).answered("offline_access", Decision::Declined);
    assert_eq!(world.release(scope).scope().to_string(), "openid email");
    let openid = world.release("openid").lines.remove(0);
    assert!(!openid.voluntary && openid.is_released());
}

#[test]
fn a_consent_basis_asks_own_sites_too() {
    let world = World::new(&["openid", "membership"]);
    assert_eq!(world.asked("openid membership"), ["membership urn:comity:memberships"]);
    assert!(world.userinfo("openid membership").is_empty());
    let world = world.answered("membership", Decision::Given);
    assert!(world.asked("openid membership").is_empty());
    assert_eq!(world.memberships("openid membership")[0]["tier"], json!("gold"));
}

#[test]
fn a_row_for_a_client_replaces_the_general_one_for_it_alone() {
    let mut world = World::new(&["email"]).with_rules(
        r#"
        [[release.scope]]
        scope = "email"
        purpose = "contact"
        deliver = ["userinfo", "introspection"]
        clients = ["shop", "mobile"]
        [release.scope.claims]
        "urn:x:mail_domain" = { source = "email", transform = "email_domain" }
        "#,
    );
    assert_eq!(Value::Object(world.userinfo("email")), json!({"urn:x:mail_domain": "example.com"}));
    assert_eq!(world.release("email").claims_for(Delivery::Introspection).len(), 1);
    world.client.id = "hotel".into();
    assert_eq!(names(&world.userinfo("email")), ["email", "email_verified"]);
}

#[test]
fn a_scope_meant_for_other_clients_is_not_ours() {
    let world = World::new(&["secret"]).with_rules(
        r#"
        [[release.scope]]
        scope = "secret"
        purpose = "account"
        clients = ["mobile"]
        [release.scope.claims]
        name = { source = "profile.name" }
        "#,
    );
    assert_eq!(world.code("secret", ""), "scope_not_allowed");
    assert!(world.release("secret").scope().is_empty());
    let world = world.with_claims(&json!({"userinfo": {"name": null}}));
    assert!(world.userinfo("secret").is_empty());
}

#[test]
fn a_birth_date_behind_an_age_is_nowhere() {
    let mut world = World::new(&["openid", "profile", "age"]).answered("age", Decision::Given);
    world.client.release.except = BTreeSet::from(["birthdate".to_owned()]);
    let release = world.release("openid profile age");
    let everything = format!("{:?}{:?}{:?}", release.claims_for_lone_id_token(), release.explain(), release.ask());
    assert!(everything.contains(AGE) && !everything.contains("1990"));
}

#[test]
fn reasons_serialise_as_their_codes() {
    for reason in [Reason::ConsentMissing, Reason::ScopeNotAllowed, Reason::TooOld, Reason::ValueMismatch] {
        assert_eq!(serde_json::to_value(reason).unwrap(), json!(reason.as_str()));
    }
    let explained = World::new(&["stage"]).release("stage").explain();
    assert_eq!(
        serde_json::to_value(&explained).unwrap(),
        json!([{"scope": "stage", "claim": "urn:comity:stage", "purpose": "sign_in", "allowed": true,
            "reason": "contract", "deliver": ["id_token"], "essential": false, "voluntary": false}])
    );
}
