//! Coming back from a provider: who may finish a login, how often, and in which ways it ends without one.

use comity::demo::simulators::Provider;

use crate::support::Stage;

stage_stories!(
    cancelling_leads_back_to_the_choice,
    somebody_cancels_at_sign_up_and_the_client_hears_of_it,
    another_browser_cannot_finish_a_login,
    an_answer_counts_once,
    a_made_up_state_leads_nowhere,
    an_answer_counts_at_its_own_connection_only,
    an_answer_of_another_issuer_is_refused,
    an_answer_is_good_for_ten_minutes,
    a_form_post_of_a_stranger_is_not_kept,
    a_connection_switched_off_meanwhile_finishes_nothing,
    a_suspended_account_is_not_entered,
    two_browsers_sign_up_by_one_login,
);

async fn cancelling_leads_back_to_the_choice(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    for provider in Provider::ALL {
        browser.press(&format!("connection-{provider}")).await;
        browser.press("cancel").await;
        if browser.is_at_provider() {
            browser.press("continue").await;
        }
        stage.assert_sent_back(&browser, "connection_cancelled");
        assert!(browser.cookie("comity_session").is_none());
    }
    // On the consent page of a provider, too.
    browser.press("connection-google").await;
    browser.press("user-mina").await;
    browser.press("cancel").await;
    stage.assert_sent_back(&browser, "connection_cancelled");
    // And the same request goes on by another way.
    browser.sign_in_at(Provider::Kakao, "mina").await;
    browser.sign_up().await;
    rp.code(&browser);
}

async fn somebody_cancels_at_sign_up_and_the_client_hears_of_it(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.press("cancel").await;
    rp.assert_refused(&browser, "access_denied");
    assert_eq!(stage.events().await.len(), 0);
}

async fn another_browser_cannot_finish_a_login(stage: Stage) {
    let (_, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    let mut other = stage.browser();
    other.open("/account").await;
    other.open(callback.as_str()).await;
    other.assert_error(400);
    assert!(other.cookie("comity_session").is_none());
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
    // Nor one that never saw us.
    let (_, mut browser) = stage.begin().await;
    stage.simulators.sign_out(Provider::Google);
    let callback = browser.almost_back(Provider::Google, "lea").await;
    stage.browser().open(callback.as_str()).await;
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
    assert_eq!(stage.events().await.len(), 0);
}

async fn an_answer_counts_once(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    browser.open(callback.as_str()).await;
    browser.assert_at("/sign-up");
    let mut again = browser.clone();
    again.open(callback.as_str()).await;
    again.assert_error(400);
    assert_eq!(stage.asked(Provider::Google, "/token"), 1);
    // Which takes nothing away from the first.
    browser.sign_up().await;
    rp.code(&browser);
    // Of fifty at once, one is heard.
    let (_, mut browser) = stage.begin().await;
    stage.simulators.sign_out(Provider::Google);
    let callback = browser.almost_back(Provider::Google, "lea").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (mut browser, callback) = (browser.clone(), callback.clone());
        tasks.spawn(async move {
            browser.open(callback.as_str()).await;
            browser.is_at("/sign-up")
        });
    }
    assert_eq!(tasks.join_all().await.iter().filter(|heard| **heard).count(), 1);
    assert_eq!(stage.asked(Provider::Google, "/token"), 2);
}

