//! Providers that lie, break, dawdle or flood: the login is not believed, the person is told in their language, and
//! the same request goes on by another way.

use std::time::{Duration, Instant};

use comity::demo::simulators::{Endpoint, Provider, Quirk};

use crate::support::{Browser, Rp, Stage, logs};

stage_stories!(
    lies_in_id_tokens_are_not_believed,
    lies_in_symmetric_id_tokens_are_not_believed,
    a_bare_issuer_is_googles_own_habit,
    rotated_keys_are_found,
    spent_and_expired_codes_are_refused,
    a_success_that_is_an_error_is_an_error,
    a_broken_provider_is_unavailable,
    ten_megabytes_are_not_read,
    a_slow_provider_keeps_nobody_waiting(r#"outbound.total_timeout_ms = 400"#),
    an_outage_of_keys_outlasts_a_copy,
    booleans_as_text_are_no_proof_of_more_than_they_say,
    messages_are_in_the_readers_language,
    every_failure_leaves_a_line_and_no_secret(
        r#"
        [[connections]]
        id = "google-2"
        preset = "google"
        origin = "http://google.localhost:PORT"
        client_id = "travel.apps.example"
        client_secret = "google-secret-of-the-tests"
        "#
    ),
);

/// Those who answer with an ID token that is signed with a published key.
const BY_KEY: [Provider; 3] = [Provider::Google, Provider::Apple, Provider::Kakao];

#[track_caller]
fn assert_problem(stage: &Stage, browser: &Browser, problem: &str, what: &str) {
    let shown = format!("{} {}: {}", browser.page.status, browser.page.url, browser.page.text("main"));
    assert!(browser.is_at("/sign-in"), "{what}: {shown}");
    assert_eq!(browser.problem(), stage.say("en", &format!("problem.{problem}")), "{what}");
    assert!(browser.cookie("comity_session").is_none(), "{what}");
}

/// The request under way goes on: another provider signs in another person.
async fn goes_on(stage: &Stage, rp: &Rp, browser: &mut Browser, not_at: Provider) {
    let (other, person) = if not_at == Provider::Line { (Provider::Naver, "mina") } else { (Provider::Line, "ken") };
    browser.sign_in_at(other, person).await;
    browser.settle_as_new().await;
    let code = rp.code(browser);
    rp.redeem(&code).await;
    assert!(stage.identity(other, person).await.is_some());
    assert!(stage.identity(not_at, "mina").await.is_none(), "{not_at}");
}

async fn lies_in_id_tokens_are_not_believed(stage: Stage) {
    let lies = [
        Quirk::WrongIssuer,
        Quirk::WrongAudience,
        Quirk::WrongNonce,
        Quirk::MissingNonce,
        Quirk::AlgNone,
        Quirk::HsConfusion,
        Quirk::UnpublishedKey,
        Quirk::ExpiredIdToken,
    ];
    for provider in BY_KEY {
        for lie in &lies {
            stage.simulators.clear(provider);
            stage.simulators.sign_out(provider);
            stage.simulators.set(provider, lie.clone());
            let (rp, mut browser) = stage.begin().await;
            browser.sign_in_at(provider, "mina").await;
            assert_problem(&stage, &browser, "connection_refused", &format!("{provider} {lie:?}"));
            goes_on(&stage, &rp, &mut browser, provider).await;
        }
        assert!(stage.identity(provider, "mina").await.is_none());
    }
    // An honest word is believed afterwards.
    stage.simulators.reset();
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.settle_as_new().await;
    rp.code(&browser);
}

async fn lies_in_symmetric_id_tokens_are_not_believed(stage: Stage) {
    for lie in [
        Quirk::WrongIssuer,
        Quirk::WrongAudience,
        Quirk::WrongNonce,
        Quirk::MissingNonce,
        Quirk::AlgNone,
        Quirk::HsConfusion,
        Quirk::UnpublishedKey,
        Quirk::ExpiredIdToken,
    ] {
        stage.simulators.clear(Provider::Line);
        stage.simulators.sign_out(Provider::Line);
        stage.simulators.set(Provider::Line, lie.clone());
        let (rp, mut browser) = stage.begin().await;
        browser.sign_in_at(Provider::Line, "mina").await;
        assert_problem(&stage, &browser, "connection_refused", &format!("{lie:?}"));
        goes_on(&stage, &rp, &mut browser, Provider::Line).await;
    }
}

async fn a_bare_issuer_is_googles_own_habit(stage: Stage) {
    let rp = stage.rp("web");
    let first = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    stage.simulators.set(Provider::Google, Quirk::BareIssuer);
    let second = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    assert_eq!(first.sub(), second.sub());
    stage.simulators.set(Provider::Kakao, Quirk::BareIssuer);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Kakao, "mina").await;
    assert_problem(&stage, &browser, "connection_refused", "kakao");
}

