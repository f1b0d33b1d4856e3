//! Which value goes out, and what is made of it.

use super::*;

/// The value one rule yields.
fn value(change: impl FnOnce(&mut World), rule: &str) -> Option<Value> {
    let mut world = World::new(&["t"]).with_rules(&format!(
        "[[release.scope]]\nscope = 't'\npurpose = 'account'\n[release.scope.claims]\n'urn:x:t' = {{ {rule} }}"
    ));
    change(&mut world);
    world.userinfo("t").remove("urn:x:t")
}

#[test]
fn transforms() {
    let with = |name: &'static str, raw: Value| move |world: &mut World| world.attributes = vec![attribute(name, raw)];
    let address = json!({"country": "KR", "locality": "서울"});
    for (rule, name, raw, expected) in [
        (
            r#"source = "profile.birthdate", transform = "age_over(18)""#,
            "birthdate",
            json!("2008-11-23"),
            Some(json!(true)),
        ),
        (
            r#"source = "profile.birthdate", transform = "age_over(18)""#,
            "birthdate",
            json!("2008-11-24"),
            Some(json!(false)),
        ),
        (r#"source = "profile.birthdate", transform = "age_over(18)""#, "birthdate", json!("0000-11-24"), None),
        (r#"source = "profile.birthdate", transform = "age_over(18)""#, "birthdate", json!("never"), None),
        (r#"source = "profile.birthdate", transform = "age_over(18)""#, "birthdate", json!(1990), None),
        (
            r#"source = "profile.birthdate", transform = "year_only""#,
            "birthdate",
            json!("1990-02-28"),
            Some(json!("1990")),
        ),
        (r#"source = "profile.birthdate", transform = "year_only""#, "birthdate", json!("0000-02-28"), None),
        (r#"source = "profile.address", transform = "country_only""#, "address", address.clone(), Some(json!("KR"))),
        (r#"source = "profile.address", transform = "country_only""#, "address", json!("Seoul"), None),
        (r#"source = "profile.visits", transform = "bucket(10)""#, "visits", json!(37), Some(json!(30))),
        (r#"source = "profile.visits", transform = "bucket(10)""#, "visits", json!("37"), None),
        (r#"source = "profile.name", transform = "mask""#, "name", json!("Mina Kim Seoul"), Some(json!("•••eoul"))),
        (r#"source = "profile.address", transform = "exists""#, "address", address, Some(json!(true))),
        (r#"source = "profile.address", transform = "exists""#, "address", json!({"country": ""}), None),
        (r#"source = "profile.address", transform = "exists""#, "other", json!("x"), None),
    ] {
        assert_eq!(value(with(name, raw.clone()), rule), expected, "{rule} {raw}");
    }
    for (rule, expected) in [
        (r#"source = "email", transform = "email_domain""#, json!("example.com")),
        (r#"source = "email", transform = "mask""#, json!("m•••@example.com")),
        (r#"source = "phone_number", transform = "mask""#, json!("•••5678")),
        (r#"source = "phone_number", transform = "exists""#, json!(true)),
        (r#"source = "account.zoneinfo""#, json!("Asia/Seoul")),
    ] {
        assert_eq!(value(|_| (), rule), Some(expected), "{rule}");
    }
}

#[test]
fn a_pairwise_hash_joins_one_sector_and_no_other() {
    let rule = r#"source = "email", transform = "pairwise_hash""#;
    let at = |host: &'static str, mail: &'static str| {
        let hashed = value(
            |world| {
                world.client.subject_type = crate::model::client::SubjectType::Pairwise;
                world.client.redirect_uris = vec![format!("https://{host}/callback")];
                world.contacts = vec![contact(1, ContactKind::Email, mail, Some(1))];
            },
            rule,
        );
        hashed.unwrap().as_str().unwrap().to_owned()
    };
    let hash = at("a.example", "mina@example.com");
    assert_eq!(hash.len(), 43);
    assert_eq!(hash, at("a.example", "mina@example.com"));
    assert_ne!(hash, at("b.example", "mina@example.com"));
    assert_ne!(hash, at("a.example", "ken@example.com"));
}

#[test]
fn the_best_value_of_an_attribute_wins() {
    use Verification::{Unverified, Verified};
    let said = |value: &str, source: &str, verification, observed_at| Attribute {
        value: value.into(),
        source: source.into(),
        verification,
        observed_at: UnixTime(observed_at),
        ..attribute("name", "")
    };
    for (values, best) in [
        (vec![said("a", "user", Unverified, 9), said("b", "connection:kakao", Verified, 1)], "b"),
        (vec![said("a", "user", Unverified, 1), said("b", "connection:kakao", Unverified, 9)], "a"),
        (vec![said("a", "user", Verified, 1), said("b", "connection:kakao", Verified, 9)], "a"),
        (vec![said("a", "connection:naver", Verified, 1), said("b", "connection:kakao", Verified, 9)], "b"),
        (vec![said("a", "connection:naver", Verified, 9), said("b", "connection:kakao", Verified, 9)], "b"),
    ] {
        for attributes in [values.clone(), values.iter().rev().cloned().collect()] {
            let mut world = World::new(&["profile"]);
            world.attributes = attributes;
            assert_eq!(world.userinfo("profile")["name"], json!(best));
        }
    }
}

#[test]
fn addresses_come_from_proven_contacts_only() {
    let mail = |number, value: &str, verified| contact(number, ContactKind::Email, value, verified);
    let mut world = World::new(&["email"]);
    world.attributes = vec![attribute("email", "attribute@example.com"), attribute("email_verified", true)];
    world.contacts = vec![mail(1, "claimed@example.com", None)];
    assert!(world.userinfo("email").is_empty());
    world.contacts = vec![mail(1, "second@example.com", Some(9)), mail(2, "first@example.com", Some(5))];
    assert_eq!(Value::Object(world.userinfo("email")), json!({"email": "first@example.com", "email_verified": true}));
    world.contacts.iter_mut().for_each(|contact| contact.account = AccountId::from_uuid(Uuid::from_u128(2)));
    assert!(world.userinfo("email").is_empty());
}

#[test]
fn empty_values_are_left_out() {
    let mut world = World::new(&["profile", "address"]);
    world.attributes = vec![
        attribute("name", ""),
        attribute("nickname", "null"),
        attribute("gender", Value::Null),
        attribute("picture", "not a url"),
        attribute("address", json!({"country": "KR", "region": ""})),
    ];
    world.account.zoneinfo = String::new();
    let claims = world.userinfo("profile address");
    assert_eq!(names(&claims), ["address", "locale", "updated_at"]);
    assert_eq!(claims["address"], json!({"country": "KR"}));
}

#[test]
fn ages_follow_the_zone_of_the_person() {
    let age = |zone: &'static str| {
        value(
            move |world| {
                world.account.zoneinfo = zone.into();
                world.attributes = vec![attribute("birthdate", "2008-11-24")];
                // 2026-11-23T16:00:00Z is already the 24th in Seoul.
                world.now = NOW + 8 * 3600;
            },
            r#"source = "profile.birthdate", transform = "age_over(18)""#,
        )
    };
    assert_eq!(age("Asia/Seoul"), Some(json!(true)));
    assert_eq!(age("Europe/Paris"), Some(json!(false)));
    assert_eq!(age(""), Some(json!(false)));
}
