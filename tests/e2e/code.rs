//! The six digits in the mail.

use crate::support::mailbox::another_code;
use crate::support::{Browser, Request, World};

stories!(
    the_code_may_be_typed_as_people_type,
    a_code_survives_four_wrong_tries,
    sending_again_voids_the_code_before,
    fifty_guesses_a_day_are_enough_however_many_codes_are_sent("sign_in.codes_per_hour = 100"),
    a_mailbox_gets_so_many_codes_an_hour("sign_in.codes_per_hour = 3"),
    a_code_ends_when_the_mail_says_so("sign_in.code_seconds = 60"),
    a_code_belongs_to_its_transaction,
    of_fifty_right_codes_one_signs_in,
    of_fifty_wrong_codes_five_are_looked_at,
);

async fn the_code_may_be_typed_as_people_type(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let wide =
        |code: &str| code.chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap()).collect::<String>();
    for write in [
        |code: &str| format!(" {} {} ", &code[..3], &code[3..]),
        |code: &str| format!("{}-{}", &code[..3], &code[3..]),
        wide,
    ] {
        let mut browser = world.at_the_code_page("mina@example.com").await;
        let code = write(&world.code_mailed_to("mina@example.com"));
        browser.fill("code", &code).press("continue").await;
        assert!(browser.is_away(), "{code}: {}", browser.problem());
    }
}

async fn a_code_survives_four_wrong_tries(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let code = world.code_mailed_to("mina@example.com");
    for _ in 0..4 {
        browser.fill("code", &another_code(&code)).press("continue").await;
        browser.assert_at("/sign-in/code");
        assert!(!browser.problem().is_empty());
    }
    browser.fill("code", &code).press("continue").await;
    assert!(browser.is_away());
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let code = world.code_mailed_to("mina@example.com");
    for _ in 0..5 {
        if browser.page.has_field("code") {
            browser.fill("code", &another_code(&code)).press("continue").await;
        }
    }
    // The fifth wrong one was the last: the right one comes too late.
    if browser.page.has_field("code") {
        browser.fill("code", &code).press("continue").await;
    }
    assert!(!browser.is_away() && browser.page.has_field("email"), "{}", browser.page.text("main"));
    assert!(!browser.problem().is_empty());
}

async fn sending_again_voids_the_code_before(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let first = world.code_mailed_to("mina@example.com");
    browser.fill("code", &another_code(&first)).press("continue").await;
    browser.press("resend").await;
    browser.assert_at("/sign-in/code");
    let second = world.code_mailed_to("mina@example.com");
    assert_eq!(world.mails_to("mina@example.com"), 2);
    if first != second {
        browser.fill("code", &first).press("continue").await;
        assert!(!browser.is_away(), "the earlier code is void");
    }
    browser.fill("code", &second).press("continue").await;
    assert!(browser.is_away());
}

async fn fifty_guesses_a_day_are_enough_however_many_codes_are_sent(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut known = world.at_the_code_page("mina@example.com").await;
    known.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    for _ in 0..10 {
        let mut mal = world.at_the_code_page("mina@example.com").await;
        for _ in 0..5 {
            let code = world.code_mailed_to("mina@example.com");
            mal.fill("code", &another_code(&code)).press("continue").await;
        }
    }
    // From now on not even the right digits are looked at: all that is left to guess with is the mailed link.
    let mut stranger = world.at_the_code_page("mina@example.com").await;
    stranger.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    assert!(!stranger.is_away());
    let mut stranger = world.at_the_code_page("mina@example.com").await;
    stranger.open(&world.link_mailed_to("mina@example.com")).await;
    stranger.press("confirm").await;
    assert!(stranger.is_away());
    // And her own browser is not kept out.
    known.jar.remove("comity_session");
    known.open(&world.rp("web").authorize().url()).await;
    known.sign_in(&world, "mina@example.com").await;
    assert!(known.is_away());
}

async fn a_mailbox_gets_so_many_codes_an_hour(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    for _ in 0..3 {
        world.at_the_code_page("mina@example.com").await;
    }
    let mut browser = world.browser();
    browser.open(&world.rp("web").authorize().url()).await;
    // However the address is written, it is one mailbox.
    browser.fill("email", "MINA@Example.COM").press("continue").await;
    assert!(!browser.page.has_field("code") && !browser.problem().is_empty());
    assert_eq!(world.mails_to("mina@example.com"), 3);
    world.advance(3600);
    world.at_the_code_page("mina@example.com").await;
}

async fn a_code_ends_when_the_mail_says_so(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let (code, link) = (world.code_mailed_to("mina@example.com"), world.link_mailed_to("mina@example.com"));
    world.advance(61);
    browser.fill("code", &code).press("continue").await;
    assert!(!browser.is_away() && !browser.problem().is_empty());
    browser.open(&link).await;
    assert!(!browser.page.has("#confirm"));
    let mut browser = world.at_the_code_page("mina@example.com").await;
    world.advance(59);
    browser.fill("code", &world.code_mailed_to("mina@example.com")).press("continue").await;
    assert!(browser.is_away());
}

async fn a_code_belongs_to_its_transaction(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    world.person("mal@example.com", "Mal").await;
    let mut mina = world.at_the_code_page("mina@example.com").await;
    let mut mal = world.at_the_code_page("mal@example.com").await;
    let (hers, his) = (world.code_mailed_to("mina@example.com"), world.code_mailed_to("mal@example.com"));
    if hers != his {
        mal.fill("code", &hers).press("continue").await;
        assert!(!mal.is_away());
        mina.fill("code", &his).press("continue").await;
        assert!(!mina.is_away());
    }
    mina.fill("code", &hers).press("continue").await;
    assert!(mina.is_away());
}

async fn of_fifty_right_codes_one_signs_in(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let browser = world.at_the_code_page("mina@example.com").await;
    let code = world.code_mailed_to("mina@example.com");
    let replies = submit_fifty_times(&world, &browser, &code).await;
    let sessions = replies.iter().filter(|(_, cookies)| cookies.contains("comity_session=")).count();
    assert_eq!(sessions, 1);
}

async fn of_fifty_wrong_codes_five_are_looked_at(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.at_the_code_page("mina@example.com").await;
    let code = world.code_mailed_to("mina@example.com");
    submit_fifty_times(&world, &browser, &another_code(&code)).await;
    browser.fill("code", &code).press("continue").await;
    assert!(!browser.is_away(), "counting is one step");
}

async fn submit_fifty_times(world: &World, browser: &Browser, code: &str) -> Vec<(u16, String)> {
    let mut fields = browser.form("continue");
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| code.clone_into(value));
    let cookie = format!("comity_browser={}", browser.cookie("comity_browser").unwrap());
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = Request::post("/sign-in/code").header("cookie", &cookie).form(fields);
    let rp = world.rp("web");
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (rp, request) = (rp.clone(), request.clone());
            tokio::spawn(async move { rp.send(request).await })
        })
        .collect();
    let mut replies = Vec::new();
    for call in calls {
        let reply = call.await.unwrap();
        assert!(reply.status < 500, "{}", reply.text());
        let cookies = reply.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        replies.push((reply.status, cookies.collect::<Vec<_>>().join("\n")));
    }
    replies
}
