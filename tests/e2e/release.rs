//! What relying parties learn of a person: line by line, by consent, never more than the rules say, and the same by
//! every way.

use comity::model::AccountId;

use serde_json::json;

use crate::support::{Browser, Rp, Stage, Tokens, World, logs, tokens};

pub const EMAIL: &str = "mina@example.com";

stories!(
    a_subject_is_one_per_sector,
    an_age_is_told_from_the_first_moment_of_the_birthday,
    a_leap_day_comes_on_the_first_of_march,
    a_date_of_birth_is_in_nothing_the_client_gets,
    another_company_is_told_nothing_unasked,
    every_line_has_its_value_and_no_box_is_ticked,
    an_unticked_line_breaks_nothing,
    saying_no_to_everything_is_told_to_the_client,
    only_what_is_new_is_asked,
    what_is_essential_is_asked_again_and_may_be_declined_again,
    the_claims_parameter_never_exceeds_the_allowlist,
    a_request_for_a_value_does_not_tell_the_value,
    a_purpose_not_in_force_releases_nothing(
        r#"
        [[purposes]]
        id = "account"
        basis = "contract"
        live_until = 1788220801
        [purposes.text]
        en = "Over soon"
        "#
    ),
);

stage_stories!(a_client_may_insist_on_a_high_proof, a_client_sees_its_programmes_only,);

/// A person with a date of birth and a name.
pub async fn mina(world: &World) -> AccountId {
    let account = world.person(EMAIL, "Mina Kim").await;
    world.learn(account, "birthdate", "2008-09-02").await;
    account
}

/// Makes a request on which somebody signs in, and stops at the first page or at the client.
pub async fn ask(rp: &Rp, world: &World, browser: &mut Browser, scope: &str) {
    browser.open(&rp.authorize().with("scope", scope).url()).await;
    if browser.is_at("/sign-in") {
        browser.sign_in(world, EMAIL).await;
    }
}

/// Ticks the boxes of these claims and allows.
pub async fn allow(rp: &Rp, browser: &mut Browser, claims: &[&str]) -> Tokens {
    browser.assert_at("/consent");
    for id in boxes(browser) {
        if claims.iter().any(|claim| id.ends_with(&format!(".{claim}"))) {
            browser.tick(&id);
        }
    }
    browser.press("allow").await;
    let code = rp.code(browser);
    rp.redeem(&code).await
}

pub fn boxes(browser: &Browser) -> Vec<String> {
    browser.page.all("input[type=checkbox]", |it| it.attr("id").unwrap().to_owned())
}

pub async fn tokens_without_a_page(rp: &Rp, browser: &Browser) -> Tokens {
    let code = rp.code(browser);
    rp.redeem(&code).await
}

pub const AGE_18: &str = "urn:comity:age_over_18";

pub const AGE_18_BOX: &str = "urn-comity-age_over_18";

async fn a_subject_is_one_per_sector(world: World) {
    mina(&world).await;
    world
        .register(
            r#"
            [[client]]
            client_id = "rooms"
            client_name = "Rooms"
            token_endpoint_auth_method = "none"
            redirect_uris = ["https://rp.example/callback"]
            sector_identifier_uri = "https://group.example/sector.json"
            subject_type = "pairwise"
            [client.release]
            scopes = ["openid"]

            [[client]]
            client_id = "tables"
            client_name = "Tables"
            token_endpoint_auth_method = "none"
            redirect_uris = ["https://rp.example/callback"]
            sector_identifier_uri = "https://group.example/sector.json"
            subject_type = "pairwise"
            [client.release]
            scopes = ["openid"]
            "#,
        )
        .await;
    let mut browser = world.browser();
    let mut subs = Vec::new();
    for id in ["rooms", "tables", "hotel", "web", "app"] {
        let rp = world.rp(id);
        let tokens = rp.sign_in_for(&mut browser, &world, EMAIL, "openid").await;
        assert_eq!(rp.claims(&tokens).await["sub"], tokens.sub(), "{id}");
        subs.push(tokens.sub().to_owned());
    }
    let [rooms, tables, hotel, web, app] = subs.as_slice() else { panic!() };
    assert_eq!(rooms, tables);
    assert_eq!(web, app);
    assert!(rooms != hotel && rooms != web && hotel != web, "{subs:?}");
    // And none of them is what the account is called inside.
    let account = world.store().resolve_subject(&comity::model::grant::Sector::public(), web).await.unwrap().unwrap();
    assert!(!subs.iter().any(|sub| sub.contains(&account.to_string())));
}

