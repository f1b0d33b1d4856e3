//! Redeeming authorization codes [RFC 6749 §4.1.3, OIDC Core §3.1.3, RFC 7636 §4.6].

use std::collections::BTreeSet;

use crate::support::tokens::part;
use crate::support::{Browser, Request, Rp, World};

stories!(
    an_access_token_says_what_it_is_for,
    the_id_token_holds_no_profile_unless_asked,
    secrets_are_long_and_never_repeat,
    a_code_used_again_takes_its_tokens_along,
    of_fifty_redemptions_one_wins,
    a_code_lives_for_a_minute,
    a_code_is_bound_to_its_client,
    a_code_is_bound_to_its_redirect_uri,
    pkce_is_verified_whenever_it_was_begun,
    nothing_else_passes_for_a_code,
    suspended_people_get_no_tokens,
    only_refreshable_clients_get_refresh_tokens,
    malformed_requests_are_refused_in_standard_form,
    the_subject_is_the_same_wherever_it_appears,
    pairwise_subjects_differ_by_sector,
    scope_is_what_the_client_may_have,
);

async fn code_for(world: &World, rp: &Rp, browser: &mut Browser) -> String {
    browser.open(&rp.authorize().url()).await;
    if !browser.is_away() && browser.page.url.path() == "/sign-in" {
        browser.sign_in(world, "mina@example.com").await;
    }
    rp.code(browser)
}

/// The parameters that redeem a code, with one of them changed or left out.
fn redemption(rp: &Rp, code: &str, name: &str, value: Option<&str>) -> Vec<(String, String)> {
    let mut fields = rp.redemption(code);
    fields.retain(|(known, _)| known != name);
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    fields
}

async fn an_access_token_says_what_it_is_for(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let token = part(&tokens.access, 1);
    assert_eq!((token["iss"].as_str(), token["aud"].as_str()), (Some(world.issuer()), Some("web")));
    assert_eq!((token["client_id"].as_str(), token["sub"].as_str()), (Some("web"), Some(tokens.sub())));
    assert_eq!(token["exp"].as_i64(), Some(world.now().0 + 600));
    assert_eq!(token["scope"], "openid profile email");
    assert!(!token["jti"].as_str().unwrap().is_empty());
    // Its signature is for the resource server, that of the ID token for the client.
    world.change_client("web", |client| "EdDSA".clone_into(&mut client.access_token_signed_response_alg)).await;
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    assert_eq!(
        (&part(&tokens.access, 0)["alg"], &part(&tokens.id_token, 0)["alg"]),
        (&"EdDSA".into(), &"RS256".into())
    );
    rp.userinfo(&tokens.access).await.expect(200);
    // An opaque one says nothing at all.
    let opaque = world.rp("plain").sign_in(&mut browser, &world, "mina@example.com").await;
    assert!(!opaque.access.contains('.'));
    world.rp("plain").userinfo(&opaque.access).await.expect(200);
}

async fn the_id_token_holds_no_profile_unless_asked(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let plain = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let names: BTreeSet<&str> = plain.id.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["acr", "amr", "at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sid", "sub"];
    assert_eq!(names, BTreeSet::from(expected));
    let claims =
        r#"{"id_token":{"email":null,"name":{"essential":true},"phone_number":null},"userinfo":{"email":null}}"#;
    browser.open(&rp.authorize().with("scope", "openid").with("claims", claims).url()).await;
    let asked = rp.redeem(&rp.code(&browser)).await;
    assert_eq!((asked.id["email"].as_str(), asked.id["name"].as_str()), (Some("mina@example.com"), Some("Mina Kim")));
    assert!(asked.id.get("phone_number").is_none(), "what is not known is left out");
    let userinfo = rp.claims(&asked).await;
    assert_eq!(userinfo["email"], "mina@example.com");
    assert!(userinfo.get("name").is_none());
}

async fn secrets_are_long_and_never_repeat(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        browser.open(&rp.authorize().with("scope", "openid offline_access").url()).await;
        let code = rp.code(&browser);
        let tokens = rp.redeem(&code).await;
        for secret in [code, tokens.refresh().to_owned()] {
            assert!(
                secret.len() >= 43 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
            assert!(seen.insert(secret));
        }
        assert!(seen.insert(tokens.access));
    }
}

async fn a_code_used_again_takes_its_tokens_along(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for seconds_later in [0, 30, 300] {
        browser.open(&rp.authorize().with("scope", "openid offline_access").url()).await;
        let code = rp.code(&browser);
        let tokens = rp.redeem(&code).await;
        rp.userinfo(&tokens.access).await.expect(200);
        world.advance(seconds_later);
        rp.try_redeem(&code).await.refused(400, "invalid_grant");
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
        assert_eq!(rp.introspect(&tokens.access).await["active"], false);
        rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    }
}

