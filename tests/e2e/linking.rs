//! A login seen for the first time, and the accounts there are already: who gets joined to whom, by which proof, and
//! who never does.

use comity::demo::simulators::Provider;

use comity::model::account::Stage as AccountStage;

use crate::support::Stage;

const GMAIL: &str = "mina.skyway.demo@gmail.com";

stage_stories!(
    an_owner_is_offered_the_login_and_proves_the_mailbox,
    an_owner_may_prove_the_account_by_another_login,
    nobody_is_told_whose_account_it_is,
    a_lite_account_with_nothing_to_lose_is_joined("linking.auto_link_lite = true"),
    an_account_with_anything_to_lose_is_not_joined_unasked("linking.auto_link_lite = true"),
    a_careless_provider_joins_nothing_unasked("linking.auto_link_lite = true"),
    an_address_nobody_vouches_for_matches_nobody,
    somebody_says_they_have_an_account,
    somebody_turns_out_to_have_none,
    two_google_logins_open_one_account,
    a_login_of_another_account_is_not_taken,
    an_offer_lapses_when_another_account_signs_in,
    an_offer_is_worth_nothing_in_another_browser,
    an_offer_lapses_after_ten_minutes,
    a_proof_counts_once_and_unlinking_ends_it,
    nothing_about_the_identity_is_read_from_the_form,
    a_separate_account_leaves_the_owner_theirs,
    the_last_login_stays,
    a_login_is_linked_only_in_the_session_that_asked,
    linking_needs_a_fresh_proof,
    many_finish_one_link_at_once,
);

/// The subject the usual client knows a person of ours by.
async fn sub_of(stage: &Stage, email: &str) -> String {
    let rp = stage.rp("web");
    rp.sign_in(&mut stage.browser(), stage, email).await.sub().to_owned()
}

async fn an_owner_is_offered_the_login_and_proves_the_mailbox(stage: Stage) {
    let owner = stage.person(GMAIL, "Mina Kim").await;
    let sub = sub_of(&stage, GMAIL).await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.assert_at("/sign-in/account");
    assert!(browser.cookie("comity_session").is_none());
    assert!(stage.identity(Provider::Google, "mina").await.is_none());
    browser.press("prove").await;
    browser.assert_at("/sign-in/code");
    browser.fill("code", &stage.code_mailed_to(GMAIL)).press("continue").await;
    let code = rp.code(&browser);
    assert_eq!(rp.redeem(&code).await.sub(), sub);
    assert_eq!(stage.account_of(Provider::Google, "mina").await, owner);
    assert!(stage.mail_to(GMAIL).subject.contains("Google") || stage.mail_to(GMAIL).text.contains("Google"));
    // From now on the login alone opens the account.
    let tokens = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    assert_eq!(tokens.sub(), sub);
    assert_eq!(stage.happened("identity.linked").await, 1);
}

async fn an_owner_may_prove_the_account_by_another_login(stage: Stage) {
    let rp = stage.rp("web");
    stage.change_person(Provider::Kakao, "mina", |mina| mina.email = Some(GMAIL.to_owned()));
    let first = rp.sign_in_at(&mut stage.browser(), Provider::Kakao, "mina").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.assert_at("/sign-in/account");
    browser.press("existing").await;
    browser.assert_at("/sign-in");
    assert!(browser.page.text("main").contains(&stage.say("en", "sign_in.reason_link")));
    browser.sign_in_at(Provider::Kakao, "mina").await;
    let code = rp.code(&browser);
    assert_eq!(rp.redeem(&code).await.sub(), first.sub());
    let accounts = [Provider::Google, Provider::Kakao];
    assert_eq!(stage.account_of(accounts[0], "mina").await, stage.account_of(accounts[1], "mina").await);
}

async fn nobody_is_told_whose_account_it_is(stage: Stage) {
    stage.person(GMAIL, "Wilhelmina Kimberley").await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.assert_at("/sign-in/account");
    assert!(!browser.page.html.contains("Wilhelmina"));
    assert!(!browser.page.html.contains(GMAIL));
}

async fn a_lite_account_with_nothing_to_lose_is_joined(stage: Stage) {
    let lite = stage.account_at(AccountStage::Lite, GMAIL, true).await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    assert_eq!(stage.account_of(Provider::Google, "mina").await, lite);
    assert!(browser.cookie("comity_session").is_some());
    assert_eq!(stage.happened("account.created").await, 1);
    // Its owner hears of it.
    assert!(stage.mail_to(GMAIL).text.contains("Google"));
    assert_eq!(stage.attribute(lite, "name", "connection:google").await, Some("김민지".into()));
    // A guest accepts the terms now.
    browser.assert_at("/terms");
}

