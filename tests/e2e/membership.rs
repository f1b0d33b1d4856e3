//! Connecting a member number, what relying parties learn of it, and what happens while the loyalty host is away.

use std::sync::Arc;

use comity::demo::loyalty_host::{KEN, LEA, MINA};

use comity::demo::simulators::Provider;

use serde_json::json;

use crate::support::{Browser, CEREMONY, FARES, Stage, logs, membership};

const EMAIL: &str = "mina@home.example";

/// Answers of nobody: if they turn up anywhere, they were kept.
const CANARY_PIN: &str = "pincanary7f3kq";

const CANARY_NAME: &str = "Canarysurname9x2";

stage_stories!(
    a_number_is_connected_by_a_code_the_host_sends,
    numbers_are_read_as_people_type_them,
    mistyped_numbers_never_reach_the_host,
    unknown_numbers_and_wrong_answers_look_alike,
    a_number_is_shut_after_too_many_tries,
    an_account_tries_five_times_a_day("membership.number_per_hour = 100"),
    an_answer_that_cannot_be_right_costs_nothing,
    knowledge_is_a_low_proof,
    a_better_proof_replaces_a_lower_one,
    answers_are_kept_nowhere,
    a_number_of_another_account_is_refused_without_a_word,
    a_link_is_finished_where_it_was_begun,
    fifty_prove_one_number_at_once("membership.number_per_hour = 1000\nmembership.ip_per_hour = 10000"),
    fifty_answers_to_one_challenge_link_once("membership.number_per_hour = 1000\nmembership.ip_per_hour = 10000"),
    disconnecting_takes_three_taps_and_a_fresh_proof,
    a_member_books_by_two_taps,
    a_member_keeps_the_same_subject,
    a_relying_party_sends_somebody_to_connect_and_gets_them_back,
);

/// A person signed in on the account page.
async fn mina_signed_in(stage: &Stage) -> Browser {
    stage.person(EMAIL, "김민지").await;
    stage.on_account_page(EMAIL).await
}

/// What a page says, without what differs from one challenge to the next.
fn words(browser: &Browser) -> (u16, String) {
    let text = browser.page.text("main");
    (browser.page.status, text.chars().map(|c| if c.is_ascii_digit() || c == '•' { '#' } else { c }).collect())
}

async fn a_number_is_connected_by_a_code_the_host_sends(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.press("link-programme-skyway").await;
    browser.assert_at(CEREMONY);
    browser.fill("number", MINA).press("continue").await;
    let masked = browser.page.text("strong");
    assert!(masked.ends_with("75") && !masked.contains("0012345"), "{masked}");
    browser.tick("method-otp").press("continue").await;
    // A hint of where the code went, as the host masks it; never the number of the telephone.
    assert!(browser.page.text("main").contains("•••12"));
    assert!(!browser.page.html.contains("5555"));
    browser.prove_by_code(&stage, &stage.mina()).await;
    let told = browser.page.text("main");
    assert!(told.contains("Gold") && told.contains("Travel Shop"), "{told}");
    browser.press("continue").await;
    browser.assert_at("/account");
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.member_linked"));
    assert!(browser.page.text(".badge").contains(&stage.say("en", "stage.member")));
    // Both contacts hear of it: the one here and, once the background ran, the one at the host.
    assert!(stage.mail_to(EMAIL).text.contains("SkyWay Club"));
    assert!(!stage.mail_to(EMAIL).text.contains(MINA));
    stage.send_notices().await;
    assert_eq!(stage.host.links().len(), 1);
    assert_eq!(stage.texts_to(&stage.mina().phone).len(), 2);
    for kind in ["membership.linked", "account.stage_changed"] {
        assert_eq!(stage.happened(kind).await, 1, "{kind}");
    }
    let (_, claims) = stage.fares(&mut browser).await;
    let membership = membership(&claims);
    assert_eq!(membership["programme"], "skyway");
    assert_eq!(membership["tier"], "gold");
    assert_eq!(membership["number"], MINA);
    assert_eq!(membership["balances"][0]["amount"], 18_250);
    assert_eq!(membership["proof"]["level"], "substantial");
    assert_eq!(membership["stale"], false);
}