async fn of_fifty_redemptions_one_wins(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let code = code_for(&world, &rp, &mut browser).await;
    let calls = (0..50).map(|_| {
        let (rp, code) = (rp.clone(), code.clone());
        tokio::spawn(async move { rp.try_redeem(&code).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut won = 0;
    for call in calls {
        let reply = call.await.unwrap();
        match reply.status {
            200 => won += 1,
            _ => reply.refused(400, "invalid_grant"),
        }
    }
    assert_eq!(won, 1);
}

async fn a_code_lives_for_a_minute(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let code = code_for(&world, &rp, &mut browser).await;
    world.advance(59);
    rp.redeem(&code).await;
    let code = code_for(&world, &rp, &mut browser).await;
    world.advance(61);
    rp.try_redeem(&code).await.refused(400, "invalid_grant");
}

async fn a_code_is_bound_to_its_client(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for other in ["plain", "app", "hotel"] {
        let code = code_for(&world, &rp, &mut browser).await;
        world.rp(other).call("/token", &rp.redemption(&code)).await.refused(400, "invalid_grant");
        // Whoever offered it had it from somebody: it is worth nothing any more.
        rp.try_redeem(&code).await.refused(400, "invalid_grant");
    }
}

async fn a_code_is_bound_to_its_redirect_uri(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    for uri in [None, Some("https://shop.example/callback?tab=1"), Some("https://shop.example/callback/")] {
        let code = code_for(&world, &rp, &mut browser).await;
        rp.call("/token", &redemption(&rp, &code, "redirect_uri", uri)).await.refused(400, "invalid_grant");
    }
}

async fn pkce_is_verified_whenever_it_was_begun(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("plain");
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for wrong in [None, Some("x".repeat(43)), Some(challenge.to_owned()), Some("x".repeat(42)), Some("x".repeat(129))] {
        let code = code_for(&world, &rp, &mut browser).await;
        let fields = redemption(&rp, &code, "code_verifier", wrong.as_deref());
        rp.call("/token", &fields).await.refused(400, "invalid_grant");
    }
    // The other way round is a downgrade too: a verifier for a code without a challenge [RFC 9700 §4.8.2].
    browser.open(&rp.authorize().without_pkce().url()).await;
    let code = rp.code(&browser);
    rp.try_redeem(&code).await.refused(400, "invalid_grant");
    browser.open(&rp.authorize().without_pkce().url()).await;
    let code = rp.code(&browser);
    let fields = redemption(&rp, &code, "code_verifier", None);
    rp.tokens(rp.call("/token", &fields).await).await;
}

async fn nothing_else_passes_for_a_code(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    let mut stranger = world.browser();
    stranger.open(&rp.authorize().url()).await;
    let txn = stranger.page.attribute("input[name=txn]", "value").unwrap();
    stranger.ask_for_code("mina@example.com").await;
    let link = world.link_mailed_to("mina@example.com");
    let link = link.split_once("token=").unwrap().1;
    let session = browser.cookie("comity_session").unwrap();
    let digits = world.code_mailed_to("mina@example.com");
    for value in [&tokens.access, tokens.refresh(), &tokens.id_token, &txn, link, &session, &digits] {
        rp.try_redeem(value).await.refused(400, "invalid_grant");
        rp.userinfo(value).await;
    }
    // Nor does one of these pass for another.
    for value in [&tokens.access, &tokens.id_token, &txn, link, &session] {
        rp.try_refresh(value, None).await.refused(400, "invalid_grant");
    }
    for value in [tokens.refresh(), &tokens.id_token, &txn, link, &session] {
        assert_eq!(rp.userinfo(value).await.status, 401, "{value}");
    }
    for value in [&tokens.access, tokens.refresh(), &tokens.id_token, &txn, link] {
        let mut thief = world.browser();
        thief.plant_cookie("comity_session", value);
        thief.open(&rp.authorize().with("prompt", "none").url()).await;
        rp.assert_refused(&thief, "login_required");
    }
}

async fn suspended_people_get_no_tokens(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let code = code_for(&world, &rp, &mut browser).await;
    world.suspend(account).await;
    rp.try_redeem(&code).await.refused(400, "invalid_grant");
    assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
    assert_eq!(rp.introspect(&tokens.access).await["active"], false);
    browser.open(&rp.authorize().with("prompt", "none").url()).await;
    rp.assert_refused(&browser, "login_required");
    // A mailbox does not open the account again.
    browser.open(&rp.authorize().url()).await;
    browser.sign_in(&world, "mina@example.com").await;
    assert!(!browser.is_away());
}

async fn only_refreshable_clients_get_refresh_tokens(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let without = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    assert_eq!(without.refresh, None);
    let with = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    assert!(with.refresh.is_some());
    world.change_client("web", |client| client.grant_types.retain(|grant| grant.as_str() != "refresh_token")).await;
    let never = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    assert_eq!(never.refresh, None);
    rp.try_refresh(with.refresh(), None).await.refused(400, "unauthorized_client");
}

async fn malformed_requests_are_refused_in_standard_form(world: World) {
    let rp = world.rp("web");
    rp.post("/token", &[]).await.refused(400, "invalid_request");
    rp.post("/token", &[("grant_type", "password"), ("username", "mina"), ("password", "x")])
        .await
        .refused(400, "unsupported_grant_type");
    rp.post("/token", &[("grant_type", "client_credentials")]).await.refused(400, "unauthorized_client");
    rp.post("/token", &[("grant_type", "authorization_code")]).await.refused(400, "invalid_request");
    rp.post("/token", &[("grant_type", "refresh_token")]).await.refused(400, "invalid_request");
    rp.post("/token", &[("grant_type", "authorization_code"), ("code", "a"), ("code", "b")])
        .await
        .refused(400, "invalid_request");
    let base = || Request::post("/token").basic("web", "web-secret-of-the-tests");
    for body in [&b"grant_type=authorization_code&code=%ff%fe"[..], b"grant_type=%", b"code=a%00b", b"\xff\xfe=1"] {
        world.send(base().raw_form(body.to_vec())).await.refused(400, "invalid_request");
    }
    let many = (0..101).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    world.send(base().raw_form(many)).await.refused(400, "invalid_request");
    world.send(base().raw_form(format!("code={}", "x".repeat(70_000)))).await.refused(400, "invalid_request");
    let mut json = base().header("content-type", "application/json");
    json.body = "{\"grant_type\":\"authorization_code\"}".into();
    world.send(json).await.refused(400, "invalid_request");
    // Parameters belong into the body alone.
    let query = Request::post("/token?grant_type=authorization_code&code=x").basic("web", "web-secret-of-the-tests");
    world.send(query.form([])).await.refused(400, "invalid_request");
    world.send(Request::get("/token?grant_type=authorization_code")).await.expect(405);
}

async fn the_subject_is_the_same_wherever_it_appears(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for id in ["web", "hotel"] {
        let rp = world.rp(id);
        let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid email offline_access").await;
        let refreshed = rp.refresh(tokens.refresh()).await;
        assert_eq!(refreshed.sub(), tokens.sub());
        assert_eq!(part(&tokens.access, 1)["sub"], tokens.sub());
        assert_eq!(rp.claims(&tokens).await["sub"], tokens.sub());
        assert_eq!(rp.introspect(&tokens.access).await["sub"], tokens.sub());
        assert_eq!(rp.introspect(tokens.refresh()).await["sub"], tokens.sub());
    }
}

async fn pairwise_subjects_differ_by_sector(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let pairwise = |id: &str, host: &str| {
        format!(
            "[[client]]\nclient_id = \"{id}\"\nclient_name = \"{id}\"\nsubject_type = \"pairwise\"\n\
             token_endpoint_auth_method = \"none\"\nredirect_uris = [\"https://{host}/callback\"]\n\
             release.scopes = [\"openid\"]\n"
        )
    };
    let rows = [("one", "a.example"), ("two", "a.example"), ("three", "b.example")];
    for (id, host) in rows {
        world.register(&pairwise(id, host)).await;
    }
    let mut subs = Vec::new();
    for (id, host) in rows {
        let rp = world.rp(id).at(&format!("https://{host}/callback"));
        subs.push(rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid").await.sub().to_owned());
    }
    assert_eq!(subs[0], subs[1]);
    assert_ne!(subs[0], subs[2]);
    let public = world.rp("web").sign_in(&mut browser, &world, "mina@example.com").await;
    let portal = world.rp("plain").sign_in(&mut browser, &world, "mina@example.com").await;
    assert_eq!(public.sub(), portal.sub());
    assert!(!subs.contains(&public.sub().to_owned()));
}

async fn scope_is_what_the_client_may_have(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("plain");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid profile phone age membership").await;
    assert_eq!(tokens.scope(), ["openid", "profile"]);
    let rp = world.rp("web");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "profile email").await;
    assert_eq!(tokens.id, serde_json::Value::Null, "without openid this is plain OAuth");
    rp.userinfo(&tokens.access).await.expect(403);
}
