//! What each connector reads out of a sample answer, and what it does with worse ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::connector::{Answers, Person, Preset};
use super::super::profile::{Attributes, EmailTrust};
use super::claims::{birthdate, email, phone, picture};
use super::{PRESETS, flag, identifier, preset, text};

#[derive(Default)]
struct Sample {
    id_token: Value,
    userinfo: Value,
    emails: Value,
    user: Value,
}

fn read(id: &str, sample: &Sample) -> Option<Person> {
    let Sample { id_token, userinfo, emails, user } = sample;
    let pointers = BTreeMap::new();
    (preset(id).unwrap().map)(&Answers { id_token, userinfo, emails, user, pointers: &pointers })
}

fn trust(id: &str, sample: &Sample) -> EmailTrust {
    read(id, sample).unwrap().email.unwrap().1
}

#[test]
fn google() {
    let claims = |email: &str, verified: Value, hd: Option<&str>| Sample {
        id_token: json!({
            "sub": "110000000000000000001", "email": email, "email_verified": verified, "hd": hd,
            "name": "A B", "given_name": "A", "family_name": "B", "picture": "https://lh3.example/p",
        }),
        ..Sample::default()
    };
    let person = read("google", &claims("a@gmail.com", json!(true), None)).unwrap();
    assert_eq!(person.subject, "110000000000000000001");
    assert_eq!(person.attributes.picture, Some("https://lh3.example/p".to_owned()));
    for (email, verified, hd, expected) in [
        ("a@gmail.com", json!(true), None, EmailTrust::Authoritative),
        ("a@googlemail.com", json!("true"), None, EmailTrust::Authoritative),
        ("a@ex.co", json!(true), Some("EX.co"), EmailTrust::Authoritative),
        ("a@ex.co", json!(true), Some("other.co"), EmailTrust::Verified),
        ("a@ex.co", json!(true), None, EmailTrust::Verified),
        ("a@evil-gmail.com", json!(true), None, EmailTrust::Verified),
        ("a@gmail.com", json!(false), Some("gmail.com"), EmailTrust::Unverified),
        ("a@gmail.com", json!(null), None, EmailTrust::Unverified),
    ] {
        assert_eq!(trust("google", &claims(email, verified, hd)), expected, "{email} {hd:?}");
    }
}

#[test]
fn apple() {
    let claims = |email: &str, verified: Value, private: Value| Sample {
        id_token: json!({"sub": "001999.ab.0101", "email": email, "email_verified": verified, "is_private_email": private}),
        user: json!({"name": {"firstName": "민지", "lastName": "김"}, "email": "victim@example.com"}),
        ..Sample::default()
    };
    let person = read("apple", &claims("a@ex.co", json!("true"), json!("false"))).unwrap();
    assert_eq!(person.email, Some(("a@ex.co".to_owned(), EmailTrust::Authoritative)));
    assert_eq!(person.attributes.name, Some("김민지".to_owned()));
    assert_eq!(person.attributes.given_name, Some("민지".to_owned()));
    assert_eq!(person.attributes.family_name, Some("김".to_owned()));
    let named = |user: Value| read("apple", &Sample { user, ..claims("a@ex.co", json!(true), json!(false)) }).unwrap();
    for (user, name) in [
        (json!({"name": {"firstName": "Léa", "lastName": "Martin"}}), Some("Léa Martin")),
        (json!({"name": {"firstName": "Minji", "lastName": "김"}}), Some("Minji 김")),
        (json!({"name": {"lastName": "佐藤"}}), Some("佐藤")),
        (json!({"name": {}}), None),
    ] {
        assert_eq!(named(user).attributes.name.as_deref(), name);
    }
    assert_eq!(trust("apple", &claims("a@ex.co", json!("false"), json!(false))), EmailTrust::Unverified);
    assert_eq!(trust("apple", &claims("x@ex.co", json!(true), json!("true"))), EmailTrust::Relay);
    assert_eq!(trust("apple", &claims("x@PrivateRelay.appleid.com", json!(true), json!(null))), EmailTrust::Relay);
    let later = Sample { id_token: json!({"sub": "001999.ab.0101"}), ..Sample::default() };
    let person = read("apple", &later).unwrap();
    assert_eq!((person.email, person.attributes), (None, Attributes::default()));
}

