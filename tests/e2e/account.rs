//! The account page: everything a person can see and change about themselves, and what stands in somebody else's way.

use comity::model::account::Verification;

use serde_json::json;

use crate::support::{Request, World};

const EMAIL: &str = "mina@example.com";

const PASSWORD: &str = "seven green bicycles";

stories!(
    strangers_are_asked_to_sign_in_and_come_back,
    an_address_is_added_by_a_code,
    a_code_for_an_address_takes_few_guesses,
    an_address_of_another_account_is_told_to_its_owner_only,
    an_address_is_removed_and_hears_of_it,
    the_last_address_stays,
    a_password_is_set_changed_and_told_of,
    a_password_needs_the_present_one_or_a_fresh_code,
    passwords_may_be_off("sign_in.passwords = false"),
    details_are_edited_by_their_owner,
    a_language_is_chosen_and_kept,
    forms_of_other_sites_change_nothing,
    rows_of_other_people_cannot_be_named,
    notices_are_in_their_readers_language,
);

async fn strangers_are_asked_to_sign_in_and_come_back(world: World) {
    world.person(EMAIL, "Mina Kim").await;
    for path in
        ["/account", "/account/profile", "/account/password", "/", "/account/confirm?deed=end_other_sessions&id="]
    {
        let mut browser = world.browser();
        browser.open(path).await;
        browser.assert_at("/sign-in");
        // Nobody asked but the person: there is no client to go back to.
        assert!(!browser.page.has("#cancel"));
        browser.sign_in(&world, EMAIL).await;
        let wanted = if path == "/" { "/account" } else { path.split('?').next().unwrap() };
        browser.assert_at(wanted);
        assert_eq!(browser.page.header("cache-control"), Some("no-store"));
    }
}

async fn an_address_is_added_by_a_code(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.add_address(&world, "Mina.Work@Example.com").await;
    world.assert_done(&browser, "contact_added");
    let account = world.owner_of(EMAIL).await.unwrap();
    assert_eq!(world.owner_of("mina.work@example.com").await, Some(account));
    // Both hear of it, and either signs in from now on.
    for mailbox in [EMAIL, "mina.work@example.com"] {
        assert!(world.mails_to(mailbox) >= 1, "{mailbox}");
    }
    assert!(!world.mail_to(EMAIL).text.contains("mina.work@example.com"), "the address is masked in notices");
    let mut other = world.browser();
    other.open("/account").await;
    other.sign_in(&world, "mina.work@example.com").await;
    assert!(other.page.text("main").contains(EMAIL));
    // Once more is nothing new.
    browser.fill("email", "mina.work@example.com").press("add-email").await;
    world.assert_done(&browser, "contact_added");
    for odd in ["", "nobody", "a@b@c.example", "a b@example.com"] {
        browser.open("/account").await;
        browser.fill("email", odd).press("add-email").await;
        world.assert_problem(&browser, "email_invalid");
    }
    assert_eq!(world.store().contacts(account).await.unwrap().len(), 2);
}

