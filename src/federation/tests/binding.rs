//! An answer counts once, for the browser and the connection that asked, within ten minutes.

use super::*;
use crate::model::AccountId;
use crate::model::digest::sha256_b64;

const TOKEN: &str = "/token";
const ES256: &str = "algs = [\"ES256\"]";

async fn google() -> Stage {
    Stage::of("google", ES256).await
}

fn honest(stage: &Stage, away: &Away) {
    let claims = stage.claims(away, &stage.upstream.issuer());
    stage.token_answer(TOKEN, Some(&stage.signed(&claims)));
}

#[tokio::test]
async fn a_login_runs_from_button_to_profile() {
    let stage = google().await;
    let away = stage.begins().await;
    assert_eq!(away.url.path(), "/o/oauth2/v2/auth");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", "https://op.example/federation/google/callback"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(away.param(name).as_deref(), Some(value), "{name}");
    }
    assert!(away.state.len() >= 43 && away.nonce.len() >= 43);

    honest(&stage, &away);
    let completed = stage.returns(away.callback()).await.unwrap();
    assert_eq!((completed.txn.as_str(), completed.intent), ("txn", Intent::SignIn));
    let key = &completed.profile.key;
    assert_eq!((key.connection.as_str(), key.subject.as_str()), ("google", "subject-1"));
    assert_eq!(key.issuer, stage.upstream.issuer());
    assert_eq!(completed.profile.tokens.expires_at, Some(NOW + 3600));

    let asked = &stage.upstream.asked(TOKEN)[0];
    assert_eq!(asked.form["code"], "c0de");
    assert_eq!(asked.form["redirect_uri"], "https://op.example/federation/google/callback");
    assert_eq!(asked.form["client_secret"], SECRET);
    assert_eq!(Some(sha256_b64(&asked.form["code_verifier"])), away.param("code_challenge"));
}

#[tokio::test]
async fn no_two_logins_share_their_secrets() {
    let stage = google().await;
    let (one, two) = (stage.begins().await, stage.begins().await);
    assert_ne!(one.state, two.state);
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.param("code_challenge"), two.param("code_challenge"));
    // The ID token of one is no good for the other.
    honest(&stage, &one);
    assert_eq!(reason(stage.returns(two.callback()).await), Reason::IdTokenRejected);
}

#[tokio::test]
async fn an_answer_counts_once_of_fifty() {
    let stage = google().await;
    let away = stage.begins().await;
    honest(&stage, &away);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (federation, id, params) = (stage.federation.clone(), stage.id.clone(), away.callback());
        tasks.spawn(async move { federation.complete(&id, params, BROWSER).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(Failure::Unknown))).count(), 49);
    assert_eq!(stage.upstream.asked(TOKEN).len(), 1);
}

#[tokio::test]
async fn another_browser_learns_nothing_and_gets_nothing() {
    let stage = google().await;
    let away = stage.begins().await;
    honest(&stage, &away);
    let stranger = stage.federation.complete(&stage.id, away.callback(), "another-browser").await;
    assert!(matches!(stranger, Err(Failure::Unknown)));
    assert!(stage.upstream.asked(TOKEN).is_empty());
}

#[tokio::test]
async fn an_answer_at_another_connections_address_is_refused() {
    let stage = google().await;
    let away = stage.begins().await;
    let outcome = stage.federation.complete(&ConnectionId::new("other"), away.callback(), BROWSER).await;
    assert_eq!(reason(outcome), Reason::ConnectionMismatch);
    assert!(matches!(stage.returns(away.callback()).await, Err(Failure::Unknown)));
}

#[tokio::test]
async fn a_login_lasts_ten_minutes() {
    let stage = google().await;
    let (in_time, late) = (stage.begins().await, stage.begins().await);
    stage.clock.advance(599);
    honest(&stage, &in_time);
    assert!(stage.returns(in_time.callback()).await.is_ok());
    stage.clock.advance(2);
    honest(&stage, &late);
    assert!(matches!(stage.returns(late.callback()).await, Err(Failure::Unknown)));
}

#[tokio::test]
async fn a_state_nobody_drew_is_unknown() {
    let stage = google().await;
    for params in [vec![], vec![("code", "c")], vec![("state", "made-up"), ("code", "c")]] {
        assert!(matches!(stage.returns(CallbackParams::from_pairs(params)).await, Err(Failure::Unknown)));
    }
}

