//! What verifiers have been fooled by, tried on ours.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::UnixTime;
use crate::model::digest::b64;

const NOW: UnixTime = UnixTime(1_000_000);
const OP: &str = "https://op.example";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

static RSA: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::RS256, Some("rsa")).unwrap());
static PSS: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::PS256, Some("pss")).unwrap());
static EC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::ES256, Some("ec")).unwrap());
static ED: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::EdDSA, Some("ed")).unwrap());

fn keys() -> JwkSet {
    JwkSet::from([&RSA, &PSS, &EC, &ED].map(|key| key.public_key().clone()).to_vec())
}

fn access_claims() -> Value {
    json!({
        "iss": OP, "sub": "s", "aud": "api", "client_id": "rp", "jti": "j",
        "iat": NOW.0, "exp": NOW.0 + 600,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = access_claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = access_claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn check(token: &str) -> Result<Claims, Rejected> {
    verify(token, &keys(), &Expected::access_token(OP), NOW)
}

fn signed(claims: &Value) -> String {
    sign(&ED, "at+jwt", claims).unwrap()
}

/// A token under a header of the attacker's making, truly signed by the Ed25519 key over whatever they wrote.
fn with_header(header: &Value) -> String {
    with_raw_header(&header.to_string())
}

fn with_raw_header(header: &str) -> String {
    let input = format!("{}.{}", b64(header.as_bytes()), b64(access_claims().to_string().as_bytes()));
    let signature = ED.signature(input.as_bytes()).unwrap();
    format!("{input}.{}", b64(&signature))
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for key in [&RSA, &PSS, &EC, &ED] {
        let token = sign(key, "at+jwt", &access_claims()).unwrap();
        assert_eq!(check(&token).unwrap().subject(), Some("s"));
        let unverified = Unverified::parse(&token).unwrap();
        let header = (unverified.alg(), unverified.kid(), unverified.typ());
        assert_eq!(header, (key.alg().as_str(), Some(key.kid()), Some("at+jwt")));
        assert_eq!(unverified.peek("client_id").as_deref(), Some("rp"));
    }
    assert!(sign(&ED, "JWT", &"no object").is_err());
}

#[test]
fn an_unexpected_algorithm_is_refused_whoever_signed() {
    for key in [&RSA, &PSS, &EC, &ED] {
        let token = sign(key, "at+jwt", &access_claims()).unwrap();
        let others: Vec<_> = Alg::ALL.into_iter().filter(|alg| *alg != key.alg()).collect();
        let expected = Expected { algs: &others, ..Expected::access_token(OP) };
        assert_eq!(verify(&token, &keys(), &expected, NOW), Err(Rejected::Alg));
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let jwk = RSA.public_jwk().to_value();
    let secrets = [jwk.to_string(), jwk["n"].as_str().unwrap().to_owned(), RSA.kid().to_owned()];
    for secret in secrets {
        let input = format!(
            "{}.{}",
            b64(json!({"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}).to_string().as_bytes()),
            b64(access_claims().to_string().as_bytes())
        );
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), input.as_bytes());
        assert_eq!(check(&format!("{input}.{}", b64(tag.as_ref()))), Err(Rejected::Alg));
    }
}

#[test]
fn unsigned_tokens_are_refused() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = b64(json!({"alg": alg, "typ": "at+jwt", "kid": "ed"}).to_string().as_bytes());
        let payload = b64(access_claims().to_string().as_bytes());
        assert_eq!(check(&format!("{header}.{payload}.")), Err(Rejected::Alg), "{alg}");
    }
    let token = signed(&access_claims());
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{input}.")), Err(Rejected::Signature));
    assert_eq!(check(input), Err(Rejected::Malformed));
}

#[test]
fn the_alg_of_a_key_is_its_only_one() {
    // One RSA key pair, once as RS256 and once as PS256: neither signature passes for the other.
    let der = RSA.to_pkcs8().unwrap();
    let twin = SigningKey::from_pkcs8(Alg::PS256, Some("rsa"), der.expose()).unwrap();
    let token = sign(&twin, "at+jwt", &access_claims()).unwrap();
    assert_eq!(check(&token), Err(Rejected::UnknownKey));
    let relabelled = token.split_once('.').unwrap().1;
    let header = b64(json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}).to_string().as_bytes());
    assert_eq!(check(&format!("{header}.{relabelled}")), Err(Rejected::Signature));
}

#[test]
fn keys_and_extensions_in_the_header_are_refused() {
    let own = json!({"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"});
    assert!(check(&with_header(&own)).is_ok());
    for (name, value) in [
        ("jwk", ED.public_jwk().to_value()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("zip", json!("DEF")),
        ("jwk", Value::Null),
    ] {
        let mut header = own.clone();
        header[name] = value;
        assert_eq!(check(&with_header(&header)), Err(Rejected::Header), "{header}");
    }
}

#[test]
fn malformed_headers_are_refused() {
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#,
        r#"{"alg":"none","kid":"ed","typ":"at+jwt","alg":"EdDSA"}"#,
        r#"{"kid":"ed","typ":"at+jwt"}"#,
        r#"{"alg":null,"kid":"ed","typ":"at+jwt"}"#,
        r#"{"alg":["EdDSA"],"kid":"ed","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":1,"typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":null}"#,
        r#"["EdDSA"]"#,
        "",
        "EdDSA",
    ] {
        assert_eq!(check(&with_raw_header(header)), Err(Rejected::Malformed), "{header}");
    }
    let long = json!({"alg": "EdDSA", "kid": "k".repeat(257), "typ": "at+jwt"});
    assert_eq!(check(&with_header(&long)), Err(Rejected::Malformed));
}

#[test]
fn the_kid_must_be_known() {
    for kid in ["other", "", "ED", "rsa", "../../dev/null", "ed' OR 1=1"] {
        let header = json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"});
        assert_eq!(check(&with_header(&header)), Err(Rejected::UnknownKey), "{kid}");
    }
    let stored = crate::model::key::StoredKey {
        kid: "ed".to_owned(),
        alg: "EdDSA".to_owned(),
        pkcs8: ED.to_pkcs8().unwrap(),
        created_at: NOW,
        active_at: NOW,
        retired_at: None,
        remove_at: None,
    };
    let ring = KeyRing::new(&[stored]).unwrap();
    let verify_own = |token: &str| verify(token, &ring, &Expected::access_token(OP), NOW);
    assert!(verify_own(&signed(&access_claims())).is_ok());
    let anonymous = with_header(&json!({"alg": "EdDSA", "typ": "at+jwt"}));
    assert_eq!(verify_own(&anonymous), Err(Rejected::UnknownKey));
}

#[test]
fn only_the_compact_form_in_strict_base64url_is_read() {
    let token = signed(&access_claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    for loose in [
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}.{payload}"),
        format!("{header}..{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}+"),
        format!("{header}.{payload}.{signature}/"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        "..".to_owned(),
        String::new(),
        json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
    ] {
        assert_eq!(check(&loose), Err(Rejected::Malformed), "{loose}");
    }
    // The last of the signature's 86 characters carries four unused bits: a second spelling of the same bytes.
    let (head, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    assert_eq!(check(&format!("{head}{next}")), Err(Rejected::Malformed));
}

#[test]
fn floods_are_turned_away_by_their_length() {
    assert_eq!(check(&".".repeat(MAX_TOKEN)), Err(Rejected::Malformed));
    assert_eq!(check(&".".repeat(MAX_TOKEN + 1)), Err(Rejected::TooLong));
    assert_eq!(check(&signed(&with("x", "x".repeat(MAX_TOKEN).into()))), Err(Rejected::TooLong));
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let input = format!("{}.{}", b64(br#"{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#), b64(deep.as_bytes()));
    let signature = ED.signature(input.as_bytes()).unwrap();
    assert_eq!(check(&format!("{input}.{}", b64(&signature))), Err(Rejected::Malformed));
}

#[test]
fn one_kind_of_token_never_passes_for_another() {
    let expected = Expected::access_token(OP);
    for typ in ["JWT", "logout+jwt", "secevent+jwt", "at+jwt2", ""] {
        let token = sign(&ED, typ, &access_claims()).unwrap();
        assert_eq!(verify(&token, &keys(), &expected, NOW), Err(Rejected::Typ), "{typ}");
    }
    let untyped = with_header(&json!({"alg": "EdDSA", "kid": "ed"}));
    assert_eq!(verify(&untyped, &keys(), &expected, NOW), Err(Rejected::Typ));
    for typ in ["at+JWT", "application/at+jwt", "APPLICATION/AT+JWT"] {
        let token = sign(&ED, typ, &access_claims()).unwrap();
        assert!(verify(&token, &keys(), &expected, NOW).is_ok(), "{typ}");
    }
    for typ in ["at+jwt", "logout+jwt"] {
        let token = sign(&ED, typ, &access_claims()).unwrap();
        assert_eq!(verify(&token, &keys(), &Expected::id_token_hint(OP), NOW), Err(Rejected::Typ), "{typ}");
    }
}

#[test]
fn wrong_typed_claims_are_errors_not_absences() {
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for value in
            [json!("9999999999"), json!(null), json!([9_999_999_999_i64]), json!(true), json!(-1), json!(1e300)]
        {
            assert_eq!(check(&signed(&with(name, value.clone()))), Err(Rejected::Claim(name)), "{name} {value}");
        }
    }
    for name in ["iss", "sub", "jti", "nonce", "azp", "sid"] {
        for value in [json!(1), json!(null), json!(["x"]), json!({})] {
            assert_eq!(check(&signed(&with(name, value.clone()))), Err(Rejected::Claim(name)), "{name} {value}");
        }
    }
    for value in [json!(1), json!(null), json!([]), json!(["api", 1]), json!({"api": 1})] {
        assert_eq!(check(&signed(&with("aud", value.clone()))), Err(Rejected::Claim("aud")), "{value}");
    }
    let fractional = check(&signed(&with("exp", json!(1_000_000.9)))).unwrap_err();
    assert_eq!(fractional, Rejected::Expired, "fractions are cut off");
}

#[test]
fn missing_and_empty_claims_are_refused() {
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        assert_eq!(check(&signed(&without(name))), Err(Rejected::Claim(name)), "{name}");
    }
    for name in ["sub", "jti", "client_id"] {
        assert_eq!(check(&signed(&with(name, json!("")))), Err(Rejected::Claim(name)), "{name}");
    }
    for issuer in ["https://op.example/", "https://OP.example", "https://evil.example", ""] {
        assert_eq!(check(&signed(&with("iss", json!(issuer)))), Err(Rejected::Claim("iss")), "{issuer}");
    }
    let twice = access_claims().to_string().replace(r#""sub":"s""#, r#""sub":"s","sub":"t""#);
    let input = format!("{}.{}", b64(br#"{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#), b64(twice.as_bytes()));
    let signature = ED.signature(input.as_bytes()).unwrap();
    assert_eq!(check(&format!("{input}.{}", b64(&signature))), Err(Rejected::Malformed));
}

#[test]
fn times_bind() {
    let at = |now: i64| verify(&signed(&access_claims()), &keys(), &Expected::access_token(OP), UnixTime(now)).err();
    assert_eq!(at(NOW.0 + 599), None);
    assert_eq!(at(NOW.0 + 600), Some(Rejected::Expired));
    assert_eq!(at(NOW.0 - 30), None);
    assert_eq!(at(NOW.0 - 31), Some(Rejected::NotYet));
    assert_eq!(check(&signed(&with("nbf", json!(NOW.0 + 31)))), Err(Rejected::NotYet));
    assert_eq!(at(i64::MAX), Some(Rejected::Expired));
    assert_eq!(at(i64::MIN), Some(Rejected::NotYet));
}

#[test]
fn our_own_hint_is_known_again_long_after_it_expired() {
    let claims = json!({"iss": OP, "sub": "s", "aud": "rp", "sid": "x", "iat": 10, "exp": 20});
    let hint = sign(&RSA, "JWT", &claims).unwrap();
    let expected = Expected::id_token_hint(OP);
    assert_eq!(verify(&hint, &keys(), &expected, NOW).unwrap().audiences(), ["rp"]);
    let foreign = SigningKey::generate(Alg::ES256, Some("ec")).unwrap();
    let forged = sign(&foreign, "JWT", &claims).unwrap();
    assert_eq!(verify(&forged, &keys(), &expected, NOW), Err(Rejected::Signature));
    let other_issuer = Expected::id_token_hint("https://other.example");
    assert_eq!(verify(&hint, &keys(), &other_issuer, NOW), Err(Rejected::Claim("iss")));
}

fn assertion(changes: &Value) -> String {
    let mut claims = json!({"iss": "rp", "sub": "rp", "aud": OP, "jti": "1", "exp": NOW.0 + 300});
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    sign(&EC, "JWT", &claims).unwrap()
}

#[test]
fn client_assertions_are_judged_as_registered() {
    let endpoint = format!("{OP}/token");
    let algs = [Alg::ES256];
    let judge = |changes: &Value, audience| {
        verify(&assertion(changes), &keys(), &Expected::client_assertion(&algs, "rp", audience), NOW).err()
    };
    let names = [OP, &endpoint];
    let tolerant = |changes: Value| judge(&changes, Audience::Includes(&names));
    let strict = |changes: Value| judge(&changes, Audience::Single(OP));
    assert_eq!((tolerant(json!({})), strict(json!({}))), (None, None));
    for aud in [json!(endpoint), json!([OP]), json!([endpoint, "https://x.example"])] {
        assert_eq!(tolerant(json!({ "aud": aud })), None, "{aud}");
        assert_eq!(strict(json!({ "aud": aud })), Some(Rejected::Claim("aud")), "{aud}");
    }
    assert_eq!(tolerant(json!({"aud": "https://x.example"})), Some(Rejected::Claim("aud")));
    for name in ["iss", "sub", "aud", "jti", "exp"] {
        assert_eq!(tolerant(json!({ name: null })), Some(Rejected::Claim(name)), "{name}");
    }
    for name in ["iss", "sub"] {
        assert_eq!(tolerant(json!({ name: "other" })), Some(Rejected::Claim(name)), "{name}");
    }
    assert_eq!(tolerant(json!({"exp": NOW.0 - 10})), None, "ten seconds of skew");
    assert_eq!(tolerant(json!({"exp": NOW.0 - 300})), Some(Rejected::Expired));
    assert_eq!(tolerant(json!({"exp": NOW.0 + 331})), Some(Rejected::Claim("exp")), "a far expiry");
    for name in ["iat", "nbf"] {
        assert_eq!(tolerant(json!({ name: NOW.0 + 10 })), None);
        assert_eq!(tolerant(json!({ name: NOW.0 + 61 })), Some(Rejected::NotYet));
    }
}

#[test]
fn upstream_id_tokens_need_our_nonce_and_no_other_audience() {
    let judge = |changes: Value| {
        let mut claims = json!({
            "iss": "https://up.example", "sub": "u", "aud": "us", "nonce": "n", "iat": NOW.0, "exp": NOW.0 + 60,
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = sign(&RSA, "JWT", &claims).unwrap();
        let audience = Audience::Only(&["us"]);
        let expected = Expected::upstream_id_token(&[Alg::RS256], "https://up.example", audience, Some("n"));
        verify(&token, &keys(), &expected, NOW).err()
    };
    assert_eq!(judge(json!({})), None);
    assert_eq!(judge(json!({"aud": ["us"], "azp": "us"})), None);
    assert_eq!(judge(json!({"nonce": null})), Some(Rejected::Claim("nonce")));
    assert_eq!(judge(json!({"nonce": "m"})), Some(Rejected::Claim("nonce")));
    assert_eq!(judge(json!({"aud": "them"})), Some(Rejected::Claim("aud")));
    assert_eq!(judge(json!({"aud": ["us", "them"]})), Some(Rejected::Claim("aud")));
    assert_eq!(judge(json!({"azp": "them"})), Some(Rejected::Claim("azp")));
    assert_eq!(judge(json!({"sub": ""})), Some(Rejected::Claim("sub")));
    assert_eq!(judge(json!({"iat": null})), Some(Rejected::Claim("iat")));
    assert_eq!(judge(json!({"exp": NOW.0 - 60})), Some(Rejected::Expired));
}

#[test]
fn shared_secrets_have_their_own_door() {
    let expected = Expected::access_token(OP);
    let token = hs256_sign(SECRET, "at+jwt", &access_claims()).unwrap();
    assert_eq!(hs256_verify(&token, SECRET, &expected, NOW).unwrap().subject(), Some("s"));
    assert_eq!(check(&token), Err(Rejected::Alg));
    let other = b"0123456789abcdef0123456789abcdeF";
    assert_eq!(hs256_verify(&token, other, &expected, NOW), Err(Rejected::Signature));
    assert_eq!(hs256_verify(&signed(&access_claims()), SECRET, &expected, NOW), Err(Rejected::Alg));
    let expired = UnixTime(NOW.0 + 600);
    assert_eq!(hs256_verify(&token, SECRET, &expected, expired), Err(Rejected::Expired));
    for short in [&b""[..], &SECRET[..31]] {
        assert_eq!(hs256_verify(&token, short, &expected, NOW), Err(Rejected::UnknownKey));
        assert!(hs256_sign(short, "JWT", &access_claims()).is_err());
    }
}

proptest! {
    #[test]
    fn reading_is_total(token: String) {
        let _ = check(&token);
    }

    #[test]
    fn reading_token_shaped_noise_is_total(header in "\\PC{0,40}", payload in "\\PC{0,40}", signature: Vec<u8>) {
        let token = format!("{}.{}.{}", b64(header.as_bytes()), b64(payload.as_bytes()), b64(&signature));
        prop_assert!(check(&token).is_err());
    }

    #[test]
    fn no_altered_character_goes_unnoticed(position: prop::sample::Index, to in "[A-Za-z0-9_.=-]") {
        static TOKEN: LazyLock<String> = LazyLock::new(|| signed(&access_claims()));
        let position = position.index(TOKEN.len());
        let mut altered = TOKEN.clone();
        altered.replace_range(position..=position, &to);
        prop_assert_eq!(check(&altered).is_ok(), altered == *TOKEN);
    }

    #[test]
    fn whatever_is_signed_verifies(extra: String, number: u32) {
        let claims = with("x", json!({ "text": extra.chars().take(500).collect::<String>(), "number": number }));
        let map = check(&signed(&claims)).unwrap().into_map();
        prop_assert_eq!(Value::Object(map), claims);
    }
}