async fn numbers_are_read_as_people_type_them(stage: Stage) {
    for (at, typed) in ["００１２３４５６７５", " 0012-345 675 ", "0012 3456 75"].into_iter().enumerate() {
        let email = format!("mina{at}@home.example");
        stage.person(&email, "Mina").await;
        let mut browser = stage.on_account_page(&email).await;
        browser.begin_link(typed, "pin").await;
        assert!(browser.page.has_field("pin"), "{typed}: {}", browser.page.text("main"));
    }
}

async fn mistyped_numbers_never_reach_the_host(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    for typed in ["0012345674", "0012345657", "012345675", "00123456755", "12345675", "", "abcdefghij", "0012345675'--"]
    {
        browser.open(CEREMONY).await;
        browser.fill("number", typed).press("continue").await;
        assert_eq!(browser.problem(), stage.say("en", "problem.number_invalid"), "{typed}");
        assert_eq!(browser.page.attribute("#number", "value").as_deref(), Some(typed));
    }
    assert!(stage.host.requests().is_empty(), "{:?}", stage.host.requests());
    // And they cost no try.
    browser.begin_link(MINA, "pin").await;
    assert!(browser.page.has_field("pin"));
}

async fn unknown_numbers_and_wrong_answers_look_alike(stage: Stage) {
    // A member's number and one of the same form that is nobody's, for each proof: tries of a number are counted.
    let wrong = [
        ("otp", [MINA, "0099999992"], vec![("code", "000000")]),
        ("pin", [LEA, "0088888881"], vec![("pin", "000000")]),
        ("kba", [KEN, "0077777770"], vec![("family_name", "Nobody"), ("birthdate", "1970-01-01")]),
    ];
    for (method, numbers, answer) in wrong {
        let mut seen = Vec::new();
        for number in numbers {
            let mut browser = stage.on_account_page(&format!("{method}{number}@home.example")).await;
            browser.begin_link(number, method).await;
            let mut pages = vec![words(&browser)];
            for _ in 0..3 {
                for (field, value) in &answer {
                    browser.fill(field, value);
                }
                browser.press("continue").await;
                pages.push(words(&browser));
            }
            seen.push(pages);
        }
        assert_eq!(seen[0], seen[1], "{method}");
        assert!(seen[0][1].1.contains(&stage.say("en", "problem.proof_wrong")), "{:?}", seen[0]);
        let known = numbers.map(|number| stage.host.member(number).is_some());
        assert_eq!(known, [true, false]);
    }
    assert_eq!(stage.happened("membership.linked").await, 0);
}

async fn a_number_is_shut_after_too_many_tries(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    // A challenge and two more answers are three tries.
    browser.begin_link(MINA, "pin").await;
    for _ in 0..3 {
        browser.prove_by_pin("000000").await;
    }
    browser.begin_link(MINA, "pin").await;
    assert!(
        browser
            .page
            .text("main")
            .contains(&stage.say("en", "link_member.locked_text").replace("{name}", "SkyWay Club"))
    );
    assert_eq!(stage.happened("membership.link_abuse").await, 1);
    let calls = stage.host.requests().len();
    // Shut for everybody, by any of these proofs; other numbers are not.
    stage.person("other@home.example", "Other").await;
    let mut other = stage.on_account_page("other@home.example").await;
    other.begin_link(MINA, "otp").await;
    assert!(!other.page.has_field("code"), "{}", other.page.text("main"));
    assert_eq!(stage.host.requests().len(), calls);
    other.begin_link(LEA, "pin").await;
    assert!(other.page.has_field("pin"));
    // A day later it opens again.
    stage.advance(86_401);
    browser.open("/account").await;
    if browser.is_at("/sign-in") {
        browser.sign_in(&stage, EMAIL).await;
    }
    browser.begin_link(MINA, "pin").await;
    browser.prove_by_pin(&stage.mina().pin).await;
    assert!(browser.page.text("main").contains("Gold"), "{}", browser.page.text("main"));
}

async fn an_account_tries_five_times_a_day(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    for _ in 0..5 {
        browser.begin_link(MINA, "pin").await;
        assert!(browser.page.has_field("pin"), "{}", browser.page.text("main"));
    }
    browser.begin_link(LEA, "pin").await;
    assert!(!browser.page.has_field("pin"), "{}", browser.page.text("main"));
    // The number is not to blame: its owner connects it.
    stage.person("owner@home.example", "Owner").await;
    let mut owner = stage.on_account_page("owner@home.example").await;
    stage.link_mina(&mut owner).await;
}