fn kakao_account(account: &Value) -> Sample {
    Sample {
        id_token: json!({"sub": "3900000001", "email": "token@ex.kr"}),
        userinfo: json!({"id": 3_900_000_001_i64, "kakao_account": account}),
        ..Sample::default()
    }
}

#[test]
fn kakao() {
    let person = read(
        "kakao",
        &kakao_account(&json!({
            "profile": {"nickname": "민지", "profile_image_url": "https://k.example/p.jpg"},
            "name": "김민지", "is_email_valid": true, "is_email_verified": true, "email": "m@ex.kr",
            "birthyear": "1999", "birthday": "1130", "birthday_type": "SOLAR", "gender": "female",
            "phone_number": "+82 10-1234-5678", "ci": "Q0k=",
        })),
    )
    .unwrap();
    assert_eq!(person.subject, "3900000001");
    assert_eq!(person.email, Some(("m@ex.kr".to_owned(), EmailTrust::Authoritative)));
    assert_eq!(
        person.attributes,
        Attributes {
            name: Some("김민지".to_owned()),
            nickname: Some("민지".to_owned()),
            picture: Some("https://k.example/p.jpg".to_owned()),
            phone_number: Some("+821012345678".to_owned()),
            birthdate: Some("1999-11-30".to_owned()),
            gender: Some("female".to_owned()),
            ..Attributes::default()
        }
    );
    for (valid, verified) in [(true, false), (false, true), (false, false)] {
        let account = json!({"email": "m@ex.kr", "is_email_valid": valid, "is_email_verified": verified});
        assert_eq!(trust("kakao", &kakao_account(&account)), EmailTrust::Unverified);
    }
    // Consent to the address withheld: the one in the ID token has no flags and is not taken instead.
    assert_eq!(read("kakao", &kakao_account(&json!({"email_needs_agreement": true}))).unwrap().email, None);
    let lunar = json!({"birthyear": "1999", "birthday": "0230", "birthday_type": "LUNAR"});
    assert_eq!(read("kakao", &kakao_account(&lunar)).unwrap().attributes.birthdate, Some("1999".to_owned()));
    assert!(read("kakao", &Sample { id_token: json!({"sub": "1"}), ..Sample::default() }).is_none());
}

#[test]
fn naver() {
    let profile = |response: Value| Sample {
        userinfo: json!({"resultcode": "00", "message": "success", "response": response}),
        ..Sample::default()
    };
    let person = read(
        "naver",
        &profile(json!({
            "id": "AbCdEfGh1234567890_abcdefghijklmnopqrstuvw", "enc_id": "x", "nickname": "nick", "name": "김민지",
            "email": "m@naver.com", "gender": "F", "birthday": "08-15", "birthyear": "1999",
            "profile_image": "https://phinf.example/i.jpg", "mobile": "010-1234-5678", "mobile_e164": "+821012345678",
        })),
    )
    .unwrap();
    assert_eq!(person.subject, "AbCdEfGh1234567890_abcdefghijklmnopqrstuvw");
    assert_eq!(person.email, Some(("m@naver.com".to_owned(), EmailTrust::Unverified)));
    assert_eq!(person.attributes.birthdate, Some("1999-08-15".to_owned()));
    assert_eq!(person.attributes.phone_number, Some("+821012345678".to_owned()));
    assert_eq!(person.attributes.gender, Some("female".to_owned()));
    let bare = read("naver", &profile(json!({"id": "a", "gender": "U"}))).unwrap();
    assert_eq!(bare.attributes, Attributes::default());
    assert!(read("naver", &profile(json!({"email": "m@naver.com"}))).is_none());
}