async fn an_account_with_anything_to_lose_is_not_joined_unasked(stage: Stage) {
    let (_, mut browser) = stage.begin().await;
    stage.person(GMAIL, "Mina Kim").await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.assert_at("/sign-in/account");
    // A lite account that has a login of its own already.
    let lite = stage.account_at(AccountStage::Lite, "mina.kim@agency.example", true).await;
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo".to_owned();
    stage.store().set_password(lite, &hash.into(), stage.now()).await.unwrap();
    stage.simulators.sign_out(Provider::Google);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina-work").await;
    browser.assert_at("/sign-in/account");
    assert_eq!(stage.happened("identity.linked").await, 0);
}

async fn a_careless_provider_joins_nothing_unasked(stage: Stage) {
    // Google once saw a proof of it, and does not run the mailbox.
    stage.change_person(Provider::Google, "lea", |lea| lea.hosted_domain = None);
    stage.account_at(AccountStage::Lite, "lea@atelier.example", true).await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "lea").await;
    browser.assert_at("/sign-in/account");
    assert!(browser.page.has("#prove"));
    assert_eq!(stage.happened("identity.linked").await, 0);
}

/// Nothing is keyed on an address that came from upstream: with the victim's address and nothing else, no provider
/// opens the victim's account.
async fn an_address_nobody_vouches_for_matches_nobody(stage: Stage) {
    let victim = stage.person("victim@example.com", "Vic Tim").await;
    for provider in Provider::ALL {
        for vouched in [false, true] {
            stage.simulators.reset();
            stage.change_person(provider, "mina", |mina| {
                mina.email = Some("victim@example.com".to_owned());
                mina.email_verified = vouched;
            });
            let (_, mut browser) = stage.begin().await;
            browser.press(&format!("connection-{provider}")).await;
            browser.press("user-mina").await;
            if browser.page.has("#share-email") {
                browser.tick("share-email").press("allow").await;
            }
            browser.pass("mina").await;
            browser.assert_at("/sign-in/account");
            assert!(browser.cookie("comity_session").is_none(), "{provider}");
            // An offer is made only on the word of a provider that has one.
            let offers = browser.page.has("#prove");
            let has_a_word = matches!(provider, Provider::Apple | Provider::Kakao | Provider::Google);
            assert_eq!(offers, vouched && has_a_word, "{provider} {vouched}");
            if !offers {
                assert!(!browser.page.html.contains("victim"), "{provider}");
            }
        }
    }
    assert!(stage.store().identities(victim).await.unwrap().is_empty());
    assert_eq!(stage.mails_to("victim@example.com"), 0);
}

async fn somebody_says_they_have_an_account(stage: Stage) {
    let owner = stage.person("mina@home.example", "Mina Kim").await;
    let sub = sub_of(&stage, "mina@home.example").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Line, "mina").await;
    browser.assert_at("/sign-in/account");
    browser.press("existing").await;
    browser.sign_in(&stage, "mina@home.example").await;
    let code = rp.code(&browser);
    assert_eq!(rp.redeem(&code).await.sub(), sub);
    assert_eq!(stage.account_of(Provider::Line, "mina").await, owner);
    assert_eq!(stage.attribute(owner, "nickname", "connection:line").await, Some("민지".into()));
    assert!(stage.mail_to("mina@home.example").text.contains("LINE"));
}

async fn somebody_turns_out_to_have_none(stage: Stage) {
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Line, "mina").await;
    browser.press("existing").await;
    browser.sign_in(&stage, "new@home.example").await;
    browser.assert_at("/sign-up");
    browser.fill("name", "Mina").sign_up().await;
    rp.code(&browser);
    let account = stage.account_of(Provider::Line, "mina").await;
    assert_eq!(stage.owner_of("new@home.example").await, Some(account));
}

async fn two_google_logins_open_one_account(stage: Stage) {
    let rp = stage.rp("web");
    let mut browser = stage.browser();
    let first = rp.sign_in_at(&mut browser, Provider::Google, "mina").await;
    stage.simulators.sign_out(Provider::Google);
    browser.open("/account").await;
    browser.press("connection-google").await;
    browser.pass("mina-work").await;
    browser.assert_at("/account");
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.identity_linked"));
    let account = stage.account_of(Provider::Google, "mina").await;
    assert_eq!(stage.account_of(Provider::Google, "mina-work").await, account);
    stage.simulators.sign_out(Provider::Google);
    let second = rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina-work").await;
    assert_eq!(first.sub(), second.sub());
    // Once more is once.
    browser.open("/account").await;
    browser.press("connection-google").await;
    browser.pass("mina-work").await;
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.identity_linked"));
    assert_eq!(stage.store().identities(account).await.unwrap().len(), 2);
}

