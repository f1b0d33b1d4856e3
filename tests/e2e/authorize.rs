//! The authorization endpoint [RFC 6749 §4.1, OIDC Core §3.1.2].

use crate::support::World;

stories!(
    get_and_post_come_to_the_same,
    what_is_unknown_is_ignored_and_order_does_not_matter,
    an_unknown_client_or_callback_is_a_page_and_never_a_redirect,
    redirect_uris_are_compared_byte_by_byte,
    native_applications_choose_their_loopback_port,
    a_registered_query_is_kept,
    errors_go_back_with_state_and_issuer,
    errors_come_in_the_mode_that_was_asked_for,
    a_repeated_parameter_is_refused,
    request_objects_are_refused_not_ignored,
    pkce_is_needed_where_the_client_says_so,
    implicit_and_hybrid_types_are_refused,
    hints_and_wishes_never_break_anything,
    a_client_switched_off_gets_nothing,
);

async fn get_and_post_come_to_the_same(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    browser.open(&rp.authorize().url()).await;
    let by_get = rp.code(&browser);
    // A form of another site carries no cookie that is SameSite=Lax: the session must be found all the same.
    let request = rp.authorize().with("prompt", "none");
    browser.post_from("https://shop.example/", "/authorize", &request.fields()).await;
    let by_post = rp.code(&browser);
    assert_ne!(by_get, by_post);
    rp.redeem(&by_post).await;
    // And the browser is still the one that signed in.
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.code(&browser);
}

async fn what_is_unknown_is_ignored_and_order_does_not_matter(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut request = rp.authorize().with("frobnicate", "yes").with("scope", "email openid nobody_knows_this profile");
    request.params.reverse();
    browser.open(&request.url()).await;
    let tokens = rp.redeem(&rp.code(&browser)).await;
    assert_eq!(tokens.scope(), ["email", "openid", "profile"]);
}

async fn an_unknown_client_or_callback_is_a_page_and_never_a_redirect(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let broken = [
        rp.authorize().without("client_id"),
        rp.authorize().with("client_id", "nobody"),
        rp.authorize().with("client_id", "WEB"),
        rp.authorize().without("redirect_uri"),
        rp.authorize().with("redirect_uri", ""),
        rp.authorize().with("redirect_uri", "https://evil.example/callback"),
    ];
    for request in broken {
        for mode in ["query", "fragment", "form_post"] {
            let request = request.clone().with("response_mode", mode).with("prompt", "none");
            browser.open(&request.url()).await;
            browser.assert_error(400);
            browser.post_from("https://evil.example/", "/authorize", &request.fields()).await;
            browser.assert_error(400);
        }
    }
}

async fn redirect_uris_are_compared_byte_by_byte(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for uri in [
        "https://shop.example/callback/",
        "https://shop.example/callback?",
        "https://shop.example/callback#",
        "https://shop.example/callback?tab=2",
        "https://shop.example/callback?x=1&tab=1",
        "https://shop.example/Callback",
        "https://SHOP.example/callback",
        "https://shop.example:443/callback",
        "http://shop.example/callback",
        "https://shop.example/x/../callback",
        "https://shop.example/x/..;/callback",
        "https://shop.example/%63allback",
        "https://shop.example/callback%00",
        "https://shop.example.evil.example/callback",
        "https://shopXexample/callback",
        "https://shop.example@evil.example/callback",
        "https://shop.example\\@evil.example/callback",
        "https://a@b@shop.example/callback",
        "https://127.0.0.1/callback",
        "JaVaScRiPt:alert(1)",
        "//shop.example/callback",
        "/callback",
    ] {
        browser.open(&rp.authorize().with("redirect_uri", uri).url()).await;
        browser.assert_error(400);
    }
}