#[test]
fn line() {
    let sample = Sample {
        id_token: json!({
            "sub": "U0123456789abcdef0123456789abcdef", "name": "美咲", "picture": "https://profile.example/x",
            "email": "m@ex.jp", "email_verified": true, "amr": ["linesso"],
        }),
        ..Sample::default()
    };
    let person = read("line", &sample).unwrap();
    assert_eq!(person.subject, "U0123456789abcdef0123456789abcdef");
    assert_eq!(person.attributes.nickname, Some("美咲".to_owned()));
    // LINE documents no such flag; one that appears means nothing.
    assert_eq!(person.email, Some(("m@ex.jp".to_owned(), EmailTrust::Unverified)));
}

#[test]
fn facebook() {
    let sample = |birthday: &str, silhouette: bool| Sample {
        userinfo: json!({
            "id": "10220000000000001", "name": "A B", "first_name": "A", "last_name": "B", "email": "a@ex.co",
            "birthday": birthday, "verified": true,
            "picture": {"data": {"url": "https://pic.example/p", "is_silhouette": silhouette}},
        }),
        ..Sample::default()
    };
    let person = read("facebook", &sample("01/31/1990", false)).unwrap();
    assert_eq!(person.email, Some(("a@ex.co".to_owned(), EmailTrust::Unverified)));
    assert_eq!(person.attributes.birthdate, Some("1990-01-31".to_owned()));
    assert_eq!(person.attributes.picture, Some("https://pic.example/p".to_owned()));
    let person = read("facebook", &sample("02/29", true)).unwrap();
    assert_eq!((person.attributes.birthdate, person.attributes.picture), (Some("0000-02-29".to_owned()), None));
    assert_eq!(read("facebook", &sample("1990", true)).unwrap().attributes.birthdate, Some("1990".to_owned()));
    assert_eq!(read("facebook", &sample("13/01/1990", true)).unwrap().attributes.birthdate, Some("1990".to_owned()));
}

#[test]
fn microsoft() {
    let sample = |edov: Value| Sample {
        id_token: json!({
            "sub": "Pairwise", "oid": "22222222-3333-4444-5555-666666666666", "name": "A B",
            "preferred_username": "a@example.co", "email": "a@example.co", "xms_edov": edov,
        }),
        ..Sample::default()
    };
    assert_eq!(read("microsoft", &sample(json!(null))).unwrap().subject, "22222222-3333-4444-5555-666666666666");
    for (edov, expected) in [
        (json!(null), EmailTrust::Unverified),
        (json!(false), EmailTrust::Unverified),
        (json!("0"), EmailTrust::Unverified),
        (json!(true), EmailTrust::Verified),
        (json!("1"), EmailTrust::Verified),
        (json!(1), EmailTrust::Verified),
    ] {
        assert_eq!(trust("microsoft", &sample(edov.clone())), expected, "{edov}");
    }
    let without = Sample { id_token: json!({"sub": "Pairwise"}), ..Sample::default() };
    assert!(read("microsoft", &without).is_none());
}

#[test]
fn github() {
    let sample = |emails: Value| Sample {
        userinfo: json!({"id": 7_654_321, "login": "ab", "name": null, "email": "public@x.co", "avatar_url": "https://a.x/u"}),
        emails,
        ..Sample::default()
    };
    let person = read("github", &sample(json!(null))).unwrap();
    assert_eq!((person.subject.as_str(), person.email), ("7654321", None));
    assert_eq!((person.attributes.nickname, person.attributes.name), (Some("ab".to_owned()), None));
    let hidden = json!([{"email": "1+ab@users.noreply.github.com", "primary": true, "verified": true}]);
    assert_eq!(trust("github", &sample(hidden)), EmailTrust::Relay);
    let unproven = json!([{"email": "a@x.co", "primary": true, "verified": false}]);
    assert_eq!(read("github", &sample(unproven)).unwrap().email, None);
}

