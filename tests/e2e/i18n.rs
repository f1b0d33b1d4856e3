//! Pages and mails in the reader's language.

use crate::support::World;

stories!(
    the_browsers_language_is_spoken,
    a_language_asked_for_by_the_client_wins,
    switching_keeps_the_way_and_is_remembered,
    mails_speak_the_language_of_the_page,
    nobody_is_left_without_words,
    an_operator_may_reword_and_add("locales.default = \"ja\""),
);

async fn the_browsers_language_is_spoken(world: World) {
    let texts = world.app().web().texts.clone();
    for (accepted, spoken) in [
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("ja-JP", "ja"),
        ("fr,ja;q=0.5,en;q=0.4", "ja"),
        ("en;q=0.1,ko;q=0.2", "ko"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
    ] {
        let mut browser = world.browser().reading(accepted);
        browser.open(&world.rp("web").authorize().url()).await;
        assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some(spoken), "{accepted}");
        assert_eq!(browser.page.text("h1"), texts.get(&spoken.parse().unwrap(), "sign_in.title"));
    }
}

async fn a_language_asked_for_by_the_client_wins(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser().reading("en");
    browser.open(&world.rp("web").authorize().with("ui_locales", "xx ko-KR en").url()).await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
    // On all the pages that follow.
    browser.ask_for_code("mina@example.com").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
}

async fn switching_keeps_the_way_and_is_remembered(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    browser.open(&rp.authorize().url()).await;
    browser.press("language-ja").await;
    browser.assert_at("/sign-in");
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ja"));
    browser.ask_for_code("mina@example.com").await;
    browser.press("language-ko").await;
    browser.assert_at("/sign-in/code");
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
    browser.fill("code", "000").press("continue").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
    // After a mistake the switcher still leads to the page, not to what was posted.
    browser.press("language-en").await;
    browser.assert_at("/sign-in/code");
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    rp.code(&browser);
    browser.open("/account").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("en"));
    browser.open("/account?ui_locales=ja").await;
    browser.open("/account").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ja"));
}

async fn mails_speak_the_language_of_the_page(world: World) {
    let mut subjects = Vec::new();
    for language in ["ko", "ja", "en"] {
        let mut browser = world.browser().reading(language);
        browser.open(&world.rp("web").authorize().url()).await;
        browser.ask_for_code("nari@example.com").await;
        let mail = world.mail_to("nari@example.com");
        assert_eq!(mail.locale.as_str(), language);
        assert!(mail.html.contains(&format!("lang=\"{language}\"")));
        subjects.push(mail.subject);
    }
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 3);
}

async fn nobody_is_left_without_words(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for language in ["ko", "ja", "en"] {
        let mut guest = browser.clone().reading(language);
        for path in ["/account", "/account/profile", "/account/password", "/documents/terms", "/logout", "/nowhere"] {
            guest.open(&format!("{path}?ui_locales={language}")).await;
            let shown = guest.page.text("body");
            // A text that is missing shows as its key, one that is not filled as its placeholder.
            assert!(!shown.split(' ').any(is_key), "{path} in {language}: {shown}");
            assert!(!shown.contains('{') && !shown.contains('}'), "{path} in {language}: {shown}");
        }
    }
    browser.open("/account").await;
    browser.assert_at("/account");
}

async fn an_operator_may_reword_and_add(mut world: World) {
    let folder = world.directory().join("locales");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ko.toml"), "[sign_in]\ntitle = \"어서 오세요\"\n").unwrap();
    let mut browser = world.browser().reading("fr");
    browser.open(&world.rp("web").authorize().url()).await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ja"));
    world.restart_with(&format!("[locales]\ndirectory = \"{}\"\n", folder.display())).await;
    let mut browser = world.browser().reading("ko");
    browser.open(&world.rp("web").authorize().url()).await;
    assert_eq!(browser.page.text("h1"), "어서 오세요");
}

fn is_key(word: &str) -> bool {
    let word = word.trim_matches(|character: char| !character.is_alphanumeric());
    let plain = |character: char| character.is_ascii_lowercase() || "._".contains(character);
    word.contains('_') && word.contains('.') && word.chars().all(plain)
}