async fn native_applications_choose_their_loopback_port(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for good in ["http://127.0.0.1:49152/callback", "http://127.0.0.1/callback", "http://[::1]:50000/callback"] {
        let rp = world.rp("app").at(good);
        browser.open(&rp.authorize().url()).await;
        let code = rp.code(&browser);
        assert_eq!(browser.page.url.as_str().split('?').next(), Some(good));
        rp.redeem(&code).await;
    }
    let rp = world.rp("app");
    for bad in [
        "http://127.0.0.1:49152/callback?x=1",
        "http://127.0.0.1:49152/other",
        "http://localhost:49152/callback",
        "https://127.0.0.1:49152/callback",
        "http://127.0.0.2:49152/callback",
        "http://127.0.0.1:49152:1/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "com.example.app:/callback:8080",
    ] {
        browser.open(&rp.authorize().with("redirect_uri", bad).url()).await;
        browser.assert_error(400);
    }
}

async fn a_registered_query_is_kept(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web").at("https://shop.example/callback?tab=1");
    browser.open(&rp.authorize().url()).await;
    assert!(browser.page.url.query().unwrap().starts_with("tab=1&"));
    let code = rp.code(&browser);
    rp.redeem(&code).await;
    browser.open(&rp.authorize().with("scope", "").url()).await;
    assert_eq!(rp.response(&browser).get("tab"), Some("1"));
    rp.assert_refused(&browser, "invalid_scope");
}

