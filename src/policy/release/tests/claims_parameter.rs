//! The `claims` request parameter [OIDC Core §5.5].

use super::*;

#[test]
fn single_claims_go_where_they_were_asked_for() {
    let world = World::new(&["openid", "email"]).with_claims(&json!({
        "userinfo": {"email": {"essential": true}},
        "id_token": {"email": null, "email_verified": null, "auth_time": {"essential": true}, "sub": {"value": "x"}},
    }));
    let release = world.release("openid");
    assert_eq!(names(&release.claims_for(Delivery::UserInfo)), ["email"]);
    assert_eq!(names(&release.claims_for(Delivery::IdToken)), ["email", "email_verified"]);
    let email = release.lines.iter().find(|line| line.claim == "email").unwrap();
    assert!(email.essential && email.is_released());
    assert!(release.lines.iter().all(|line| !["auth_time", "sub"].contains(&line.claim.as_str())));
}

#[test]
fn what_a_scope_brings_is_not_listed_twice() {
    let world = World::new(&["openid", "email"]).with_claims(&json!({"id_token": {"email": {"essential": true}}}));
    let release = world.release("openid email");
    assert_eq!(release.lines.iter().filter(|line| line.claim == "email").count(), 1);
    assert_eq!(names(&release.claims_for(Delivery::UserInfo)), ["email", "email_verified"]);
    assert_eq!(names(&release.claims_for(Delivery::IdToken)), ["email"]);
}

#[test]
fn the_parameter_never_exceeds_the_allowlist() {
    let request = json!({"userinfo": {"email": {"essential": true}, "name": null, "birthdate": null},
        "id_token": {"phone_number": {"essential": true}}});
    let mut world = World::new(&["openid", "profile"]).with_claims(&request);
    world.client.release.except = BTreeSet::from(["birthdate".to_owned()]);
    let release = world.release("openid");
    assert_eq!(names(&release.claims_for(Delivery::UserInfo)), ["name"]);
    assert!(release.claims_for(Delivery::IdToken).is_empty());
    for claim in ["email", "birthdate", "phone_number"] {
        assert_eq!(world.code("openid", claim), "claim_not_allowed");
    }
    world.client.release.claims = BTreeSet::from(["phone_number".to_owned(), "birthdate".to_owned()]);
    let release = world.release("openid");
    assert_eq!(names(&release.claims_for(Delivery::UserInfo)), ["birthdate", "name"]);
    assert_eq!(names(&release.claims_for(Delivery::IdToken)), ["phone_number"]);
}

#[test]
fn a_claim_listed_singly_does_not_open_a_scope_that_is_not() {
    let request = json!({"userinfo": {MEMBERSHIPS: null}});
    let mut world = World::new(&["openid"]).with_claims(&request).answered("membership", Decision::Given);
    world = world.answered("membership.number", Decision::Given);
    world.client.release.claims = BTreeSet::from([MEMBERSHIPS.to_owned()]);
    let entry = world.memberships("openid membership.number")[0].clone();
    assert_eq!(entry["tier"], json!("gold"));
    assert_eq!(entry.get("number"), None);
}

#[test]
fn a_row_kept_for_one_client_does_not_serve_another() {
    let rules = r#"
        [[release.scope]]
        scope = "vip"
        purpose = "account"
        clients = ["mobile"]
        [release.scope.claims]
        "urn:x:vip" = { source = "profile.vip" }
        "#;
    let mut world = World::new(&["openid"]).with_rules(rules).with_claims(&json!({"userinfo": {"urn:x:vip": null}}));
    world.attributes.push(attribute("vip", true));
    world.client.release.claims = BTreeSet::from(["urn:x:vip".to_owned()]);
    assert!(world.userinfo("openid").is_empty());
    world.client.id = "mobile".into();
    assert_eq!(Value::Object(world.userinfo("openid")), json!({"urn:x:vip": true}));
}

#[test]
fn unknown_names_are_passed_over() {
    let world = World::new(&["openid"]).with_claims(&json!({"userinfo": {"http://example.info/claims/groups": null}}));
    assert!(world.userinfo("openid").is_empty());
    assert!(world.asked("openid").is_empty());
}

#[test]
fn a_value_asked_for_is_given_or_nothing() {
    for (request, expected) in [
        (json!({"value": "mina@example.com"}), true),
        (json!({"value": "other@example.com"}), false),
        (json!({"values": ["other@example.com", "mina@example.com"]}), true),
        (json!({"values": []}), false),
        (json!({"essential": true, "value": 3}), false),
        (json!(null), true),
    ] {
        let world = World::new(&["openid", "email"]).with_claims(&json!({"id_token": {"email": request}}));
        assert_eq!(world.release("openid").claims_for(Delivery::IdToken).contains_key("email"), expected, "{request}");
        let code = if expected { "contract" } else { "value_mismatch" };
        assert_eq!(world.code("openid", "email"), code, "{request}");
        // What the scope brings does not depend on it.
        assert!(world.userinfo("openid email").contains_key("email"));
    }
}

#[test]
fn whether_the_person_is_asked_does_not_tell_the_value() {
    for guess in ["1990-02-28", "1991-01-01"] {
        let mut world =
            World::new(&["openid", "profile"]).with_claims(&json!({"userinfo": {"birthdate": {"value": guess}}}));
        world.client.relationship = Relationship::ThirdParty;
        world = world.answered("openid", Decision::Given);
        assert_eq!(world.asked("openid"), ["profile birthdate"]);
        assert_eq!(world.code("openid", "birthdate"), "consent_missing");
    }
}

#[test]
fn language_tags_follow_their_base_claim() {
    let mut world = World::new(&["openid", "profile"]);
    world.attributes.extend([
        attribute("family_name", "김"),
        attribute("family_name#ja-Kana-JP", "キム"),
        attribute("family_name#en", "Kim"),
        attribute("secret#en", "x"),
    ]);
    let claims = world.userinfo("openid profile");
    assert_eq!(claims["family_name#ja-Kana-JP"], json!("キム"));
    assert_eq!(claims["family_name#en"], json!("Kim"));
    assert!(!claims.contains_key("secret#en"));

    world = world.with_claims(&json!({"id_token": {"family_name#JA-kana-jp": null, "family_name#fr": null}}));
    let claims = world.release("openid").claims_for(Delivery::IdToken);
    assert_eq!(Value::Object(claims), json!({"family_name#JA-kana-jp": "キム"}));
    assert_eq!(world.code("openid", "family_name#fr"), "not_available");

    world.client.release.except = BTreeSet::from(["family_name".to_owned()]);
    assert!(world.release("openid").claims_for(Delivery::IdToken).is_empty());
    assert!(world.userinfo("openid profile").keys().all(|name| !name.starts_with("family_name")));
}

#[test]
fn one_answer_covers_all_languages_of_a_claim() {
    let mut world = World::new(&["openid", "profile"]);
    world.client.relationship = Relationship::ThirdParty;
    world.attributes = vec![attribute("family_name", "김"), attribute("family_name#en", "Kim")];
    let asked = world.release("profile").ask();
    let line = asked.iter().find(|line| line.claim == "family_name").unwrap();
    assert_eq!(line.value, json!("김"));
    assert_eq!(line.variants, [("family_name#en".to_owned(), json!("Kim"))]);
    let world = world.answered("profile", Decision::Given);
    assert_eq!(world.userinfo("profile")["family_name#en"], json!("Kim"));
    assert!(world.asked("profile").is_empty());
}
