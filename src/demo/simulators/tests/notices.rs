use serde_json::Value;

use super::support::{SECRET, Stage, text};
use crate::demo::simulators::{Notice, Provider, Quirk};
use crate::jose::{Alg, Audience, Expected, Expiry, JwkSet, Rejected, Typ, verify};
use crate::model::digest::{b64, hmac_sha256, unb64};

/// Verifies what has an issuer, an audience and no expiry, and gives its claims.
async fn believed(stage: &Stage, jwks: &str, token: &str) -> Result<Value, Rejected> {
    let set = JwkSet::parse_published(&stage.get(jwks, "").await.json()).unwrap();
    let client_id = stage.client_id();
    let audience = [client_id.as_str()];
    let expected = Expected {
        typ: Typ::AbsentOr(&["JWT", "secevent+jwt"]),
        expiry: Expiry::Ignored,
        ..Expected::upstream_id_token(&[Alg::RS256], "unused", Audience::Only(&audience), None)
    };
    // These tokens have no `exp`, which the verifier for ID tokens insists on: the signature is what is asked here.
    match verify(token, &set, &expected, stage.clock.now()) {
        Err(Rejected::Claim(_)) => {
            let payload = unb64(token.split('.').nth(1).unwrap()).unwrap();
            Ok(serde_json::from_slice(&payload).unwrap())
        }
        Err(other) => Err(other),
        Ok(_) => panic!("the issuer is another"),
    }
}

#[tokio::test]
async fn apple_tells_of_a_revoked_consent_in_a_string_in_a_token_in_json() {
    let mut stage = Stage::new(Provider::Apple);
    stage.sign_in("mina").await;
    let client_id = stage.client_id();
    let notice = stage.simulators.notice(Provider::Apple, &client_id, "mina", Notice::Unlinked).unwrap();
    let body: Value = serde_json::from_str(&notice.body).unwrap();
    let claims = believed(&stage, "/auth/keys", text(&body, "/payload")).await.unwrap();
    let event: Value = serde_json::from_str(text(&claims, "/events")).unwrap();
    assert_eq!(event["type"], "consent-revoked");
    assert_eq!(event["sub"], stage.simulators.subject(Provider::Apple, &client_id, "mina").unwrap());
    assert!(!stage.simulators.is_linked(Provider::Apple, &client_id, "mina"));
}

#[tokio::test]
async fn google_tells_by_security_event_tokens() {
    let stage = Stage::new(Provider::Google);
    let client_id = stage.client_id();
    let make = || stage.simulators.notice(Provider::Google, &client_id, "lea", Notice::AccountDisabled).unwrap();
    let claims = believed(&stage, "/oauth2/v3/certs", &make().body).await.unwrap();
    assert_eq!(claims["iss"], format!("{}/", stage.issuer()));
    let event = &claims["events"]["https://schemas.openid.net/secevent/risc/event-type/account-disabled"];
    assert_eq!((&event["reason"], &event["subject"]["sub"]), (&"hijacking".into(), &"110000000000000000003".into()));
    stage.set(Quirk::UnpublishedKey);
    assert_eq!(believed(&stage, "/oauth2/v3/certs", &make().body).await, Err(Rejected::UnknownKey));
    let configuration = stage.get("/.well-known/risc-configuration", "").await.json();
    assert_eq!(configuration["jwks_uri"], format!("{}/oauth2/v3/certs", stage.issuer()));
}

#[tokio::test]
async fn kakao_tells_under_the_admin_key() {
    let mut stage = Stage::new(Provider::Kakao);
    stage.sign_in("mina").await;
    let client_id = stage.client_id();
    let notice = stage.simulators.notice(Provider::Kakao, &client_id, "mina", Notice::Unlinked).unwrap();
    assert_eq!(notice.authorization.as_deref(), Some("KakaoAK an-admin-key"));
    assert!(notice.body.contains("user_id=3900000001&referrer_type=UNLINK_FROM_APPS"));
    assert!(!stage.simulators.is_linked(Provider::Kakao, &client_id, "mina"));
    let notice = stage.simulators.notice(Provider::Kakao, &client_id, "mina", Notice::SessionsRevoked).unwrap();
    let claims = believed(&stage, "/.well-known/jwks.json", &notice.body).await.unwrap();
    assert_eq!(claims["sub"], "3900000001");
}

#[tokio::test]
async fn facebook_signs_a_request_and_line_says_nothing() {
    let stage = Stage::new(Provider::Facebook);
    let notice = stage.simulators.notice(Provider::Facebook, "facebook-client", "mina", Notice::Unlinked).unwrap();
    let (signature, payload) = notice.body.strip_prefix("signed_request=").unwrap().split_once('.').unwrap();
    assert_eq!(signature, b64(&hmac_sha256(SECRET.as_bytes(), payload.as_bytes())));
    assert_eq!(stage.simulators.notice(Provider::Line, "line-client", "mina", Notice::Unlinked), None);
}
