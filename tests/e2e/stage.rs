//! The demo's whole script in a real browser, in three languages, and with scripts turned off.

use comity::demo::{Addresses, Options, build};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::support::{Chrome, Tab};

/// What the pages say that is looked for word by word.
struct Words {
    language: &'static str,
    /// The membership on the hotel's consent page.
    tier: &'static str,
    /// And on the shop's.
    points: &'static str,
    yes: &'static str,
    kept: &'static str,
}

const KO: Words = Words {
    language: "ko",
    tier: "스카이웨이 클럽 · 골드",
    points: "스카이웨이 클럽 · 18,250 마일",
    yes: "예",
    kept: "30일",
};
const EN: Words = Words {
    language: "en",
    tier: "SkyWay Club · Gold",
    points: "SkyWay Club · 18,250 miles",
    yes: "Yes",
    kept: "30 days",
};
const JA: Words = Words {
    language: "ja",
    tier: "スカイウェイクラブ · ゴールド",
    points: "スカイウェイクラブ · 18,250 マイル",
    yes: "はい",
    kept: "30日間",
};

#[test]
fn the_script_in_korean() {
    play(&KO, true);
}

#[test]
fn the_script_in_english() {
    play(&EN, true);
}

#[test]
fn the_script_in_japanese() {
    play(&JA, true);
}

#[test]
fn the_script_without_scripts() {
    play(&KO, false);
}

fn play(words: &Words, scripts: bool) {
    let Some(chrome) = Chrome::start(words.language) else { return };
    let folder = TempDir::new().unwrap();
    let runtime = Runtime::new().unwrap();
    let options = Options { port: 0, dir: folder.path().to_owned(), reset: false };
    let demo = runtime.block_on(build(options)).unwrap();
    let at = demo.addresses();
    let (stop, stopped) = watch::channel(false);
    let serving = runtime.spawn(demo.serve(stopped));

    let visitor = chrome.tab(scripts);
    visitor.open(&at.stage());
    assert_eq!(done(&visitor), "0");
    signs_in(&visitor, at);
    links(&visitor, &chrome.tab(scripts), at, words);
    visits_the_hotel(&visitor, at, words);
    outlives_an_outage(&visitor, at);
    is_promoted(&visitor, at);
    visitor.open(&at.stage());
    let open = visitor.texts(".step:not([data-done=true])");
    assert_eq!((done(&visitor).as_str(), open), ("5", vec![]));

    drop(chrome);
    stop.send(true).unwrap();
    runtime.block_on(serving).unwrap();
}

fn done(tab: &Tab<'_>) -> String {
    tab.attribute("#progress", "data-done")
}

/// Kakao, then the terms; no password and no form.
fn signs_in(tab: &Tab<'_>, at: Addresses) {
    tab.press("#do-sign-in").press("#connection-kakao").press("#user-mina").press("#allow");
    assert_eq!(tab.url().path(), "/sign-up");
    tab.press("#continue");
    assert!(tab.has("#problem p"), "terms are not agreed to by default");
    tab.click("#accept-terms");
    tab.click("#accept-privacy");
    tab.press("#continue");
    assert_eq!(tab.url().origin().ascii_serialization(), at.origin("shop"));
    assert_eq!(tab.text("#customer-name"), "김민지");
    for (source, claim) in [("id_token", "sub"), ("userinfo", "email"), ("access_token", "scope")] {
        assert!(tab.has(&format!("[data-source={source}][data-claim={claim}]")), "{source}: {claim}");
    }
}

/// The code arrives at the other tab; the shop hears of the membership what is ticked.
fn links(tab: &Tab<'_>, mailbox: &Tab<'_>, at: Addresses, words: &Words) {
    tab.open(&at.stage()).press("#do-connect");
    tab.type_in("#number", "0012345675").press("#continue");
    tab.click("#method-otp");
    tab.press("#continue");
    let code = mailbox.open(&format!("{}/", at.origin("mail"))).text("#newest-code");
    tab.type_in("#code", &code).press("#continue").press("#continue");
    assert_eq!(tab.url().path(), "/consent");
    assert!(tab.texts(".line .value").contains(&words.points.to_owned()), "{:?}", tab.texts(".line .value"));
    agree(tab);
    assert_eq!(tab.attribute("#tier", "data-tier"), "gold");
    assert_eq!(tab.text("#member-number"), "0012345675");
}

/// Two facts for another company, one of them taken back.
fn visits_the_hotel(tab: &Tab<'_>, at: Addresses, words: &Words) {
    let shop = tab.text("[data-source=id_token][data-claim=sub] dd");
    tab.open(&at.stage()).press("#do-hotel");
    let values = tab.texts(".line:has(input) .value");
    assert_eq!(values, [words.yes, words.tier]);
    assert!(tab.texts(".terms dd").contains(&words.kept.to_owned()), "{:?}", tab.texts(".terms dd"));
    agree(tab);
    assert_eq!(tab.attribute("#tier", "data-tier"), "gold");
    assert!(!tab.has("[data-held=true]"));
    assert_ne!(tab.text("#hotel-sub"), shop);

    tab.press("#manage-account");
    let of_age = "button[value^='client=hotel'][value*=age_over]";
    tab.click("details:has(button[value^='client=hotel']) summary");
    tab.press(of_age).press("#confirm");
    assert!(tab.has(".done"));
    assert!(!tab.has(of_age));
}

/// Signing in goes on; the tier is the last one known, and says so.
fn outlives_an_outage(tab: &Tab<'_>, at: Addresses) {
    tab.open(&at.stage()).press("#do-take-down");
    tab.wait_for("#tier[data-tier=gold][data-stale=true]");
    assert!(tab.has("#tier-stale"));
}

/// The badge follows without a new sign-in.
fn is_promoted(tab: &Tab<'_>, at: Addresses) {
    tab.open(&at.stage()).press("#do-promote");
    tab.wait_for("#tier[data-tier=platinum][data-stale=false]");
}

/// To everything there is a box for.
fn agree(tab: &Tab<'_>) {
    assert!(tab.has(".line input") && !tab.has(".line input:checked"), "nothing is agreed to by default");
    while tab.has(".line input:not(:checked)") {
        tab.click(".line input:not(:checked)");
    }
    tab.press("#allow");
}
