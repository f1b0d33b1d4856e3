//! Whatever a provider answers, a login fails cleanly and the sign-in it was part of lives on.

use super::*;

/// What an answer at the token endpoint comes to.
async fn at_token(answer: Answer) -> Result<Completed, Failure> {
    let stage = Stage::of("google", "algs = [\"ES256\"]").await;
    let away = stage.begins().await;
    stage.upstream.says("/token", answer);
    stage.returns(away.callback()).await
}

/// What an answer at the profile endpoint comes to.
async fn at_profile(answer: Answer) -> Result<Completed, Failure> {
    let stage = Stage::of("facebook", "").await;
    let away = stage.begins().await;
    stage.token_answer("/v24.0/oauth/access_token", None);
    stage.upstream.says("/v24.0/me", answer);
    stage.returns(away.callback()).await
}

/// What an answer at the key endpoint comes to.
async fn at_keys(answer: Answer) -> Result<Completed, Failure> {
    let stage = Stage::of("google", "algs = [\"ES256\"]").await;
    let away = stage.begins().await;
    stage.token_answer("/token", Some(&stage.signed(&stage.claims(&away, &stage.upstream.issuer()))));
    stage.upstream.says("/oauth2/v3/certs", answer);
    stage.returns(away.callback()).await
}

fn nonsense() -> Vec<Answer> {
    let json = "application/json";
    vec![
        Answer::raw(200, json, vec![b' '; 10 * 1024 * 1024]),
        Answer::raw(200, json, b"{\"access_token\":".to_vec()),
        Answer::raw(200, json, b"{\"access_token\":\"\xff\xfe\",\"id\":\"\xff\"}".to_vec()),
        Answer::raw(200, json, Vec::new()),
        Answer::raw(200, json, b"[]".to_vec()),
        Answer::raw(200, json, b"null".to_vec()),
        Answer::raw(200, json, format!("{}1{}", "[".repeat(5000), "]".repeat(5000)).into_bytes()),
        Answer::raw(200, "text/html", b"<html>{}</html>".to_vec()),
    ]
}

fn out_of_order() -> Vec<Answer> {
    vec![
        Answer::hanging(),
        Answer::raw(500, "text/html", b"<h1>oops</h1>".to_vec()),
        Answer::json(503, &json!({"error": "temporarily_unavailable"})),
        Answer::raw(429, "text/plain", b"slow down".to_vec()),
    ]
}

#[track_caller]
fn is_unavailable(outcome: &Result<Completed, Failure>) {
    assert!(matches!(outcome, Err(Failure::Unavailable { txn }) if txn == "txn"), "{outcome:?}");
}

#[tokio::test]
async fn nonsense_is_refused() {
    for answer in nonsense() {
        assert_eq!(reason(at_token(answer.clone()).await), Reason::MalformedTokens);
        assert_eq!(reason(at_profile(answer.clone()).await), Reason::ProfileRejected);
        is_unavailable(&at_keys(answer).await);
    }
}

#[tokio::test]
async fn trouble_is_told_from_refusal() {
    for answer in out_of_order() {
        is_unavailable(&at_token(answer.clone()).await);
        is_unavailable(&at_profile(answer.clone()).await);
        is_unavailable(&at_keys(answer).await);
    }
}

#[tokio::test]
async fn token_refusals_have_many_shapes() {
    let cases = [
        (400, json!({"error": "invalid_grant", "error_code": "KOE320"}), Reason::CodeRejected),
        (401, json!({"error": "invalid_client"}), Reason::ClientRejected),
        (200, json!({"error": "bad_verification_code", "error_uri": "https://x"}), Reason::CodeRejected),
        (200, json!({"error": "incorrect_client_credentials"}), Reason::ClientRejected),
        (400, json!({"error": {"message": "m", "type": "OAuthException", "code": 100}}), Reason::CodeRejected),
        (404, json!({"status": 404}), Reason::CodeRejected),
        (200, json!({"access_token": ""}), Reason::MalformedTokens),
        (200, json!({"access_token": 5}), Reason::MalformedTokens),
        (200, json!({"access_token": "a", "token_type": "mac"}), Reason::MalformedTokens),
        // An OpenID Provider that forgets the ID token has not said who it is.
        (200, json!({"access_token": "a", "token_type": "bearer"}), Reason::MalformedTokens),
    ];
    for (status, body, expected) in cases {
        assert_eq!(reason(at_token(Answer::json(status, &body)).await), expected, "{body}");
    }
}

#[tokio::test]
async fn a_profile_without_a_sound_subject_is_nobody() {
    let subjects =
        [json!(null), json!(""), json!(" "), json!(1.5), json!(true), json!("a\u{0}b"), json!("x".repeat(300))];
    for id in subjects {
        assert_eq!(reason(at_profile(Answer::json(200, &json!({ "id": id }))).await), Reason::SubjectMissing, "{id}");
    }
    assert_eq!(reason(at_profile(Answer::json(401, &json!({}))).await), Reason::ProfileRejected);
}