#[tokio::test]
async fn a_disabled_connection_is_refused_at_both_ends() {
    let stage = google().await;
    let away = stage.begins().await;
    honest(&stage, &away);
    let more = "enabled = false";
    let switched_off = Stage::federation(&stage.upstream, &stage.clock, &stage.cache, "google", more);
    let begin = Begin { txn: "t".into(), browser: BROWSER.into(), intent: Intent::SignIn, login_hint: None };
    assert!(matches!(switched_off.begin(&stage.id, begin).await, Err(Failure::Unknown)));
    let outcome = switched_off.complete(&stage.id, away.callback(), BROWSER).await;
    assert_eq!(reason(outcome), Reason::ConnectionDisabled);
    assert!(stage.upstream.asked(TOKEN).is_empty());
    let locale = crate::model::Locale::english();
    assert!(switched_off.list(&locale).iter().all(|button| button.id != stage.id));
}

#[tokio::test]
async fn the_answer_must_come_from_the_issuer_it_names() {
    let stage = google().await;
    let foreign = stage.begins().await;
    let params = [("state", foreign.state.as_str()), ("code", "c"), ("iss", "https://evil.example")];
    assert_eq!(reason(stage.returns(CallbackParams::from_pairs(params)).await), Reason::IssuerMismatch);

    let own = stage.begins().await;
    honest(&stage, &own);
    let issuer = stage.upstream.issuer();
    let params = [("state", own.state.as_str()), ("code", "c"), ("iss", issuer.as_str())];
    assert!(stage.returns(CallbackParams::from_pairs(params)).await.is_ok());

    // Also an error is only as good as its sender.
    let stage = Stage::of("google", "require_iss = true").await;
    let away = stage.begins().await;
    let params = [("state", away.state.as_str()), ("error", "access_denied")];
    assert_eq!(reason(stage.returns(CallbackParams::from_pairs(params)).await), Reason::IssuerMismatch);
}

#[tokio::test]
async fn errors_say_who_ended_it() {
    let stage = google().await;
    let outcome = |error: &'static str| {
        let stage = &stage;
        async move {
            let away = stage.begins().await;
            stage.returns(CallbackParams::from_pairs([("state", away.state.as_str()), ("error", error)])).await
        }
    };
    assert!(matches!(outcome("access_denied").await, Err(Failure::Cancelled { txn }) if txn == "txn"));
    assert!(matches!(outcome("ACCESS_DENIED").await, Err(Failure::Cancelled { .. })));
    assert!(matches!(outcome("temporarily_unavailable").await, Err(Failure::Unavailable { txn }) if txn == "txn"));
    assert_eq!(reason(outcome("invalid_scope").await), Reason::ProviderRefused);
    let away = stage.begins().await;
    let without_code = CallbackParams::from_pairs([("state", away.state.as_str())]);
    assert_eq!(reason(stage.returns(without_code).await), Reason::MalformedCallback);
    assert!(stage.upstream.asked(TOKEN).is_empty());
}

#[tokio::test]
async fn what_it_is_for_shapes_the_request() {
    let stage = Stage::of("line", "").await;
    let account: AccountId = Random::new().id(NOW);
    assert_eq!(stage.begins().await.param("prompt"), None);
    let link = stage.begins_as(Intent::Link(account)).await;
    assert_eq!(link.param("disable_auto_login").as_deref(), Some("true"));
    let again = stage.begins_as(Intent::Reauthenticate(account)).await;
    assert_eq!(again.param("prompt").as_deref(), Some("login"));

    // The operator's own parameters hold, but not against what the intent needs.
    let stage = Stage::of("google", "parameters = { prompt = \"consent\", hd = \"ex.co\" }").await;
    let sign_in = stage.begins().await;
    assert_eq!((sign_in.param("prompt").unwrap(), sign_in.param("hd").unwrap()), ("consent".into(), "ex.co".into()));
    let link = stage.begins_as(Intent::Link(account)).await;
    assert_eq!(link.url.query_pairs().filter(|(name, _)| name == "prompt").count(), 1);
    assert_eq!(link.param("prompt").as_deref(), Some("select_account"));
}

#[tokio::test]
async fn only_plain_addresses_are_passed_on_as_hints() {
    let stage = google().await;
    for (hint, passes) in [("mina@example.com", true), ("a&prompt=none@x", false), ("mina", false), ("a@b@c", false)] {
        let begin = Begin {
            txn: "txn".into(),
            browser: BROWSER.into(),
            intent: Intent::SignIn,
            login_hint: Some(hint.to_owned()),
        };
        let away = away(stage.federation.begin(&stage.id, begin).await.unwrap());
        assert_eq!(away.param("login_hint").is_some(), passes, "{hint}");
    }
}
