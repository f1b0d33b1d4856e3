//! ID tokens that must not be believed, and those that must.

use super::*;
use crate::jose::half_hash;
use crate::model::digest::b64;

type Forge<'a> = Box<dyn Fn(&Value) -> String + 'a>;

const TOKEN: &str = "/token";
const CERTS: &str = "/oauth2/v3/certs";

async fn google() -> Stage {
    Stage::of("google", "algs = [\"ES256\"]").await
}

/// The outcome of a login whose ID token `forge` makes.
async fn with(stage: &Stage, forge: impl FnOnce(&Away, Value) -> String) -> Result<Completed, Failure> {
    let away = stage.begins().await;
    let token = forge(&away, stage.claims(&away, &stage.upstream.issuer()));
    stage.token_answer(TOKEN, Some(&token));
    stage.returns(away.callback()).await
}

#[tokio::test]
async fn every_claim_is_checked() {
    let stage = google().await;
    let now = NOW.0;
    let lies: Vec<(&str, Value)> = vec![
        ("iss", json!("https://evil.example")),
        ("iss", json!(null)),
        ("aud", json!("somebody-else")),
        ("aud", json!(["client", "somebody-else"])),
        ("aud", json!([])),
        ("azp", json!("somebody-else")),
        ("nonce", json!("another")),
        ("nonce", json!("")),
        ("nonce", json!(null)),
        ("exp", json!(now - 121)),
        ("exp", json!("tomorrow")),
        ("exp", json!(null)),
        ("iat", json!(now + 121)),
        ("iat", json!(now - 1021)),
        ("iat", json!(null)),
        ("nbf", json!(now + 600)),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("at_hash", json!("bm90LXRoZS1oYXNo")),
        ("at_hash", json!(1)),
    ];
    for (name, lie) in lies {
        let outcome = with(&stage, |_, mut claims| {
            match lie {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                _ => claims.as_object_mut().unwrap().insert(name.to_owned(), lie.clone()),
            };
            stage.signed(&claims)
        });
        assert_eq!(reason(outcome.await), Reason::IdTokenRejected, "{name}: {lie}");
    }
}

#[tokio::test]
async fn a_little_skew_and_true_extras_are_fine() {
    let stage = google().await;
    let outcome = with(&stage, |_, mut claims| {
        claims["exp"] = json!(NOW.0 - 119);
        claims["iat"] = json!(NOW.0 - 400);
        claims["azp"] = json!("client");
        claims["aud"] = json!(["client"]);
        claims["at_hash"] = json!(half_hash(Alg::ES256, "access"));
        claims["unheard_of"] = json!({"a": [1]});
        stage.signed(&claims)
    });
    assert!(outcome.await.is_ok());
}

#[tokio::test]
async fn algorithm_and_key_are_the_connections_own() {
    let stage = google().await;
    let header = |header: Value, claims: &Value| {
        format!("{}.{}.", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()))
    };
    let stranger = SigningKey::generate(Alg::ES256, Some("k1")).unwrap();
    let own_key = SigningKey::generate(Alg::EdDSA, Some("ed")).unwrap();
    stage.publishes(CERTS, &[&stage.key, &own_key]);
    let forgeries: Vec<(&str, Forge<'_>)> = vec![
        ("unsigned", Box::new(|claims| header(json!({"alg": "none"}), claims))),
        ("signed with our secret", Box::new(|claims| hs256_sign(SECRET.as_bytes(), "JWT", claims).unwrap())),
        ("an algorithm not pinned", Box::new(|claims| sign(&own_key, "JWT", claims).unwrap())),
        ("a stranger's key of the same name", Box::new(|claims| sign(&stranger, "JWT", claims).unwrap())),
        ("another kind of token", Box::new(|claims| sign(&stage.key, "at+jwt", claims).unwrap())),
        ("its own key along", Box::new(|claims| header(json!({"alg": "ES256", "jwk": {}}), claims) + "AA")),
        ("no token at all", Box::new(|_| "e30.e30".to_owned())),
        ("endless", Box::new(|claims| stage.signed(claims) + &"A".repeat(20_000))),
        (
            "a changed claim",
            Box::new(|claims| {
                let token = stage.signed(claims);
                let parts: Vec<&str> = token.split('.').collect();
                let mut claims = claims.clone();
                claims["sub"] = json!("victim");
                format!("{}.{}.{}", parts[0], b64(claims.to_string().as_bytes()), parts[2])
            }),
        ),
    ];
    for (what, forge) in forgeries {
        let outcome = with(&stage, |_, claims| forge(&claims)).await;
        assert_eq!(reason(outcome), Reason::IdTokenRejected, "{what}");
    }
}