async fn an_answer_that_cannot_be_right_costs_nothing(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "kba").await;
    let calls = stage.host.requests().len();
    for (name, date) in [("", "1994-05-17"), ("김", "17.5.1994"), ("김", "1994-02-30"), ("김", "")] {
        browser.prove_by_knowledge(name, date).await;
        assert_eq!(browser.problem(), stage.say("en", "problem.field_invalid"), "{name:?} {date:?}");
    }
    assert_eq!(stage.host.requests().len(), calls);
    browser.prove_by_knowledge("KIM", "1994-05-17").await;
    assert!(browser.page.text("main").contains("Gold"), "{}", browser.page.text("main"));
}

async fn knowledge_is_a_low_proof(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "kba").await;
    browser.prove_by_knowledge("김", "1994-05-17").await;
    browser.press("continue").await;
    let (_, claims) = stage.fares(&mut browser).await;
    let membership = membership(&claims);
    assert_eq!((&membership["programme"], &membership["tier"]), (&json!("skyway"), &json!("gold")));
    for hidden in ["number", "balances", "status"] {
        assert!(membership.get(hidden).is_none(), "{membership}");
    }
    assert_eq!(membership["proof"]["level"], "low");
    assert!(!claims.to_string().contains(MINA));
}

async fn a_better_proof_replaces_a_lower_one(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "kba").await;
    browser.prove_by_knowledge("김", "1994-05-17").await;
    stage.link_mina(&mut browser).await;
    let (_, claims) = stage.fares(&mut browser).await;
    assert_eq!(membership(&claims)["number"], MINA);
    assert_eq!(membership(&claims)["proof"]["level"], "substantial");
    // A lower one does not take that back.
    browser.begin_link(MINA, "kba").await;
    browser.prove_by_knowledge("김", "1994-05-17").await;
    let (_, claims) = stage.fares(&mut browser).await;
    assert_eq!(membership(&claims)["proof"]["level"], "substantial");
    assert_eq!(stage.happened("membership.linked").await, 1);
}

async fn answers_are_kept_nowhere(stage: Stage) {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    stage.host.tap(move |exchange| ear.lock().unwrap().push(format!("{:?}", exchange.request)));
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "pin").await;
    browser.prove_by_pin(CANARY_PIN).await;
    browser.begin_link(LEA, "kba").await;
    browser.prove_by_knowledge(CANARY_NAME, "1901-02-03").await;
    // Even when the host gives no answer.
    stage.host.set_down(true);
    browser.prove_by_knowledge(CANARY_NAME, "1901-02-03").await;
    stage.host.set_down(false);
    browser.begin_link(KEN, "otp").await;
    let code = stage.code_texted_to(&stage.host.member(KEN).unwrap().phone);
    browser.fill("code", &code).press("continue").await;
    assert!(browser.page.text("main").contains("Silver"), "{}", browser.page.text("main"));
    let heard = heard.lock().unwrap().join("\n");
    for answer in [CANARY_PIN, CANARY_NAME, "1901-02-03", &code] {
        assert!(heard.contains(answer), "{answer} never reached the host");
    }
    // What is searched has something in it.
    assert!(stage.database_holds("skyway") && !logs::lines_with(&["/account/link/"]).is_empty());
    let events = format!("{:?}", stage.events().await);
    let mails: Vec<_> = stage.app().mail_sink().unwrap().messages().into_iter().map(|it| it.text + &it.html).collect();
    for answer in [CANARY_PIN, CANARY_NAME, "1901-02-03"] {
        assert!(!stage.database_holds(answer), "{answer} is in the database");
        assert!(!stage.cache_holds(answer).await, "{answer} is in the cache");
        assert!(logs::lines_with(&[answer]).is_empty(), "{answer} is in the log");
        assert!(!events.contains(answer) && !browser.page.html.contains(answer), "{answer}");
        assert!(!mails.iter().any(|mail| mail.contains(answer)), "{answer}");
    }
    // Six digits turn up by chance in what is random: only a word of their own would tell.
    let is_word = |line: &String| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code);
    assert!(!logs::lines_with(&[&code]).iter().any(is_word));
    assert!(!is_word(&events));
    // The number itself is personal data: it is stored encrypted and never logged.
    assert!(!stage.database_holds(KEN) && logs::lines_with(&[KEN]).is_empty());
}