#[test]
fn an_address_and_its_flag_come_from_one_answer() {
    let sample = Sample {
        id_token: json!({"sub": "u-1", "email": "attacker-chosen@ex.co"}),
        userinfo: json!({"sub": "u-1", "email": "a@ex.co", "email_verified": true, "given_name": "A"}),
        ..Sample::default()
    };
    let person = read("generic_oidc", &sample).unwrap();
    assert_eq!(person.email, Some(("attacker-chosen@ex.co".to_owned(), EmailTrust::Unverified)));
    assert_eq!(person.attributes.given_name, Some("A".to_owned()));
}

#[test]
fn presets_are_complete() {
    for Preset { id, issuer, endpoints, button, scopes, cancel, .. } in PRESETS {
        assert_eq!(preset(id).map(|found| found.id), Some(*id));
        assert!(id.starts_with("generic") == issuer.is_empty(), "{id}");
        assert!(id.starts_with("generic") == endpoints.token.is_none(), "{id}");
        for language in ["ko", "en", "ja"] {
            assert!(button.labels.iter().any(|(labelled, _)| *labelled == language), "{id} {language}");
        }
        assert!(!cancel.is_empty(), "{id}");
        assert!(scopes.iter().all(|scope| !scope.contains([' ', ','])), "{id}");
        let icon = format!("{}/static/connectors/{id}.svg", env!("CARGO_MANIFEST_DIR"));
        let svg = std::fs::read_to_string(&icon).unwrap_or_else(|_| panic!("{icon}"));
        assert!(svg.starts_with("<svg ") && !svg.contains("<script") && !svg.contains("href"), "{id}");
    }
}

#[test]
fn values_are_read_with_distrust() {
    let value = json!({
        "bidi": "A\u{202E}B\u{0000}", "blank": " \u{200B} ", "number": 5, "long": "x".repeat(1000),
        "big": 9_007_199_254_740_993_i64, "float": 1.0, "spaced": "a b", "script": "javascript:alert(1)",
        "data": "data:image/svg+xml,x", "yes": ["true"],
    });
    assert_eq!(text(&value, "/bidi"), Some("AB".to_owned()));
    assert_eq!(text(&value, "/blank"), None);
    assert_eq!(text(&value, "/number"), None);
    assert_eq!(text(&value, "/long").unwrap().len(), 200);
    assert_eq!(identifier(&value, "/big"), Some("9007199254740993".to_owned()));
    assert_eq!(identifier(&value, "/float"), None);
    assert_eq!(identifier(&value, "/spaced"), None);
    assert_eq!(picture(&value, "/script"), None);
    assert_eq!(picture(&value, "/data"), None);
    assert!(!flag(&value, "/yes") && !flag(&value, "/number"));
}

#[test]
fn odd_addresses_are_no_addresses() {
    for address in ["a@b.co", "김@ex.kr", "a+b@c.d.e"] {
        assert_eq!(email(&json!(address), ""), Some(address.to_owned()));
    }
    for odd in ["", "a", "@b.co", "a@", "a@b", "a@b@c.co", "a b@c.co", "a\n@c.co", "a@.co", "a@co.", "a\u{200B}@c.co"] {
        assert_eq!(email(&json!(odd), ""), None, "{odd:?}");
    }
    for odd in ["010-1234-5678", "+0821012345678", "+82", "+82 10 abc", ""] {
        assert_eq!(phone(&json!(odd), ""), None, "{odd:?}");
    }
    assert_eq!(birthdate(Some("99"), Some("1332")), None);
    assert_eq!(birthdate(Some("1999"), Some("0230")), Some("1999".to_owned()));
    assert_eq!(birthdate(None, Some("0229")), Some("0000-02-29".to_owned()));
}