async fn a_login_of_another_account_is_not_taken(stage: Stage) {
    let rp = stage.rp("web");
    rp.sign_in_at(&mut stage.browser(), Provider::Google, "mina").await;
    let owner = stage.account_of(Provider::Google, "mina").await;
    let other = stage.person("other@example.com", "Other").await;
    let mut browser = stage.browser();
    browser.open("/account").await;
    browser.sign_in(&stage, "other@example.com").await;
    browser.press("connection-google").await;
    browser.pass("mina").await;
    browser.assert_at("/account");
    assert_eq!(browser.problem(), stage.say("en", "problem.identity_taken"));
    assert_eq!(stage.account_of(Provider::Google, "mina").await, owner);
    assert!(stage.store().identities(other).await.unwrap().is_empty());
}

async fn an_offer_lapses_when_another_account_signs_in(stage: Stage) {
    stage.person(GMAIL, "Mina Kim").await;
    stage.person("other@example.com", "Other").await;
    let sub = sub_of(&stage, "other@example.com").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.press("existing").await;
    browser.sign_in(&stage, "other@example.com").await;
    let code = rp.code(&browser);
    assert_eq!(rp.redeem(&code).await.sub(), sub);
    assert!(stage.identity(Provider::Google, "mina").await.is_none());
}

async fn an_offer_is_worth_nothing_in_another_browser(stage: Stage) {
    stage.person(GMAIL, "Mina Kim").await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    let here = browser.page.url.to_string();
    let mut other = stage.browser();
    other.open("/account").await;
    other.open(&here).await;
    other.assert_error(400);
    for path in ["/sign-in/account", "/sign-up", "/sign-in", "/sign-in/code"] {
        let there = here.replace("/sign-in/account", path);
        other.open(&there).await;
        other.assert_error(400);
    }
    assert_eq!(stage.mails_to(GMAIL), 0);
}

async fn an_offer_lapses_after_ten_minutes(stage: Stage) {
    stage.person(GMAIL, "Mina Kim").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    stage.advance(400);
    browser.press("prove").await;
    stage.advance(250);
    // The code is in time; the login it was to be joined with is not.
    browser.fill("code", &stage.code_mailed_to(GMAIL)).press("continue").await;
    rp.code(&browser);
    assert!(stage.identity(Provider::Google, "mina").await.is_none());
    assert_eq!(stage.happened("identity.linked").await, 0);
}

async fn a_proof_counts_once_and_unlinking_ends_it(stage: Stage) {
    let owner = stage.person(GMAIL, "Mina Kim").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    let mut at_offer = browser.clone();
    browser.press("prove").await;
    let mut at_code = browser.clone();
    let code = stage.code_mailed_to(GMAIL);
    browser.fill("code", &code).press("continue").await;
    rp.code(&browser);
    // She removes the login again.
    browser.open("/account").await;
    let identity = stage.identity(Provider::Google, "mina").await.unwrap();
    browser.press(&format!("unlink-identity-{}", identity.id)).await;
    browser.press("confirm").await;
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.identity_unlinked"));
    assert!(stage.identity(Provider::Google, "mina").await.is_none());
    // Neither the old code nor the old offer brings it back.
    at_code.fill("code", &code).press("continue").await;
    at_offer.press("prove").await;
    at_offer.reload().await;
    assert!(stage.identity(Provider::Google, "mina").await.is_none());
    assert!(stage.store().identities(owner).await.unwrap().is_empty());
    assert_eq!(stage.happened("identity.linked").await, 1);
    assert_eq!(stage.happened("identity.unlinked").await, 1);
}

async fn nothing_about_the_identity_is_read_from_the_form(stage: Stage) {
    stage.person("victim@example.com", "Vic Tim").await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    for (field, value) in [
        ("email", "victim@example.com"),
        ("sub", "999"),
        ("connection", "kakao"),
        ("account", "1"),
        ("email_verified", "true"),
    ] {
        browser.forge(field, value);
    }
    browser.sign_up().await;
    rp.code(&browser);
    let account = stage.account_of(Provider::Google, "mina").await;
    let contacts = stage.store().contacts(account).await.unwrap();
    assert_eq!(contacts.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>(), [GMAIL]);
    // Nor which account is meant: a candidate of somebody's own making changes nothing.
    let lea = stage.person("lea@atelier.example", "Léa").await;
    let victim = stage.owner_of("victim@example.com").await.unwrap();
    stage.simulators.sign_out(Provider::Google);
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "lea").await;
    browser.forge("candidate", &victim.to_string()).press("prove").await;
    assert_eq!(stage.mails_to("victim@example.com"), 0);
    browser.fill("code", &stage.code_mailed_to("lea@atelier.example")).press("continue").await;
    assert_eq!(stage.account_of(Provider::Google, "lea").await, lea);
}