async fn rotated_keys_are_found(stage: Stage) {
    let rp = stage.rp("web");
    for provider in BY_KEY {
        let first = rp.sign_in_at(&mut stage.browser(), provider, "mina").await;
        stage.advance(120);
        stage.simulators.set(provider, Quirk::RotatedKey);
        let second = rp.sign_in_at(&mut stage.browser(), provider, "mina").await;
        assert_eq!(first.sub(), second.sub(), "{provider}");
    }
    // Keys nobody published make us ask once a minute, not once a login.
    stage.simulators.set(Provider::Google, Quirk::UnpublishedKey);
    stage.advance(120);
    let before = stage.asked(Provider::Google, "/oauth2/v3/certs");
    for _ in 0..5 {
        let (_, mut browser) = stage.begin().await;
        browser.sign_in_at(Provider::Google, "mina").await;
        assert_problem(&stage, &browser, "connection_refused", "unpublished");
    }
    assert_eq!(stage.asked(Provider::Google, "/oauth2/v3/certs"), before + 1);
}

async fn spent_and_expired_codes_are_refused(stage: Stage) {
    for provider in Provider::ALL {
        for quirk in [Quirk::ExpiredCode, Quirk::ReusedCode] {
            stage.simulators.clear(provider);
            stage.simulators.sign_out(provider);
            stage.simulators.set(provider, quirk.clone());
            let (_, mut browser) = stage.begin().await;
            browser.sign_in_at(provider, "mina").await;
            assert_problem(&stage, &browser, "connection_refused", &format!("{provider} {quirk:?}"));
        }
    }
    assert_eq!(stage.events().await.len(), 0);
}

async fn a_success_that_is_an_error_is_an_error(stage: Stage) {
    // Naver refuses codes with status 200.
    stage.simulators.set(Provider::Naver, Quirk::ReusedCode);
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Naver, "mina").await;
    assert_problem(&stage, &browser, "connection_refused", "naver");
    let answer = stage.simulators.log(Provider::Naver).into_iter().find(|entry| entry.path == "/oauth2.0/token");
    assert_eq!(answer.unwrap().status, Some(200));
    goes_on(&stage, &rp, &mut browser, Provider::Naver).await;
}

/// The endpoints each provider's logins need, beside the page people see.
const NEEDED: [(Provider, &[Endpoint]); 6] = [
    (Provider::Google, &[Endpoint::Token, Endpoint::Jwks]),
    (Provider::Apple, &[Endpoint::Token, Endpoint::Jwks]),
    (Provider::Kakao, &[Endpoint::Token, Endpoint::Jwks, Endpoint::UserInfo]),
    (Provider::Naver, &[Endpoint::Token, Endpoint::UserInfo]),
    (Provider::Line, &[Endpoint::Token]),
    (Provider::Facebook, &[Endpoint::Token, Endpoint::UserInfo]),
];

async fn a_broken_provider_is_unavailable(stage: Stage) {
    for (provider, endpoints) in NEEDED {
        for endpoint in endpoints {
            for status in [500, 503, 429] {
                stage.simulators.clear(provider);
                stage.simulators.sign_out(provider);
                stage.simulators.set(provider, Quirk::Fail { endpoint: *endpoint, status });
                // A failure answers for the next logins of five seconds.
                stage.advance(10);
                let (rp, mut browser) = stage.begin().await;
                browser.sign_in_at(provider, "mina").await;
                let what = format!("{provider} {endpoint:?} {status}");
                assert_problem(&stage, &browser, "connection_unavailable", &what);
                if status == 503 {
                    goes_on(&stage, &rp, &mut browser, provider).await;
                }
            }
        }
        stage.simulators.clear(provider);
    }
}

async fn ten_megabytes_are_not_read(stage: Stage) {
    for (provider, endpoints) in NEEDED {
        for endpoint in endpoints {
            stage.simulators.clear(provider);
            stage.simulators.sign_out(provider);
            stage.simulators.set(provider, Quirk::Huge { endpoint: *endpoint });
            stage.advance(10);
            let (_, mut browser) = stage.begin().await;
            let began = Instant::now();
            browser.sign_in_at(provider, "mina").await;
            assert!(began.elapsed() < Duration::from_secs(10));
            let problem = if *endpoint == Endpoint::Jwks { "connection_unavailable" } else { "connection_refused" };
            assert_problem(&stage, &browser, problem, &format!("{provider} {endpoint:?}"));
        }
        assert!(stage.identity(provider, "mina").await.is_none());
    }
}

