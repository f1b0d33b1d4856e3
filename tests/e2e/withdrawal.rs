//! Answers end: they lapse, are taken back, or were given to another text. From then on nothing is released by them.

use comity::model::client::Client;
use serde_json::json;

use crate::release::{AGE_18, AGE_18_BOX, EMAIL, allow, ask, boxes, mina, tokens_without_a_page};
use crate::support::World;

stories!(
    an_answer_lapses(
        r#"
        [[release.scope]]
        scope = "age"
        clients = ["hotel"]
        purpose = "age_check"
        remember = "1d"
        [release.scope.claims]
        "urn:comity:age_over_18" = { source = "profile.birthdate", transform = "age_over(18)" }
        "#
    ),
    a_new_text_of_a_purpose_is_asked_anew,
    taking_back_one_claim_counts_at_once,
    taking_back_an_app_counts_at_once,
    a_refreshed_token_tells_no_more_than_today,
);

async fn an_answer_lapses(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age").await;
    allow(&hotel, &mut browser, &[AGE_18_BOX]).await;
    world.advance(86_399);
    ask(&hotel, &world, &mut browser, "openid age").await;
    let tokens = tokens_without_a_page(&hotel, &browser).await;
    assert!(hotel.claims(&tokens).await.get(AGE_18).is_some());
    world.advance(1);
    assert!(hotel.claims(&tokens).await.get(AGE_18).is_none());
    ask(&hotel, &world, &mut browser, "openid age").await;
    browser.assert_at("/consent");
}

async fn a_new_text_of_a_purpose_is_asked_anew(mut world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid age email").await;
    let tokens = allow(&hotel, &mut browser, &[AGE_18_BOX, "email"]).await;
    let file = world.directory().join("settings.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let next = r#"
        [[purposes]]
        id = "age_check"
        version = 2
        basis = "consent"
        [purposes.text]
        en = "To check an age limit, and to count our guests by age"
    "#;
    std::fs::write(&file, format!("{text}\n{next}")).unwrap();
    world.restart().await;
    world.advance(1);
    // What was given was given for another text: it is not released any more, and asked again, alone.
    let claims = hotel.claims(&tokens).await;
    assert!(claims.get(AGE_18).is_none() && claims["email"] == EMAIL, "{claims}");
    ask(&hotel, &world, &mut browser, "openid age email").await;
    browser.assert_at("/consent");
    assert!(boxes(&browser).iter().all(|id| id.contains("age")), "{:?}", boxes(&browser));
    assert!(browser.page.text("main").contains("count our guests"));
}

async fn taking_back_one_claim_counts_at_once(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid email age").await;
    let tokens = allow(&hotel, &mut browser, &["email", AGE_18_BOX]).await;
    browser.open("/account").await;
    let email = browser.page.all("button[name=revoke_claim]", |it| {
        (
            it.attr("id").unwrap().to_owned(),
            it.attr("value").unwrap().contains("claim=email&") || it.attr("value").unwrap().ends_with("claim=email"),
        )
    });
    let (button, _) = email.into_iter().find(|(_, is_email)| *is_email).unwrap();
    browser.press(&button).await;
    browser.assert_at("/account/confirm");
    browser.press("confirm").await;
    browser.assert_at("/account");
    world.advance(1);
    let claims = hotel.claims(&tokens).await;
    assert!(claims.get("email").is_none() && claims[AGE_18] == false, "{claims}");
    ask(&hotel, &world, &mut browser, "openid email age").await;
    let asked = boxes(&browser);
    assert!(
        asked.iter().any(|id| id == "claim-line.email.email") && !asked.iter().any(|id| id.contains("age_over_18")),
        "{asked:?}"
    );
}

async fn taking_back_an_app_counts_at_once(world: World) {
    mina(&world).await;
    let hotel = world.rp("hotel");
    let mut browser = world.browser();
    ask(&hotel, &world, &mut browser, "openid email age offline_access").await;
    let tokens = allow(&hotel, &mut browser, &["email", AGE_18_BOX, "offline_access"]).await;
    browser.open("/account").await;
    browser.press("revoke-app-1").await;
    browser.press("confirm").await;
    browser.assert_at("/account");
    hotel.userinfo(&tokens.access).await.expect(401);
    assert_eq!(hotel.introspect(&tokens.access).await, json!({ "active": false }));
    if let Some(refresh) = &tokens.refresh {
        hotel.try_refresh(refresh, None).await.refused(400, "invalid_grant");
    }
    assert!(!browser.page.has("#revoke-app-1"));
    ask(&hotel, &world, &mut browser, "openid email age").await;
    assert!(boxes(&browser).len() >= 2);
}

async fn a_refreshed_token_tells_no_more_than_today(world: World) {
    let account = mina(&world).await;
    world
        .change_client("web", |client: &mut Client| {
            client.release.scopes.insert("age".to_owned());
        })
        .await;
    let web = world.rp("web");
    let mut browser = world.browser();
    ask(&web, &world, &mut browser, "openid age offline_access").await;
    let tokens = allow(&web, &mut browser, &[AGE_18_BOX]).await;
    assert!(web.claims(&tokens).await.get(AGE_18).is_some());
    world.store().withdraw_consent(account, &"web".into(), ("age", AGE_18), world.now()).await.unwrap();
    assert!(web.claims(&tokens).await.get(AGE_18).is_none());
    let refreshed = web.refresh(tokens.refresh()).await;
    assert!(web.claims(&refreshed).await.get(AGE_18).is_none());
}
