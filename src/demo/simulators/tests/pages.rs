use axum::http::StatusCode;

use super::support::{SECRET, Stage};
use crate::demo::simulators::{Person, Provider, Quirk};

#[tokio::test]
async fn every_provider_signs_in_once_with_consent_and_then_with_one_tap() {
    for provider in Provider::ALL {
        let mut stage = Stage::new(provider);
        let callback = stage.sign_in("mina").await.callback();
        assert_eq!(callback["state"], "a state", "{provider}");
        let url = stage.authorize_url(&[]);
        let page = stage.open(&url).await;
        assert!(page.has("#continue") && page.has("#switch") && page.has("#cancel"), "{provider}");
        assert!(stage.press(&page, "#continue").await.callback().contains_key("code"), "{provider}");
        let page = stage.press(&page, "#switch").await;
        assert!(page.has("#user-mina"), "{provider}");
    }
}

#[tokio::test]
async fn every_code_needs_its_application_callback_and_verifier() {
    for provider in Provider::ALL {
        let mut stage = Stage::new(provider);
        let mut bad =
            vec![("redirect_uri", "https://other.example/"), ("client_id", "another"), ("client_secret", SECRET)];
        if !matches!(provider, Provider::Naver | Provider::Apple) {
            bad.push(("code_verifier", "a-wrong-verifier-of-forty-three-characters-"));
            bad.push(("code_verifier", ""));
        }
        if provider != Provider::Apple {
            bad.retain(|(name, _)| *name != "client_secret");
        }
        stage.sign_in("mina").await;
        for parameter in bad {
            let url = stage.authorize_url(&[]);
            let page = stage.open(&url).await;
            let code = stage.press(&page, "#continue").await.code();
            let answer = stage.redeem(&code, &[parameter]).await;
            assert!(answer.json().get("access_token").is_none(), "{provider} {parameter:?}");
            assert!(answer.json().get("error").is_some(), "{provider} {parameter:?}");
        }
    }
}

#[tokio::test]
async fn pages_speak_the_browsers_language_or_the_applications() {
    let mut stage = Stage::new(Provider::Line);
    let url = stage.authorize_url(&[]);
    stage.language = "fr, ko;q=0.8, en;q=0.5";
    let page = stage.open(&url).await;
    assert!(page.has("html[lang=ko]") && page.body.contains("시뮬레이터"));
    let url = stage.authorize_url(&[("ui_locales", "fr ja en")]);
    let page = stage.open(&url).await;
    assert!(page.has("html[lang=ja]") && page.has(".badge"));
    assert!(page.has("meta[name=viewport]") && !page.has("script"));
}

#[tokio::test]
async fn nobody_is_sent_to_an_unregistered_callback() {
    for provider in Provider::ALL {
        let mut stage = Stage::new(provider);
        for bad in
            [("redirect_uri", "https://op.example/callback/evil"), ("client_id", "nobody"), ("response_type", "token")]
        {
            let url = stage.authorize_url(&[bad]);
            let page = stage.open(&url).await;
            assert!(page.status.is_client_error() && page.has("#error"), "{provider} {bad:?}");
        }
    }
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let mut stage = Stage::new(Provider::Apple);
    let url = stage.authorize_url(&[("state", "\"><script>alert(1)</script>")]);
    let page = stage.open(&url).await;
    assert!(!page.has("script"));
    let page = stage.press(&page, "#user-mina").await;
    let answer = stage.press(&page, "#allow").await;
    assert_eq!(answer.callback()["state"], "\"><script>alert(1)</script>");
    assert!(!answer.body.contains("<script>alert"));
}

#[tokio::test]
async fn prompts_are_heeded() {
    let mut stage = Stage::new(Provider::Kakao);
    let silent = stage.authorize_url(&[("prompt", "none")]);
    assert_eq!(stage.open(&silent).await.callback()["error"], "login_required");
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    stage.press(&page, "#user-mina").await;
    assert_eq!(stage.open(&silent).await.callback()["error"], "consent_required");
    let page = stage.open(&url).await;
    stage.press(&page, "#allow").await;
    assert!(stage.open(&silent).await.callback().contains_key("code"));
    let url = stage.authorize_url(&[("prompt", "login")]);
    let page = stage.open(&url).await;
    assert!(stage.press(&page, "#user-mina").await.callback().contains_key("code"), "no second consent");
}

#[tokio::test]
async fn a_quirk_cancels_or_skips_the_page() {
    let mut stage = Stage::new(Provider::Kakao);
    stage.set(Quirk::Silent);
    stage.sign_in("mina").await;
    let url = stage.authorize_url(&[]);
    assert_eq!(stage.open(&url).await.status, StatusCode::SEE_OTHER);
    stage.set(Quirk::Cancel);
    let callback = stage.open(&url).await.callback();
    assert_eq!((callback["error"].as_str(), callback["state"].as_str()), ("access_denied", "a state"));
    assert_eq!(callback["error_description"], "User denied access");
}

#[tokio::test]
async fn the_session_can_be_ended_at_home() {
    let mut stage = Stage::new(Provider::Naver);
    stage.sign_in("mina").await;
    let page = stage.open("/").await;
    stage.press(&page, "#sign-out").await;
    assert!(!stage.open("/").await.has("#sign-out"));
    let url = stage.authorize_url(&[]);
    assert!(stage.open(&url).await.has("#user-mina"));
}

#[tokio::test]
async fn people_can_be_replaced_and_are_known_by_other_numbers_elsewhere() {
    let mut stage = Stage::new(Provider::Google);
    stage.sign_in("mina").await;
    let bora = Person { id: "bora".to_owned(), subject: "42".to_owned(), name: "Bora".to_owned(), ..Person::default() };
    stage.simulators.set_people(Provider::Google, vec![bora]);
    let url = stage.authorize_url(&[]);
    let page = stage.open(&url).await;
    assert!(page.has("#user-bora") && !page.has("#user-mina"));
    stage.simulators.reset();
    assert_eq!(stage.simulators.people(Provider::Google).len(), 3);
    let [first, second] = [0, 1].map(|nth| Person::known_to(Provider::Kakao)[0].subject_for(Provider::Kakao, nth));
    assert!(first != second && second.parse::<i64>().is_ok());
}