async fn a_slow_provider_keeps_nobody_waiting(stage: Stage) {
    stage.person("ken@example.jp", "Ken").await;
    for (provider, endpoints) in NEEDED {
        for endpoint in endpoints {
            stage.simulators.clear(provider);
            stage.simulators.sign_out(provider);
            stage.simulators.set(provider, Quirk::Slow { endpoint: *endpoint, milliseconds: 20_000 });
            stage.advance(10);
            let (_, mut browser) = stage.begin().await;
            let began = Instant::now();
            browser.sign_in_at(provider, "mina").await;
            assert!(began.elapsed() < Duration::from_secs(10), "{provider} {endpoint:?}: {:?}", began.elapsed());
            assert_problem(&stage, &browser, "connection_unavailable", &format!("{provider} {endpoint:?}"));
        }
        stage.simulators.clear(provider);
    }
    // While thirty wait there, others come in here.
    stage.simulators.set(Provider::Google, Quirk::Slow { endpoint: Endpoint::Token, milliseconds: 20_000 });
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..30 {
        stage.simulators.sign_out(Provider::Google);
        let (_, mut browser) = stage.begin().await;
        let callback = browser.almost_back(Provider::Google, "lea").await;
        waiting.spawn(async move {
            browser.open(callback.as_str()).await;
        });
    }
    let rp = stage.rp("web");
    rp.sign_in(&mut stage.browser(), &stage, "ken@example.jp").await;
    waiting.join_all().await;
}

async fn an_outage_of_keys_outlasts_a_copy(stage: Stage) {
    let rp = stage.rp("web");
    let first = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    stage.simulators.set(Provider::Google, Quirk::Fail { endpoint: Endpoint::Jwks, status: 503 });
    stage.advance(3 * 3600);
    let second = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    assert_eq!(first.sub(), second.sub());
    stage.advance(25 * 3600);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    assert_problem(&stage, &browser, "connection_unavailable", "google");
}

async fn booleans_as_text_are_no_proof_of_more_than_they_say(stage: Stage) {
    let rp = stage.rp("web");
    for provider in [Provider::Google, Provider::Kakao] {
        stage.simulators.set(provider, Quirk::StringBooleans);
    }
    let tokens = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    assert_eq!(rp.claims(&tokens).await["email_verified"], true);
    stage.simulators.set(Provider::Kakao, Quirk::UnverifiedEmail);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Kakao, "mina").await;
    browser.assert_at("/sign-in/account");
    stage.simulators.set(Provider::Apple, Quirk::PlainBooleans);
    let (_, mut browser) = stage.begin().await;
    browser.press("connection-apple").await;
    browser.press("user-lea").await;
    browser.tick("share-email").press("allow").await;
    browser.pass("lea").await;
    browser.assert_at("/sign-up");
    stage.simulators.set(Provider::Apple, Quirk::UnverifiedEmail);
    stage.simulators.sign_out(Provider::Apple);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Apple, "lea").await;
    browser.assert_at("/sign-in/account");
}

async fn messages_are_in_the_readers_language(stage: Stage) {
    let broken = Quirk::Fail { endpoint: Endpoint::Token, status: 503 };
    for (quirk, key) in [
        (Quirk::Cancel, "problem.connection_cancelled"),
        (Quirk::WrongNonce, "problem.connection_refused"),
        (broken, "problem.connection_unavailable"),
    ] {
        stage.simulators.reset();
        stage.simulators.set(Provider::Kakao, quirk);
        for language in ["ko", "en", "ja"] {
            stage.simulators.sign_out(Provider::Kakao);
            let (rp, mut browser) = (stage.rp("web"), stage.browser().reading(language));
            browser.open(&rp.authorize().url()).await;
            browser.sign_in_at(Provider::Kakao, "mina").await;
            assert_eq!(browser.problem(), stage.say(language, key));
            assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some(language));
        }
    }
    assert_ne!(stage.say("ko", "problem.connection_refused"), stage.say("ja", "problem.connection_refused"));
}

async fn every_failure_leaves_a_line_and_no_secret(stage: Stage) {
    stage.simulators.set(Provider::Google, Quirk::WrongAudience);
    let (_, mut browser) = stage.begin().await;
    browser.press("connection-google-2").await;
    browser.press("user-mina").await;
    let callback = browser.way_back("allow").await.unwrap();
    browser.open(callback.as_str()).await;
    assert_problem(&stage, &browser, "connection_refused", "google");
    let lines = logs::lines_with(&["WARN", "google-2"]);
    assert!(!lines.is_empty());
    assert!(lines.iter().any(|line| line.contains("aud")), "{lines:#?}");
    for (name, value) in callback.query_pairs() {
        if matches!(name.as_ref(), "code" | "state") {
            assert!(logs::lines_with(&[value.as_ref()]).is_empty(), "{name} is in the log");
        }
    }
    for secret in ["google-secret-of-the-tests", "ya29.", "eyJhbGci", "eyJ0eXAi", "eyJraWQi"] {
        let lines = logs::lines_with(&[secret]);
        assert!(lines.is_empty(), "{lines:#?}");
    }
}