#[tokio::test]
async fn google_may_leave_out_the_scheme_and_nothing_else() {
    let stage = google().await;
    let issuer = stage.upstream.issuer();
    let bare = issuer.strip_prefix("http://").unwrap().to_owned();
    let completed = with(&stage, |_, mut claims| {
        claims["iss"] = json!(bare);
        stage.signed(&claims)
    });
    // One person, whichever way the issuer is written.
    assert_eq!(completed.await.unwrap().profile.key.issuer, issuer);
    for other in [format!("https://{bare}"), format!("{issuer}/"), "localhost".to_owned()] {
        let outcome = with(&stage, |_, mut claims| {
            claims["iss"] = json!(other);
            stage.signed(&claims)
        });
        assert_eq!(reason(outcome.await), Reason::IdTokenRejected, "{other}");
    }
}

#[tokio::test]
async fn the_default_algorithm_is_rs256() {
    let stage = Stage::of("google", "").await;
    assert_eq!(reason(with(&stage, |_, claims| stage.signed(&claims)).await), Reason::IdTokenRejected);
    let key = SigningKey::generate(Alg::RS256, Some("rsa")).unwrap();
    stage.publishes(CERTS, &[&key]);
    assert!(with(&stage, |_, claims| sign(&key, "JWT", &claims).unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_new_key_is_looked_up_at_most_once_a_minute() {
    let stage = google().await;
    assert!(with(&stage, |_, claims| stage.signed(&claims)).await.is_ok());
    assert!(with(&stage, |_, claims| stage.signed(&claims)).await.is_ok());
    assert_eq!(stage.upstream.asked(CERTS).len(), 1);

    let next = SigningKey::generate(Alg::ES256, Some("k2")).unwrap();
    stage.publishes(CERTS, &[&stage.key, &next]);
    assert!(with(&stage, |_, claims| sign(&next, "JWT", &claims).unwrap()).await.is_ok());
    assert_eq!(stage.upstream.asked(CERTS).len(), 2);

    let unknown = SigningKey::generate(Alg::ES256, Some("k3")).unwrap();
    for _ in 0..5 {
        stage.clock.advance(10);
        assert!(with(&stage, |_, claims| sign(&unknown, "JWT", &claims).unwrap()).await.is_err());
    }
    assert_eq!(stage.upstream.asked(CERTS).len(), 2);
    stage.clock.advance(10);
    assert!(with(&stage, |_, claims| sign(&unknown, "JWT", &claims).unwrap()).await.is_err());
    assert_eq!(stage.upstream.asked(CERTS).len(), 3);
}

#[tokio::test]
async fn keys_outlive_an_outage_by_a_day() {
    let stage = google().await;
    assert!(with(&stage, |_, claims| stage.signed(&claims)).await.is_ok());
    stage.upstream.says(CERTS, Answer::raw(503, "text/html", b"<h1>down</h1>".to_vec()));
    stage.clock.advance(23 * 3600);
    assert!(with(&stage, |_, claims| stage.signed(&claims)).await.is_ok());
    stage.clock.advance(3600 + 1);
    assert!(matches!(with(&stage, |_, claims| stage.signed(&claims)).await, Err(Failure::Unavailable { .. })));
}