async fn errors_go_back_with_state_and_issuer(world: World) {
    let mut browser = world.browser();
    let rp = world.rp("web");
    let cases = [
        (rp.authorize().without("response_type"), "invalid_request"),
        (rp.authorize().with("response_type", "token"), "unsupported_response_type"),
        (rp.authorize().with("response_type", "codes"), "unsupported_response_type"),
        (rp.authorize().with("response_mode", "carrier_pigeon"), "invalid_request"),
        (rp.authorize().with("scope", "open\"id"), "invalid_scope"),
        (rp.authorize().with("scope", "nobody_knows_this"), "invalid_scope"),
        (rp.authorize().with("prompt", "none login"), "invalid_request"),
        (rp.authorize().with("max_age", "-1"), "invalid_request"),
        (rp.authorize().with("max_age", "soon"), "invalid_request"),
        (rp.authorize().with("claims", "{"), "invalid_request"),
        (rp.authorize().with("claims", "[]"), "invalid_request"),
        (rp.authorize().with("claims", r#"{"userinfo":7}"#), "invalid_request"),
        (rp.authorize().with("code_challenge_method", "plain"), "invalid_request"),
        (rp.authorize().with("code_challenge", "short"), "invalid_request"),
        (rp.authorize().with("id_token_hint", "x.y.z"), "invalid_request"),
    ];
    let state = format!("a long state, as it came: %2B+&=#\"'<{}", "x".repeat(128));
    for (request, error) in cases {
        let request = request.with("state", &state);
        browser.open(&request.url()).await;
        let response = rp.response(&browser);
        assert_eq!(response.get("error"), Some(error), "{}", request.query());
        assert_eq!((response.get("state"), response.get("iss")), (Some(state.as_str()), Some(world.issuer())));
        let known = ["error", "error_description", "state", "iss"];
        assert!(response.iter().all(|(name, _)| known.contains(&name)), "{response:?}");
        let description = response.get("error_description").unwrap();
        assert!(description.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{description}");
        // Nothing is invented where nothing was sent.
        browser.open(&request.without("state").url()).await;
        assert_eq!(rp.response(&browser).get("state"), None);
    }
}

async fn errors_come_in_the_mode_that_was_asked_for(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    browser.open(&rp.authorize().with("response_mode", "fragment").with("prompt", "none login").url()).await;
    assert_eq!(browser.page.url.query(), None);
    rp.assert_refused(&browser, "invalid_request");
    browser.open(&rp.authorize().with("response_mode", "form_post").with("prompt", "none login").url()).await;
    assert!(!browser.is_away());
    browser.press("continue").await;
    assert_eq!(browser.page.url.as_str(), rp.redirect_uri);
    rp.assert_refused(&browser, "invalid_request");
    // A code travels likewise, and never in the address.
    browser.open(&rp.authorize().with("response_mode", "form_post").url()).await;
    assert!(!browser.page.url.as_str().contains("code="));
    browser.press("continue").await;
    let code = rp.code(&browser);
    rp.redeem(&code).await;
    browser.open(&rp.authorize().with("response_mode", "fragment").url()).await;
    assert_eq!(browser.page.url.query(), None);
    let code = rp.code(&browser);
    rp.redeem(&code).await;
}

async fn a_repeated_parameter_is_refused(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for name in ["client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge", "frobnicate"] {
        let request = rp.authorize().with(name, "one").and(name, "two").with("prompt", "none");
        browser.open(&request.url()).await;
        browser.assert_error(400);
        browser.post_from("https://shop.example/", "/authorize", &request.fields()).await;
        browser.assert_error(400);
    }
    // These may come again and again [RFC 8707 §2].
    let request = rp.authorize().with("resource", "https://a.example").and("resource", "https://b.example");
    browser.open(&request.with("prompt", "none").url()).await;
    rp.code(&browser);
    // The query of a POST is not part of the request.
    let request = rp.authorize().with("prompt", "none");
    browser.post_from("https://shop.example/", "/authorize?client_id=hotel&scope=openid", &request.fields()).await;
    rp.code(&browser);
}

async fn request_objects_are_refused_not_ignored(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        browser.open(&rp.authorize().with(name, "https://evil.example/x#y").url()).await;
        rp.assert_refused(&browser, error);
    }
}

async fn pkce_is_needed_where_the_client_says_so(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for id in ["web", "app", "hotel"] {
        let rp = world.rp(id);
        browser.open(&rp.authorize().without_pkce().url()).await;
        rp.assert_refused(&browser, "invalid_request");
    }
    let rp = world.rp("plain");
    browser.open(&rp.authorize().without_pkce().url()).await;
    rp.code(&browser);
    // A challenge without a method is one of the method plain [RFC 7636 §4.3].
    browser.open(&rp.authorize().without("code_challenge_method").url()).await;
    rp.assert_refused(&browser, "invalid_request");
}

async fn implicit_and_hybrid_types_are_refused(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for response_type in
        ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"]
    {
        browser.open(&rp.authorize().with("response_type", response_type).url()).await;
        rp.assert_refused(&browser, "unsupported_response_type");
    }
}

async fn hints_and_wishes_never_break_anything(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for (name, value) in [
        ("display", "wap"),
        ("display", "hologram"),
        ("prompt", "dance"),
        ("ui_locales", "xx-YY not!a!tag ko"),
        ("claims_locales", "tlh"),
        ("login_hint", "<script>alert(1)</script>"),
        ("acr_values", "urn:nobody:knows 7"),
        ("claims", r#"{"userinfo":{"nickname":null,"urn:nobody:knows":{"essential":true}},"other":{"x":1}}"#),
    ] {
        browser.open(&rp.authorize().with(name, value).url()).await;
        rp.code(&browser);
    }
    let mut stranger = world.browser();
    stranger.open(&rp.authorize().with("login_hint", "ken@example.com").url()).await;
    assert_eq!(stranger.page.attribute("input[name=email]", "value").as_deref(), Some("ken@example.com"));
    stranger.open(&rp.authorize().with("login_hint", "\"><b>@").url()).await;
    assert!(!stranger.page.has("b"));
}

async fn a_client_switched_off_gets_nothing(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    browser.open(&rp.authorize().url()).await;
    let code = rp.code(&browser);
    world.change_client("web", |client| client.disabled = true).await;
    browser.open(&rp.authorize().url()).await;
    browser.assert_error(400);
    rp.try_redeem(&code).await.refused(401, "invalid_client");
    rp.try_refresh(tokens.refresh(), None).await.refused(401, "invalid_client");
    assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
}