async fn an_age_is_told_from_the_first_moment_of_the_birthday(world: World) {
    // 1 September, 9:00 in Seoul; eighteen tomorrow.
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age").await;
    let tokens = allow(&hotel, &mut browser, &[AGE_18_BOX]).await;
    assert_eq!(hotel.claims(&tokens).await[AGE_18], false);
    world.advance(15 * 3600 - 1);
    for expected in [false, true] {
        ask(&hotel, &world, &mut browser, "openid age").await;
        let tokens = tokens_without_a_page(&hotel, &browser).await;
        assert_eq!(hotel.claims(&tokens).await[AGE_18], expected);
        world.advance(1);
    }
    // Elsewhere the day has not come yet.
    let account = world.owner_of(EMAIL).await.unwrap();
    let english = "en".parse().unwrap();
    world.store().set_locale(account, &english, "America/Los_Angeles", world.now()).await.unwrap();
    ask(&hotel, &world, &mut browser, "openid age").await;
    let tokens = tokens_without_a_page(&hotel, &browser).await;
    assert_eq!(hotel.claims(&tokens).await[AGE_18], false);
}

async fn a_leap_day_comes_on_the_first_of_march(world: World) {
    let account = world.person(EMAIL, "Mina Kim").await;
    world.learn(account, "birthdate", "2008-02-29").await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    // 28 February 2027, 23:59:59 in Seoul.
    world.advance(1_803_826_799 - world.now().0);
    ask(&hotel, &world, &mut browser, "openid age").await;
    let tokens = allow(&hotel, &mut browser, &["urn-comity-age_over_19"]).await;
    assert_eq!(hotel.claims(&tokens).await["urn:comity:age_over_19"], false);
    world.advance(1);
    assert_eq!(hotel.claims(&tokens).await["urn:comity:age_over_19"], true);
}

async fn a_date_of_birth_is_in_nothing_the_client_gets(world: World) {
    let account = world.person(EMAIL, "Mina Kim").await;
    world.learn(account, "birthdate", "1971-07-13").await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age offline_access").await;
    let tokens = allow(&hotel, &mut browser, &[AGE_18_BOX]).await;
    let claims = hotel.claims(&tokens).await;
    assert_eq!(claims[AGE_18], true);
    let mut told = vec![claims.to_string(), tokens.response.to_string(), tokens.id.to_string()];
    told.push(hotel.introspect(&tokens.access).await.to_string());
    told.push(tokens::part(&tokens.id_token, 1).to_string());
    told.push(format!("{:?}", world.store().events(None, None, 1000).await.unwrap()));
    for told in told {
        assert!(!told.contains("1971") && !told.contains("07-13"), "{told}");
    }
    assert!(logs::lines_with(&["1971-07-13"]).is_empty());
    assert!(!world.database_holds("1971-07-13"));
}