async fn a_code_for_an_address_takes_few_guesses(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.fill("email", "new@example.com").press("add-email").await;
    let code = world.code_mailed_to("new@example.com");
    let wrong = if code == "123456" { "654321" } else { "123456" };
    for _ in 0..5 {
        browser.fill("code", wrong).press("continue").await;
        world.assert_problem(&browser, "code_wrong");
    }
    browser.fill("code", &code).press("continue").await;
    world.assert_problem(&browser, "code_expired");
    assert_eq!(world.owner_of("new@example.com").await, None);
    // A new code takes new guesses; one too old takes none.
    browser.press("resend").await;
    let code = world.code_mailed_to("new@example.com");
    world.advance(601);
    browser.fill("code", &code).press("continue").await;
    world.assert_problem(&browser, "code_expired");
    // Of fifty at once, one adds it.
    browser.jar.remove("comity_session");
    let mut browser = world.on_account_page(EMAIL).await;
    browser.fill("email", "new@example.com").press("add-email").await;
    let code = world.code_mailed_to("new@example.com");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (mut browser, code) = (browser.clone(), code.clone());
        tasks.spawn(async move {
            browser.fill("code", &code).press("continue").await;
            browser.page.url.query() == Some("done=contact_added")
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(world.owner_of("new@example.com").await, world.owner_of(EMAIL).await);
}

async fn an_address_of_another_account_is_told_to_its_owner_only(world: World) {
    world.person("victim@example.com", "Vic Tim").await;
    let mut browser = world.on_account_page(EMAIL).await;
    let mut pages = Vec::new();
    for address in ["victim@example.com", "nobody@example.com"] {
        browser.open("/account").await;
        browser.fill("email", address).press("add-email").await;
        pages.push((browser.page.status, browser.page.text("h1"), browser.problem()));
        browser.fill("code", "000000").press("continue").await;
        pages.push((browser.page.status, browser.page.text("h1"), browser.problem()));
    }
    assert_eq!(pages[..2], pages[2..]);
    browser.open("/account").await;
    browser.fill("email", "victim@example.com").press("add-email").await;
    browser.fill("code", &world.code_mailed_to("victim@example.com")).press("continue").await;
    world.assert_problem(&browser, "address_taken");
}

async fn an_address_is_removed_and_hears_of_it(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.add_address(&world, "second@example.com").await;
    let account = world.owner_of(EMAIL).await.unwrap();
    let first = world.store().contacts(account).await.unwrap().into_iter().find(|it| it.value == EMAIL).unwrap();
    browser.press(&format!("remove-contact-{}", first.id)).await;
    browser.assert_at("/account/confirm");
    let before = world.mails_to(EMAIL);
    browser.press("cancel").await;
    assert_eq!(world.owner_of(EMAIL).await, Some(account));
    browser.press(&format!("remove-contact-{}", first.id)).await;
    browser.press("confirm").await;
    world.assert_done(&browser, "contact_removed");
    assert_eq!(world.owner_of(EMAIL).await, None);
    assert_eq!(world.mails_to(EMAIL), before + 1);
    assert!(world.mails_to("second@example.com") >= 2);
    // It opens nothing any more: whoever has it is somebody new.
    let mut other = world.browser();
    other.open("/account").await;
    other.sign_in(&world, EMAIL).await;
    other.assert_at("/sign-up");
}

async fn the_last_address_stays(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    assert!(browser.buttons("remove_contact").is_empty());
    let account = world.owner_of(EMAIL).await.unwrap();
    let id = world.store().contacts(account).await.unwrap()[0].id;
    browser.open(&format!("/account/confirm?deed=remove_contact&id={id}")).await;
    browser.press("confirm").await;
    world.assert_problem(&browser, "last_method");
    assert_eq!(world.owner_of(EMAIL).await, Some(account));
}

async fn a_password_is_set_changed_and_told_of(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.press("set-password").await;
    browser.assert_at("/account/password");
    for (typed, problem) in [("short", "password_short"), ("", "password_short"), (&"x".repeat(300), "password_long")] {
        browser.fill("new_password", typed).press("save").await;
        assert_eq!(browser.problem(), world.say("en", &format!("problem.{problem}")).replace("{min}", "15"), "{typed}");
    }
    browser.fill("new_password", PASSWORD).press("save").await;
    world.assert_done(&browser, "password_set");
    assert_eq!(world.happened("credential.changed").await, 1);
    let notices = world.mails_to(EMAIL);
    assert!(!world.mail_to(EMAIL).text.contains(PASSWORD));
    // It opens the account, and no other one does.
    for (typed, opens) in [("seven green bicycle", false), (PASSWORD, true)] {
        let mut other = world.browser();
        other.open("/account").await;
        other.fill("email", EMAIL).press("use-password").await;
        other.fill("password", typed).press("continue").await;
        assert_eq!(other.is_at("/account"), opens, "{}", other.page.text("main"));
    }
    browser.press("set-password").await;
    browser.fill("new_password", "eight yellow tricycles").press("save").await;
    world.assert_done(&browser, "password_set");
    assert_eq!(world.mails_to(EMAIL), notices + 1);
    let mut other = world.browser();
    other.open("/account").await;
    other.fill("email", EMAIL).press("use-password").await;
    other.fill("password", PASSWORD).press("continue").await;
    world.assert_problem(&other, "password_wrong");
}

async fn a_password_needs_the_present_one_or_a_fresh_code(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.press("set-password").await;
    browser.fill("new_password", PASSWORD).press("save").await;
    let mut other = world.browser();
    other.open("/account").await;
    other.fill("email", EMAIL).press("use-password").await;
    other.fill("password", PASSWORD).press("continue").await;
    other.press("set-password").await;
    assert!(other.page.has_field("password"));
    other.fill("password", "not the present one").fill("new_password", "nine purple unicycles").press("save").await;
    world.assert_problem(&other, "password_wrong");
    other.fill("password", PASSWORD).fill("new_password", "nine purple unicycles").press("save").await;
    world.assert_done(&other, "password_set");
    // By an old session nothing is changed.
    world.advance(301);
    other.open("/account/password").await;
    other.assert_at("/sign-in");
}

async fn passwords_may_be_off(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    assert!(!browser.page.has("#set-password"));
    browser.open("/account/password").await;
    browser.assert_at("/account");
    let mut other = world.browser();
    other.open("/account").await;
    assert!(!other.page.has("#use-password"));
}

async fn details_are_edited_by_their_owner(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    let account = world.owner_of(EMAIL).await.unwrap();
    browser.press("edit-profile").await;
    browser
        .fill("name", "Mina K.")
        .fill("birthdate", "1994-05-17")
        .fill("zoneinfo", "Europe/Paris")
        .press("save")
        .await;
    world.assert_done(&browser, "profile_saved");
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut browser, &world, EMAIL).await;
    let claims = rp.claims(&tokens).await;
    assert_eq!(
        (&claims["name"], &claims["birthdate"], &claims["zoneinfo"]),
        (&json!("Mina K."), &json!("1994-05-17"), &json!("Europe/Paris"))
    );
    // What a person says of themselves is not proven by it.
    let attributes = world.store().profile(account).await.unwrap().unwrap().attributes;
    assert!(attributes.iter().all(|it| it.verification == Verification::Unverified));
    for (field, value, problem) in [
        ("name", "", "name_required"),
        ("birthdate", "2999-01-01", "field_invalid"),
        ("birthdate", "17.5.1994", "field_invalid"),
        ("zoneinfo", "Mars/Olympus", "field_invalid"),
        ("locale", "Klingon", "field_invalid"),
    ] {
        browser.open("/account/profile").await;
        browser.fill(field, value).press("save").await;
        world.assert_problem(&browser, problem);
        assert_eq!(
            browser.page.attribute("#field-name", "value").as_deref(),
            Some(if field == "name" { value } else { "Mina K." })
        );
    }
    // Nothing else is taken from the form.
    browser.open("/account/profile").await;
    browser.forge("email", "x@example.com").forge("stage", "member").forge("phone_number", "+1").press("save").await;
    let claims = rp.claims(&rp.sign_in_for(&mut browser, &world, EMAIL, "openid email phone stage").await).await;
    assert_eq!(claims["email"], EMAIL);
    assert!(claims.get("phone_number").is_none());
}

async fn a_language_is_chosen_and_kept(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.press("edit-profile").await;
    browser.fill("locale", "한국어").press("save").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
    assert_eq!(browser.page.text("[role=status] .done"), world.say("ko", "done.profile_saved"));
    let account = world.owner_of(EMAIL).await.unwrap();
    assert_eq!(world.store().account(account).await.unwrap().unwrap().locale.as_str(), "ko");
    browser.open("/account/profile").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ko"));
    // Relying parties hear of it.
    let rp = world.rp("web");
    let claims = rp.claims(&rp.sign_in(&mut browser, &world, EMAIL).await).await;
    assert_eq!(claims["locale"], "ko");
    browser.open("/account/profile").await;
    browser.fill("locale", "ja").press("save").await;
    assert_eq!(browser.page.attribute("html", "lang").as_deref(), Some("ja"));
}

async fn forms_of_other_sites_change_nothing(world: World) {
    let browser = world.on_account_page(EMAIL).await;
    let form = browser.form("sign-out");
    let csrf = form.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    for (path, fields) in [
        ("/account", vec![("do", "sign_out")]),
        ("/account", vec![("do", "add_email"), ("email", "mal@example.com")]),
        ("/account", vec![("connection", "google")]),
        ("/account/password", vec![("do", "save"), ("new_password", PASSWORD)]),
        ("/account/profile", vec![("do", "save"), ("name", "Mal")]),
        ("/account/confirm", vec![("do", "confirm"), ("deed", "end_other_sessions")]),
        ("/account/email", vec![("code", "123456")]),
    ] {
        for with_token in [false, true] {
            let mut fields = fields.clone();
            if with_token {
                fields.push(("csrf", csrf.as_str()));
            }
            let mut victim = browser.clone();
            victim.post_from("https://rogue.example/", path, &fields).await;
            assert!(victim.is_at("/sign-in") || victim.page.status == 403, "{path} {}", victim.page.status);
        }
        // Even from the same site, the token is somebody's own.
        let session = browser.cookie("comity_session").unwrap();
        let binding = browser.cookie("comity_browser").unwrap();
        let cookies = format!("comity_session={session}; comity_browser={binding}");
        let mut other = fields.clone();
        other.push(("csrf", "of-somebody-else"));
        let request =
            Request::post(path).form(other).header("cookie", &cookies).header("sec-fetch-site", "same-origin");
        assert_eq!(world.send(request).await.status, 403, "{path}");
    }
    let mut browser = browser;
    browser.open("/account").await;
    browser.assert_at("/account");
    assert_eq!(browser.page.text("h1"), "Mina Kim");
}

async fn rows_of_other_people_cannot_be_named(world: World) {
    let mut victim = world.on_account_page("victim@example.com").await;
    victim.add_address(&world, "victim2@example.com").await;
    let account = world.owner_of("victim@example.com").await.unwrap();
    let contact = world.store().contacts(account).await.unwrap()[0].id;
    let session = world.store().sessions(account, world.now()).await.unwrap()[0].id;
    let mut browser = world.on_account_page(EMAIL).await;
    for deed in ["remove_contact", "unlink_identity", "unlink_member", "revoke_app", "revoke_claim", "nonsense"] {
        browser.open(&format!("/account/confirm?deed={deed}&id={contact}")).await;
        assert!(!browser.page.text("main").contains("victim"), "{deed}");
        if browser.page.has("#confirm") {
            browser.press("confirm").await;
        }
    }
    // By a form of our own, with names of somebody else's.
    browser.open("/account").await;
    let csrf = browser.form("sign-out").into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let cookies = ["comity_session", "comity_browser"].map(|name| format!("{name}={}", browser.cookie(name).unwrap()));
    let (contact, session) = (contact.to_string(), session.to_string());
    for (path, fields) in [
        ("/account", vec![("end_session", session.as_str())]),
        ("/account", vec![("remove_contact", contact.as_str())]),
        ("/account/confirm", vec![("do", "confirm"), ("deed", "remove_contact"), ("id", contact.as_str())]),
    ] {
        let fields = fields.into_iter().chain([("csrf", csrf.as_str())]);
        let request = Request::post(path).form(fields).header("cookie", &cookies.join("; "));
        world.send(request.header("sec-fetch-site", "same-origin")).await.expect(303);
    }
    victim.open("/account").await;
    victim.assert_at("/account");
    assert_eq!(world.store().contacts(account).await.unwrap().len(), 2);
}

async fn notices_are_in_their_readers_language(world: World) {
    let mut browser = world.on_account_page(EMAIL).await;
    browser.press("edit-profile").await;
    browser.fill("locale", "ko").press("save").await;
    browser.press("set-password").await;
    browser.fill("new_password", PASSWORD).press("save").await;
    let notice = world.mail_to(EMAIL);
    assert!(notice.subject.chars().any(|c| ('가'..='힣').contains(&c)), "{}", notice.subject);
    assert!(notice.text.contains(&format!("{}/account", world.issuer())), "{}", notice.text);
}