async fn a_number_of_another_account_is_refused_without_a_word(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    stage.person("mal@home.example", "Mal").await;
    let mut mal = stage.on_account_page("mal@home.example").await;
    mal.begin_link(MINA, "pin").await;
    mal.prove_by_pin(&stage.mina().pin).await;
    assert_eq!(mal.problem(), stage.say("en", "problem.number_refused"));
    assert!(!mal.page.html.contains("Gold") && !mal.page.html.contains(EMAIL));
    let (_, claims) = stage.fares(&mut browser).await;
    assert_eq!(membership(&claims)["number"], MINA);
    let (_, claims) = stage.fares(&mut mal).await;
    assert!(claims.get("urn:comity:memberships").is_none(), "{claims}");
}

async fn a_link_is_finished_where_it_was_begun(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "pin").await;
    let here = browser.page.url.to_string();
    // Not in another account, and not in another browser of the same one.
    stage.person("mal@home.example", "Mal").await;
    for email in ["mal@home.example", EMAIL] {
        let mut other = stage.on_account_page(email).await;
        other.open(&here).await;
        assert!(!other.page.has_field("pin"), "{email}: {}", other.page.text("main"));
    }
    // Nor after its time.
    stage.advance(301);
    browser.prove_by_pin(&stage.mina().pin).await;
    assert_eq!(browser.problem(), stage.say("en", "problem.form_expired"));
    assert_eq!(stage.happened("membership.linked").await, 0);
}

async fn fifty_prove_one_number_at_once(stage: Stage) {
    let stage = Arc::new(stage);
    let pin = stage.mina().pin;
    let mut people = tokio::task::JoinSet::new();
    for at in 0..50 {
        let stage = Arc::clone(&stage);
        people.spawn(async move {
            let email = format!("person{at}@home.example");
            stage.person(&email, "Somebody").await;
            let mut browser = stage.on_account_page(&email).await;
            // Sixteen calls on people's behalf may be under way at once; whoever comes too many tries again.
            while !browser.begin_link(MINA, "pin").await.has("input[name=pin]") {}
            browser
        });
    }
    let browsers = people.join_all().await;
    let later = stage.say("en", "link_member.later_text").replace("{name}", "SkyWay Club");
    let mut proofs = tokio::task::JoinSet::new();
    for browser in browsers {
        let (pin, later) = (pin.clone(), later.clone());
        proofs.spawn(async move {
            loop {
                let mut attempt = browser.clone();
                attempt.prove_by_pin(&pin).await;
                if !attempt.page.text("main").contains(&later) {
                    return attempt.page.url.query().unwrap_or_default().contains("done=");
                }
            }
        });
    }
    let winners = proofs.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(winners, 1);
    assert_eq!(stage.happened("membership.linked").await, 1);
}

async fn fifty_answers_to_one_challenge_link_once(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    browser.begin_link(MINA, "pin").await;
    let pin = stage.mina().pin;
    let mut proofs = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (mut browser, pin) = (browser.clone(), pin.clone());
        proofs.spawn(async move {
            browser.prove_by_pin(&pin).await;
            browser.page.url.query().unwrap_or_default().contains("done=")
        });
    }
    assert_eq!(proofs.join_all().await.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(stage.happened("membership.linked").await, 1);
    let verified = stage.host.requests().into_iter().filter(|call| call.path.ends_with(":verify"));
    assert_eq!(verified.count(), 1);
}