async fn another_company_is_told_nothing_unasked(world: World) {
    mina(&world).await;
    let mut browser = world.browser();
    let hotel = world.rp("hotel");
    ask(&hotel, &world, &mut browser, "openid profile email age").await;
    let tokens = allow(&hotel, &mut browser, &[]).await;
    let claims = hotel.claims(&tokens).await;
    assert_eq!(claims.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    // The operator's own shop needs no question for what the contract is about.
    let web = world.rp("web");
    ask(&web, &world, &mut browser, "openid profile email").await;
    let tokens = tokens_without_a_page(&web, &browser).await;
    assert_eq!(web.claims(&tokens).await["email"], EMAIL);
}

async fn every_line_has_its_value_and_no_box_is_ticked(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid profile email age").await;
    browser.assert_at("/consent");
    let page = browser.page.text("main");
    for shown in ["Hotel Haneul Co., Ltd.", "Mina Kim", EMAIL, "2 September 2008"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let ages = browser.page.all("li.line", crate::support::page::text_of);
    assert!(ages.iter().any(|line| line.ends_with("No")), "{ages:?}");
    assert!(!boxes(&browser).is_empty());
    assert!(!browser.page.has("input[checked]") && !browser.page.has("input[required]"));
    // Who, what for, what, how long: for each group that has anything to tell.
    let groups = browser.page.all("section.group:has(input)", crate::support::page::text_of);
    assert_eq!(groups.len(), 3);
    for group in groups {
        for what in ["consent.recipient", "consent.purpose", "consent.retention"] {
            let what = world.app().web().texts.get(&"en".parse().unwrap(), what);
            assert!(group.contains(what), "{what}: {group}");
        }
    }
}

async fn an_unticked_line_breaks_nothing(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid profile email age").await;
    let tokens = allow(&hotel, &mut browser, &["name", AGE_18_BOX]).await;
    let claims = hotel.claims(&tokens).await;
    assert_eq!(claims.as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "sub", AGE_18]);
    // The answer stands, whichever it was: the same request again needs no page.
    ask(&hotel, &world, &mut browser, "openid profile email age").await;
    let again = tokens_without_a_page(&hotel, &browser).await;
    assert_eq!(hotel.claims(&again).await, claims);
    let account = world.owner_of(EMAIL).await.unwrap();
    assert!(world.store().verify_consent_chain(account).await.unwrap());
    // A forged box gives away nothing that was not asked.
    world.advance(1);
    browser.open(&hotel.authorize().with("scope", "openid age").with("prompt", "consent").url()).await;
    browser.forge("line.membership.urn-comity-memberships", "yes").forge("line.phone.phone_number", "yes");
    browser.press("allow").await;
    let code = hotel.code(&browser);
    let claims = hotel.claims(&hotel.redeem(&code).await).await;
    assert_eq!(claims.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

async fn saying_no_to_everything_is_told_to_the_client(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age").await;
    browser.press("deny").await;
    hotel.assert_refused(&browser, "access_denied");
    // Which is no answer about the lines: they are asked again.
    ask(&hotel, &world, &mut browser, "openid age").await;
    browser.assert_at("/consent");
}

async fn only_what_is_new_is_asked(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age").await;
    allow(&hotel, &mut browser, &[AGE_18_BOX]).await;
    ask(&hotel, &world, &mut browser, "openid age").await;
    tokens_without_a_page(&hotel, &browser).await;
    ask(&hotel, &world, &mut browser, "openid age email").await;
    let asked = boxes(&browser);
    assert!(!asked.is_empty() && asked.iter().all(|id| id.contains("email")), "{asked:?}");
    let tokens = allow(&hotel, &mut browser, &["email"]).await;
    let claims = hotel.claims(&tokens).await;
    assert_eq!((&claims["email"], &claims[AGE_18]), (&json!(EMAIL), &json!(false)));
    // One claim more, asked for by name.
    let claims = json!({ "userinfo": { "name": null } }).to_string();
    browser.open(&hotel.authorize().with("scope", "openid age email").with("claims", &claims).url()).await;
    let asked = boxes(&browser);
    assert!(asked.len() == 1 && asked[0] == "claim-line.profile.name", "{asked:?}");
}

async fn what_is_essential_is_asked_again_and_may_be_declined_again(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age").await;
    allow(&hotel, &mut browser, &[]).await;
    let claims = json!({ "userinfo": { AGE_18: { "essential": true } } }).to_string();
    for _ in 0..2 {
        world.advance(1);
        browser.open(&hotel.authorize().with("scope", "openid age").with("claims", &claims).url()).await;
        let asked = boxes(&browser);
        assert!(asked.len() == 1 && asked[0].ends_with(AGE_18_BOX), "{asked:?}");
        let tokens = allow(&hotel, &mut browser, &[]).await;
        assert!(hotel.claims(&tokens).await.get(AGE_18).is_none());
    }
}

async fn the_claims_parameter_never_exceeds_the_allowlist(world: World) {
    let account = mina(&world).await;
    world.learn(account, "phone_number", "+821012345678").await;
    world.learn(account, "nickname", "min").await;
    world
        .register(
            r#"
            [[client]]
            client_id = "small"
            client_name = "Small"
            token_endpoint_auth_method = "none"
            redirect_uris = ["https://rp.example/callback"]
            [client.release]
            scopes = ["openid", "profile"]
            claims = ["email"]
            except = ["birthdate", "name"]
            "#,
        )
        .await;
    let small = world.rp("small");
    let mut browser = world.browser();
    let all = json!({
        "birthdate": { "essential": true }, "name": null, "email": null, "email_verified": null, "nickname": null,
        "phone_number": { "essential": true }, "urn:comity:stage": null, "urn:comity:memberships": { "essential": true },
        "roles": null, "sub": null, "constructor": null, "": null,
    });
    let claims = json!({ "userinfo": all, "id_token": all }).to_string();
    browser.open(&small.authorize().with("scope", "openid profile email").with("claims", &claims).url()).await;
    browser.sign_in(&world, EMAIL).await;
    let code = small.code(&browser);
    let tokens = small.redeem(&code).await;
    for told in [&small.claims(&tokens).await, &tokens.id] {
        for name in
            ["birthdate", "name", "phone_number", "urn:comity:stage", "urn:comity:memberships", "email_verified"]
        {
            assert!(told.get(name).is_none(), "{name}: {told}");
        }
        assert_eq!((&told["email"], &told["nickname"]), (&json!(EMAIL), &json!("min")));
    }
}

async fn a_request_for_a_value_does_not_tell_the_value(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    let mut pages = Vec::new();
    for value in ["Mina Kim", "Somebody Else"] {
        let claims = json!({ "userinfo": { "name": { "value": value } } }).to_string();
        browser.open(&hotel.authorize().with("scope", "openid").with("claims", &claims).url()).await;
        if browser.is_at("/sign-in") {
            browser.sign_in(&world, EMAIL).await;
        }
        pages.push(boxes(&browser));
    }
    assert_eq!(pages[0], pages[1]);
    let tokens = allow(&hotel, &mut browser, &["name"]).await;
    assert!(hotel.claims(&tokens).await.get("name").is_none());
}

async fn a_purpose_not_in_force_releases_nothing(world: World) {
    mina(&world).await;
    let web = world.rp("web");
    let tokens = web.sign_in(&mut world.browser(), &world, EMAIL).await;
    assert_eq!(web.claims(&tokens).await["name"], "Mina Kim");
    world.advance(1);
    let claims = web.claims(&tokens).await;
    assert!(claims.get("name").is_none() && claims["email"] == EMAIL, "{claims}");
}

async fn a_client_may_insist_on_a_high_proof(stage: Stage) {
    mina(&stage).await;
    let mut browser = stage.on_account_page(EMAIL).await;
    stage.link_mina(&mut browser).await;
    let (_, claims) = stage.fares(&mut browser).await;
    assert!(claims.get("urn:comity:memberships").is_some());
    let shop = stage.rp("shop");
    stage
        .change_client("shop", |client| client.release.min_proof = Some(comity::model::member::ProofLevel::High))
        .await;
    browser.open(&shop.authorize().with("scope", crate::support::FARES).url()).await;
    let code = shop.code(&browser);
    let claims = shop.claims(&shop.redeem(&code).await).await;
    assert!(claims.get("urn:comity:memberships").is_none(), "{claims}");
}

async fn a_client_sees_its_programmes_only(stage: Stage) {
    mina(&stage).await;
    let mut browser = stage.on_account_page(EMAIL).await;
    stage.link_mina(&mut browser).await;
    let (tokens, claims) = stage.fares(&mut browser).await;
    assert!(claims.get("urn:comity:memberships").is_some());
    stage
        .change_client("shop", |client| {
            client.release.programmes.insert("milenote".into());
        })
        .await;
    let claims = stage.rp("shop").claims(&tokens).await;
    assert!(claims.get("urn:comity:memberships").is_none(), "{claims}");
}
