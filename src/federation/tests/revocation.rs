//! Taking links back.

use super::*;
use crate::model::Secret;
use crate::model::identity::{IdentityKey, UpstreamTokens};

/// Handlers run on any thread.
fn send<T: Send>(future: T) -> T {
    future
}

async fn revoke(stage: &Stage, tokens: &UpstreamTokens) -> Revoked {
    let key = IdentityKey { connection: stage.id.clone(), issuer: String::new(), subject: "77".to_owned() };
    send(stage.federation.revoke(&key, tokens)).await
}

fn tokens() -> UpstreamTokens {
    UpstreamTokens {
        access_token: Some(Secret::from("access")),
        refresh_token: Some(Secret::from("refresh")),
        expires_at: None,
    }
}

#[tokio::test]
async fn every_provider_is_told_in_its_own_way() {
    let bearer = Some("Bearer access".to_owned());
    for (preset, path, method) in [
        ("google", "/revoke", "POST"),
        ("kakao", "/v1/user/unlink", "POST"),
        ("naver", "/oauth2.0/revoke", "POST"),
        ("line", "/oauth2/v2.1/revoke", "POST"),
        ("facebook", "/v24.0/77/permissions", "DELETE"),
        ("github", "/applications/client/grant", "DELETE"),
    ] {
        // Also while the connection is switched off: people must be able to leave.
        let stage = Stage::of(preset, "enabled = false").await;
        stage.upstream.says(path, Answer::json(200, &json!({})));
        assert_eq!(revoke(&stage, &tokens()).await, Revoked::Done, "{preset}");
        let asked = &stage.upstream.asked(path)[0];
        assert_eq!(asked.method.as_str(), method, "{preset}");
        match preset {
            "google" | "naver" => {
                assert_eq!(asked.form["token"], "refresh");
                assert_eq!(asked.form["client_secret"], SECRET);
            }
            "line" => assert_eq!(asked.form["access_token"], "access"),
            "kakao" => assert_eq!(asked.authorization, bearer),
            "facebook" => assert!(asked.authorization == bearer && asked.query.contains_key("appsecret_proof")),
            _ => assert_eq!(asked.body, r#"{"access_token":"access"}"#),
        }
    }
}

#[tokio::test]
async fn not_being_able_to_is_no_error() {
    let microsoft = Stage::of("microsoft", "").await;
    assert_eq!(revoke(&microsoft, &tokens()).await, Revoked::NotOffered);
    let google = Stage::of("google", "").await;
    assert_eq!(revoke(&google, &UpstreamTokens::default()).await, Revoked::NotOffered);
    assert_eq!(revoke(&google, &tokens()).await, Revoked::Failed);
    google.upstream.says("/revoke", Answer::hanging());
    assert_eq!(revoke(&google, &tokens()).await, Revoked::Failed);
}