async fn disconnecting_takes_three_taps_and_a_fresh_proof(stage: Stage) {
    let mut browser = mina_signed_in(&stage).await;
    stage.link_mina(&mut browser).await;
    stage.send_notices().await;
    let (tokens, _) = stage.fares(&mut browser).await;
    let shop = stage.shop().await;
    let account = stage.owner_of(EMAIL).await.unwrap();
    let id = stage.store().memberships(account).await.unwrap()[0].id;
    stage.advance(301);
    browser.open("/account").await;
    browser.press(&format!("unlink-member-{id}")).await;
    browser.assert_at("/sign-in");
    browser.sign_in(&stage, EMAIL).await;
    browser.assert_at("/account/confirm");
    browser.press("confirm").await;
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.member_unlinked"));
    // At once nobody sees it any more: not by the token of before, not by a new one.
    assert!(shop.claims(&tokens).await.get("urn:comity:memberships").is_none());
    let (again, claims) = stage.fares(&mut browser).await;
    assert!(claims.get("urn:comity:memberships").is_none(), "{claims}");
    assert_eq!(again.id["urn:comity:stage"], "registered");
    assert_eq!(again.sub(), tokens.sub());
    stage.send_notices().await;
    assert!(stage.host.links().is_empty());
    assert!(stage.mail_to(EMAIL).text.contains("SkyWay Club"));
    assert_eq!(stage.happened("membership.unlinked").await, 1);
    // The login works as before, and the number may be connected again.
    stage.link_mina(&mut browser).await;
}

async fn a_member_books_by_two_taps(stage: Stage) {
    let shop = stage.shop().await;
    let mut browser = stage.browser();
    browser.open(&shop.authorize().with("scope", FARES).url()).await;
    browser.sign_in_at(Provider::Kakao, "mina").await;
    browser.sign_up().await;
    shop.code(&browser);
    stage.link_mina(&mut browser).await;
    stage.fares(&mut browser).await;
    // Some days later: her session here is over, the one at Kakao lives.
    stage.advance(3 * 86_400);
    browser.jar.remove("comity_session");
    browser.open(&shop.authorize().with("scope", FARES).url()).await;
    browser.press("connection-kakao").await;
    assert!(!browser.page.has("input[type=text], input[type=password], input[type=email]"));
    browser.press("continue").await;
    let code = shop.code(&browser);
    let claims = shop.claims(&shop.redeem(&code).await).await;
    assert_eq!(membership(&claims)["number"], MINA);
    assert_eq!(membership(&claims)["tier"], "gold");
    assert_eq!(membership(&claims)["stale"], false);
}

async fn a_member_keeps_the_same_subject(stage: Stage) {
    stage.person(EMAIL, "Mina").await;
    let mut browser = stage.on_account_page(EMAIL).await;
    let (web, hotel) = (stage.rp("web"), stage.rp("hotel"));
    let mut subs = Vec::new();
    for rp in [&web, &hotel] {
        subs.push(rp.sign_in_for(&mut browser, &stage, EMAIL, "openid").await.sub().to_owned());
    }
    stage.link_mina(&mut browser).await;
    for (rp, sub) in [&web, &hotel].into_iter().zip(&subs) {
        assert_eq!(rp.sign_in_for(&mut browser, &stage, EMAIL, "openid").await.sub(), sub);
    }
    assert_ne!(subs[0], subs[1]);
}

async fn a_relying_party_sends_somebody_to_connect_and_gets_them_back(stage: Stage) {
    stage.person(EMAIL, "Mina").await;
    let shop = stage.shop().await;
    let request = shop.authorize().with("scope", FARES);
    let back: String =
        url::form_urlencoded::byte_serialize(format!("/authorize?{}", request.query()).as_bytes()).collect();
    let mut browser = stage.browser();
    browser.open(&format!("{CEREMONY}?return_to={back}")).await;
    browser.sign_in(&stage, EMAIL).await;
    browser.assert_at(CEREMONY);
    assert!(browser.page.text("main").contains("SkyWay Shop"));
    browser.fill("number", MINA).press("continue").await;
    browser.tick("method-otp").press("continue").await;
    browser.prove_by_code(&stage, &stage.mina()).await;
    browser.press("continue").await;
    browser.allow_everything().await;
    let code = shop.code(&browser);
    assert_eq!(membership(&shop.claims(&shop.redeem(&code).await).await)["number"], MINA);
    // Only to a path of ours.
    for elsewhere in ["https://rogue.example/", "//rogue.example/", "/\\rogue.example", "javascript:alert(1)"] {
        let back: String = url::form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        browser.open(&format!("{CEREMONY}?return_to={back}")).await;
        browser.press("cancel").await;
        browser.assert_at("/account");
    }
}
