//! RP-initiated logout [OIDC RP-Initiated Logout 1.0].

use comity::jose::{self, Alg, SigningKey};
use comity::protocol::Params;

use crate::support::tokens::part;
use crate::support::{Browser, Request, Rp, Tokens, World};

stories!(
    a_hint_and_a_registered_address_lead_back,
    state_comes_back_only_if_it_was_sent,
    a_post_from_the_client_ends_the_session_too,
    without_a_hint_the_person_is_asked,
    staying_is_possible,
    a_forged_hint_is_a_page,
    an_address_that_is_not_registered_is_a_page,
    an_expired_hint_is_fine,
    a_hint_of_another_session_proves_nothing,
    nobody_is_signed_out_by_a_picture,
    the_session_is_really_over,
);

const BYE: &str = "https://shop.example/bye";

async fn signed_in(world: &World) -> (Rp, Browser, Tokens) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, mut browser) = (world.rp("web"), world.browser());
    let tokens = rp.sign_in(&mut browser, world, "mina@example.com").await;
    (rp, browser, tokens)
}

fn logout(fields: &[(&str, &str)]) -> String {
    let params = fields.iter().fold(Params::new(), |params, (name, value)| params.with(*name, *value));
    format!("/logout?{}", params.to_urlencoded())
}

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.response(browser).get("code").is_some()
}

async fn a_hint_and_a_registered_address_lead_back(world: World) {
    let (rp, mut browser, tokens) = signed_in(&world).await;
    browser
        .open(&logout(&[("id_token_hint", &tokens.id_token), ("post_logout_redirect_uri", BYE), ("state", "s 1&")]))
        .await;
    assert_eq!(browser.page.url.as_str(), "https://shop.example/bye?state=s+1%26");
    assert!(!is_signed_in(&rp, &mut browser).await);
}

async fn state_comes_back_only_if_it_was_sent(world: World) {
    let (_, mut browser, tokens) = signed_in(&world).await;
    browser.open(&logout(&[("id_token_hint", &tokens.id_token), ("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(browser.page.url.as_str(), BYE);
    let with_query = "https://shop.example/bye?from=comity";
    let fields =
        [("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", with_query), ("state", "s")];
    browser.open(&logout(&fields)).await;
    assert_eq!(browser.page.url.as_str(), "https://shop.example/bye?from=comity&state=s");
}

async fn a_post_from_the_client_ends_the_session_too(world: World) {
    let (rp, mut browser, tokens) = signed_in(&world).await;
    let fields = [("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", BYE)];
    browser.post_from("https://shop.example/", "/logout", &fields).await;
    assert_eq!(browser.page.url.as_str(), BYE);
    assert!(!is_signed_in(&rp, &mut browser).await);
}

async fn without_a_hint_the_person_is_asked(world: World) {
    let (rp, mut browser, _) = signed_in(&world).await;
    browser.open("/logout").await;
    browser.assert_at("/logout");
    assert!(is_signed_in(&rp, &mut browser).await);
    browser.open("/logout").await;
    browser.press("sign-out").await;
    browser.assert_at("/signed-out");
    assert!(!is_signed_in(&rp, &mut browser).await);
    // Nobody is signed in: nothing to ask.
    browser.open("/logout").await;
    browser.assert_at("/signed-out");
    // The client's name alone leads nowhere.
    let mut browser = world.browser();
    browser.open(&logout(&[("client_id", "web"), ("post_logout_redirect_uri", BYE)])).await;
    browser.assert_error(400);
}

async fn staying_is_possible(world: World) {
    let (rp, mut browser, _) = signed_in(&world).await;
    browser.open("/logout").await;
    browser.press("stay").await;
    assert!(is_signed_in(&rp, &mut browser).await);
}

async fn a_forged_hint_is_a_page(world: World) {
    let (rp, mut browser, tokens) = signed_in(&world).await;
    let [_, claims, signature] = tokens.id_token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let foreign = SigningKey::generate(Alg::ES256, None).unwrap();
    let foreign = jose::sign(&foreign, "JWT", &part(&tokens.id_token, 1)).unwrap();
    let none = comity::model::digest::b64(br#"{"alg":"none","typ":"JWT"}"#);
    for hint in [&foreign, &format!("{none}.{claims}."), &format!("{none}.{claims}.{signature}"), &tokens.access, "x"] {
        browser.open(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)])).await;
        browser.assert_error(400);
    }
    assert!(is_signed_in(&rp, &mut browser).await);
}

async fn an_address_that_is_not_registered_is_a_page(world: World) {
    let (_, mut browser, tokens) = signed_in(&world).await;
    for uri in [
        "https://evil.example/",
        "https://shop.example/bye/",
        "https://shop.example/bye?x=1",
        "https://shop.example/BYE",
        "https://shop.example/callback",
        "https://hotel.example/bye",
        "//shop.example/bye",
        "javascript:alert(1)",
    ] {
        browser.open(&logout(&[("id_token_hint", &tokens.id_token), ("post_logout_redirect_uri", uri)])).await;
        browser.assert_error(400);
    }
    // Nor does a hint for one client lead to another's address.
    let fields = [
        ("id_token_hint", tokens.id_token.as_str()),
        ("client_id", "hotel"),
        ("post_logout_redirect_uri", "https://hotel.example/bye"),
    ];
    browser.open(&logout(&fields)).await;
    browser.assert_error(400);
}

async fn an_expired_hint_is_fine(world: World) {
    let (rp, mut browser, tokens) = signed_in(&world).await;
    world.advance(86_400);
    browser.open(&logout(&[("id_token_hint", &tokens.id_token), ("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(browser.page.url.as_str(), BYE);
    assert!(!is_signed_in(&rp, &mut browser).await);
}

async fn a_hint_of_another_session_proves_nothing(world: World) {
    let (rp, mut browser, _) = signed_in(&world).await;
    world.person("mal@example.com", "Mal").await;
    let mal = rp.sign_in(&mut world.browser(), &world, "mal@example.com").await;
    let url = logout(&[("id_token_hint", &mal.id_token), ("post_logout_redirect_uri", BYE)]);
    browser.open_from("https://evil.example/", &url).await;
    browser.assert_at("/logout");
    assert!(is_signed_in(&rp, &mut browser).await);
    browser.open(&url).await;
    browser.press("sign-out").await;
    assert_eq!(browser.page.url.as_str(), BYE);
    assert!(!is_signed_in(&rp, &mut browser).await);
}

async fn nobody_is_signed_out_by_a_picture(world: World) {
    let (rp, mut browser, _) = signed_in(&world).await;
    browser.open_from("https://evil.example/", "/logout").await;
    browser.post_from("https://evil.example/", "/logout", &[]).await;
    browser.post_from("https://evil.example/", "/logout/answer", &[("do", "sign_out")]).await;
    browser.assert_error(403);
    let cookie = format!("comity_session={}", browser.cookie("comity_session").unwrap());
    let forged = Request::post("/logout/answer").header("cookie", &cookie).form([("do", "sign_out"), ("csrf", "x")]);
    world.send(forged).await.expect(403);
    assert!(is_signed_in(&rp, &mut browser).await);
}

async fn the_session_is_really_over(world: World) {
    let (rp, mut browser, tokens) = signed_in(&world).await;
    let cookie = browser.cookie("comity_session").unwrap();
    browser.open(&logout(&[("id_token_hint", &tokens.id_token)])).await;
    browser.assert_at("/signed-out");
    assert_eq!(browser.cookie("comity_session"), None);
    let mut thief = world.browser();
    thief.plant_cookie("comity_session", &cookie);
    assert!(!is_signed_in(&rp, &mut thief).await);
}