async fn a_separate_account_leaves_the_owner_theirs(stage: Stage) {
    let owner = stage.person(GMAIL, "Mina Kim").await;
    let sub = sub_of(&stage, GMAIL).await;
    let (rp, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.press("new").await;
    browser.sign_up().await;
    let code = rp.code(&browser);
    let tokens = rp.redeem(&code).await;
    assert_ne!(tokens.sub(), sub);
    assert!(rp.claims(&tokens).await.get("email").is_none());
    assert_eq!(stage.owner_of(GMAIL).await, Some(owner));
}

async fn the_last_login_stays(stage: Stage) {
    let rp = stage.rp("web");
    let mut browser = stage.browser();
    rp.sign_in_at(&mut browser, Provider::Line, "mina").await;
    let identity = stage.identity(Provider::Line, "mina").await.unwrap();
    browser.open("/account").await;
    assert!(!browser.page.has(&format!("#unlink-identity-{}", identity.id)));
    browser.open(&format!("/account/confirm?deed=unlink_identity&id={}", identity.id)).await;
    browser.press("confirm").await;
    browser.assert_at("/account");
    assert_eq!(browser.problem(), stage.say("en", "problem.last_method"));
    assert!(stage.identity(Provider::Line, "mina").await.is_some());
    // With another way in, it may go.
    browser.fill("email", "mina@home.example").press("add-email").await;
    browser.fill("code", &stage.code_mailed_to("mina@home.example")).press("continue").await;
    browser.press(&format!("unlink-identity-{}", identity.id)).await;
    browser.press("confirm").await;
    assert!(stage.identity(Provider::Line, "mina").await.is_none());
    assert!(stage.mail_to("mina@home.example").text.contains("LINE"));
}

async fn a_login_is_linked_only_in_the_session_that_asked(stage: Stage) {
    stage.person("mal@example.com", "Mal").await;
    let victim = stage.person("victim@example.com", "Vic Tim").await;
    let mut attacker = stage.browser();
    attacker.open("/account").await;
    attacker.sign_in(&stage, "mal@example.com").await;
    let callback = attacker.almost_back(Provider::Google, "mina").await;
    // Sent to the victim, who is signed in: the attacker's login does not land in the victim's account.
    let mut browser = stage.browser();
    browser.open("/account").await;
    browser.sign_in(&stage, "victim@example.com").await;
    browser.open(callback.as_str()).await;
    browser.assert_error(400);
    assert!(stage.store().identities(victim).await.unwrap().is_empty());
    // Nor in whatever account the same browser is signed in to meanwhile.
    stage.simulators.sign_out(Provider::Google);
    attacker.open("/account").await;
    let callback = attacker.almost_back(Provider::Google, "lea").await;
    attacker.jar.remove("comity_session");
    attacker.open("/account").await;
    attacker.sign_in(&stage, "victim@example.com").await;
    attacker.open(callback.as_str()).await;
    attacker.assert_error(400);
    assert!(stage.store().identities(victim).await.unwrap().is_empty());
}

async fn linking_needs_a_fresh_proof(stage: Stage) {
    stage.person("mina@home.example", "Mina").await;
    let mut browser = stage.browser();
    browser.open("/account").await;
    browser.sign_in(&stage, "mina@home.example").await;
    stage.advance(301);
    browser.open("/account").await;
    browser.press("connection-google").await;
    browser.assert_at("/sign-in");
    // Proven anew, she is sent on to where she wanted to go.
    browser.sign_in(&stage, "mina@home.example").await;
    assert!(browser.is_at_provider(), "{}", browser.page.url);
    browser.pass("mina").await;
    assert_eq!(browser.page.text("[role=status] .done"), stage.say("en", "done.identity_linked"));
    // A callback that comes too late links nothing.
    stage.simulators.sign_out(Provider::Google);
    let callback = browser.almost_back(Provider::Google, "mina-work").await;
    stage.advance(301);
    browser.open(callback.as_str()).await;
    assert!(stage.identity(Provider::Google, "mina-work").await.is_none());
}

async fn many_finish_one_link_at_once(stage: Stage) {
    let owner = stage.person(GMAIL, "Mina Kim").await;
    let (_, mut browser) = stage.begin().await;
    browser.sign_in_at(Provider::Google, "mina").await;
    browser.press("prove").await;
    let code = stage.code_mailed_to(GMAIL);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (mut browser, code) = (browser.clone(), code.clone());
        tasks.spawn(async move {
            browser.fill("code", &code).press("continue").await;
            browser.is_away()
        });
    }
    assert_eq!(tasks.join_all().await.iter().filter(|won| **won).count(), 1);
    assert_eq!(stage.account_of(Provider::Google, "mina").await, owner);
    assert_eq!(stage.happened("identity.linked").await, 1);
    assert_eq!(stage.happened("session.created").await, 1);
}