async fn a_made_up_state_leads_nowhere(stage: Stage) {
    let (_, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    for query in [
        format!("code={code}&state=made-up"),
        format!("code={code}"),
        format!("code={code}&state="),
        "error=access_denied&state=made-up".to_owned(),
        String::new(),
    ] {
        browser.open(&format!("/federation/google/callback?{query}")).await;
        browser.assert_error(400);
    }
    browser.open(&format!("/federation/nobody/callback?code={code}&state=x")).await;
    browser.assert_error(400);
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
    // The login under way is as good as before.
    browser.open(callback.as_str()).await;
    browser.assert_at("/sign-up");
}

async fn an_answer_counts_at_its_own_connection_only(stage: Stage) {
    for (from, to) in [(Provider::Google, "kakao"), (Provider::Kakao, "google"), (Provider::Naver, "facebook")] {
        let (_, mut browser) = stage.begin().await;
        let mut callback = browser.almost_back(from, "mina").await;
        callback.set_path(&format!("/federation/{to}/callback"));
        browser.open(callback.as_str()).await;
        stage.assert_sent_back(&browser, "connection_refused");
    }
    for provider in Provider::ALL {
        let tokens = stage.simulators.log(provider).into_iter().filter(|entry| entry.path.contains("token"));
        assert_eq!(tokens.count(), 0, "{provider} got a code of another");
    }
}

async fn an_answer_of_another_issuer_is_refused(stage: Stage) {
    let (_, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    browser.open(&format!("{callback}&iss=https%3A%2F%2Frogue.example")).await;
    stage.assert_sent_back(&browser, "connection_refused");
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
    stage.simulators.sign_out(Provider::Google);
    let callback = browser.almost_back(Provider::Google, "lea").await;
    let iss = url::form_urlencoded::byte_serialize(stage.origin("google").as_bytes()).collect::<String>();
    browser.open(&format!("{callback}&iss={iss}")).await;
    browser.assert_at("/sign-up");
}

async fn an_answer_is_good_for_ten_minutes(stage: Stage) {
    let (_, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    stage.advance(601);
    browser.open(callback.as_str()).await;
    browser.assert_error(400);
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
}

async fn a_form_post_of_a_stranger_is_not_kept(stage: Stage) {
    let mut browser = stage.browser();
    let apple = stage.origin("apple");
    let fields = [("state", "made-up"), ("code", "c"), ("user", "{}")];
    browser.post_from(&apple, "/federation/apple/callback", &fields).await;
    browser.assert_error(400);
    // Google answers by redirect: a form is no answer of its.
    let (_, mut browser) = stage.begin().await;
    let callback = browser.almost_back(Provider::Google, "mina").await;
    let fields: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post_from(&stage.origin("google"), "/federation/google/callback", &fields).await;
    browser.assert_error(400);
    assert_eq!(stage.asked(Provider::Google, "/token"), 0);
}

async fn a_connection_switched_off_meanwhile_finishes_nothing(mut stage: Stage) {
    let rp = stage.rp("web");
    rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    let (_, mut browser) = stage.begin().await;
    stage.simulators.sign_out(Provider::Google);
    let callback = browser.almost_back(Provider::Google, "lea").await;
    let asked = stage.asked(Provider::Google, "/token");
    stage.change_settings("id = \"google\"", "id = \"google\"\nenabled = false").await;
    browser.open(callback.as_str()).await;
    assert!(browser.cookie("comity_session").is_none());
    assert_eq!(stage.asked(Provider::Google, "/token"), asked);
    assert!(stage.identity(Provider::Google, "lea").await.is_none());
    // It is not offered any more, and a forged button begins nothing.
    browser.open(&rp.authorize().url()).await;
    assert!(!browser.page.has("#connection-google"));
    browser.forge("connection", "google").press("connection-kakao").await;
    assert!(!browser.page.url.as_str().contains("google"), "{}", browser.page.url);
}

async fn a_suspended_account_is_not_entered(stage: Stage) {
    let rp = stage.rp("web");
    rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    stage.suspend(stage.account_of(Provider::Google, "mina").await).await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    assert!(!browser.is_away());
    assert!(browser.cookie("comity_session").is_none());
    assert_eq!(stage.happened("account.created").await, 1);
}

async fn two_browsers_sign_up_by_one_login(stage: Stage) {
    let (rp, mut first) = stage.begin().await;
    first.sign_in_at(Provider::Google, "mina").await;
    let (_, mut second) = stage.begin().await;
    second.sign_in_at(Provider::Google, "mina").await;
    first.sign_up().await;
    assert!(first.is_away());
    second.sign_up().await;
    second.assert_at("/sign-in");
    // Which is where the login now opens the account there is.
    second.press("connection-google").await;
    second.pass("mina").await;
    assert!(second.is_away());
    assert_eq!(stage.happened("account.created").await, 1);
    // The same at one moment.
    let mut browsers = Vec::new();
    for _ in 0..10 {
        let (_, mut browser) = stage.begin().await;
        browser.sign_in_at(Provider::Kakao, "mina").await;
        browsers.push(browser);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for mut browser in browsers {
        tasks.spawn(async move {
            browser.sign_up().await;
            assert!(browser.is_away() || browser.is_at("/sign-in"), "{}", browser.page.text("main"));
            browser.is_away()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|made| *made).count(), 1);
    assert_eq!(stage.happened("account.created").await, 2);
    rp.sign_in_at(&mut stage.browser(), Provider::Kakao, "mina").await;
}
