//! Client authentication [RFC 6749 §2.3, OIDC Core §9, RFC 7523 §3].

use comity::jose::{self, Alg, SigningKey, hs256_sign};
use comity::model::digest::b64;
use serde_json::{Value, json};

use crate::support::rp::{ASSERTION_TYPE, Credentials};
use crate::support::{Reply, Request, Rp, World};

stories!(
    each_method_works_for_whom_it_is_registered,
    no_other_method_does_even_with_the_right_secret,
    two_methods_at_once_are_refused,
    a_failed_basic_is_challenged,
    wrong_secrets_are_refused_whatever_is_wrong,
    a_secret_being_replaced_works_until_its_end,
    an_assertion_is_believed_once,
    an_assertion_names_client_and_audience,
    an_assertion_is_short_lived,
    an_assertion_is_signed_by_a_registered_key,
    wrong_types_are_errors_not_absences,
    a_key_given_in_the_message_is_no_key,
);

/// Asks something only an authenticated client learns: 200 means authenticated.
const PROBE: [(&str, &str); 1] = [("token", "nothing")];

async fn probe(rp: &Rp) -> Reply {
    rp.post("/introspect", &PROBE).await
}

async fn with_key(world: &World, alg: Alg) -> (Rp, SigningKey) {
    let key = SigningKey::generate(alg, Some("key-1")).unwrap();
    world
        .register(
            "[[client]]\nclient_id = \"keyed\"\nclient_name = \"Keyed\"\nclient_secret = \"keyed-secret-too\"\n\
             redirect_uris = [\"https://rp.example/callback\"]\nrelease.scopes = [\"openid\"]\n",
        )
        .await;
    let jwks = json!({ "keys": [key.public_jwk()] });
    world
        .change_client("keyed", |client| {
            client.token_endpoint_auth_method = serde_json::from_value(json!("private_key_jwt")).unwrap();
            client.jwks = Some(jwks);
        })
        .await;
    (world.rp("keyed").with_credentials(Credentials::Key(key.clone())), key)
}

/// Offers this assertion, with the client's name beside it or not.
async fn offer(world: &World, assertion: &str) -> Reply {
    let fields = [PROBE[0], ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
    world.send(Request::post("/introspect").form(fields)).await
}

/// Signs the claims of a good assertion, changed.
fn changed(rp: &Rp, key: &SigningKey, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = rp.assertion();
    change(&mut claims);
    jose::sign(key, "JWT", &claims).unwrap()
}

async fn each_method_works_for_whom_it_is_registered(world: World) {
    probe(&world.rp("web")).await.expect(200);
    probe(&world.rp("plain")).await.expect(200);
    for alg in Alg::ALL {
        probe(&with_key(&world, alg).await.0).await.expect(200);
    }
    // A public client proves nothing: its name opens the token endpoint, not introspection.
    let app = world.rp("app");
    app.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await.refused(400, "invalid_grant");
    probe(&app).await.refused(401, "invalid_client");
}

async fn no_other_method_does_even_with_the_right_secret(world: World) {
    let secret = |id: &str| format!("{id}-secret-of-the-tests");
    let wrong = [
        world.rp("web").with_credentials(Credentials::Post(secret("web"))),
        world.rp("web").with_credentials(Credentials::None),
        world.rp("plain").with_credentials(Credentials::Basic(secret("plain"))),
        world.rp("plain").with_credentials(Credentials::None),
        world.rp("app").with_credentials(Credentials::Basic("anything".to_owned())),
        world.rp("app").with_credentials(Credentials::Post("anything".to_owned())),
    ];
    for rp in wrong {
        probe(&rp).await.refused(401, "invalid_client");
    }
    let (keyed, key) = with_key(&world, Alg::ES256).await;
    probe(&keyed.clone().with_credentials(Credentials::Basic("keyed-secret-too".into())))
        .await
        .refused(401, "invalid_client");
    probe(&keyed.with_credentials(Credentials::Post("keyed-secret-too".into()))).await.refused(401, "invalid_client");
    probe(&world.rp("web").with_credentials(Credentials::Key(key))).await.refused(401, "invalid_client");
}

async fn two_methods_at_once_are_refused(world: World) {
    let secret = "web-secret-of-the-tests";
    let basic = || Request::post("/introspect").basic("web", secret);
    let both = basic().form([PROBE[0], ("client_id", "web"), ("client_secret", secret)]);
    world.send(both).await.refused(400, "invalid_request");
    let (keyed, key) = with_key(&world, Alg::ES256).await;
    let assertion = changed(&keyed, &key, |_| ());
    let fields = [PROBE[0], ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
    let with_basic = Request::post("/introspect").basic("keyed", "keyed-secret-too").form(fields);
    world.send(with_basic).await.refused(400, "invalid_request");
    let fields = fields.into_iter().chain([("client_id", "keyed"), ("client_secret", "keyed-secret-too")]);
    world.send(Request::post("/introspect").form(fields)).await.refused(400, "invalid_request");
    // Naming oneself beside the credential is harmless, naming another is not.
    world.send(basic().form([PROBE[0], ("client_id", "web")])).await.expect(200);
    world.send(basic().form([PROBE[0], ("client_id", "plain")])).await.refused(401, "invalid_client");
    let twice = basic().header("authorization", "Basic d2ViOng=").form(PROBE);
    assert!(matches!(world.send(twice).await.status, 400 | 401));
}

async fn a_failed_basic_is_challenged(world: World) {
    let reply = probe(&world.rp("web").with_credentials(Credentials::Basic("wrong".into()))).await;
    reply.refused(401, "invalid_client");
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic "));
    for path in ["/token", "/introspect", "/revoke"] {
        let reply = world.send(Request::post(path).basic("web", "wrong").form(PROBE)).await;
        reply.refused(401, "invalid_client");
    }
}

async fn wrong_secrets_are_refused_whatever_is_wrong(world: World) {
    for secret in ["", " ", "web-secret-of-the-test", "web-secret-of-the-tests ", "WEB-SECRET-OF-THE-TESTS", "%00"] {
        probe(&world.rp("web").with_credentials(Credentials::Basic(secret.into())))
            .await
            .refused(401, "invalid_client");
    }
    let unknown = probe(&world.rp("nobody").with_credentials(Credentials::Basic("x".into()))).await;
    let known = probe(&world.rp("web").with_credentials(Credentials::Basic("x".into()))).await;
    assert_eq!(unknown.body, known.body, "nobody learns which clients there are");
    for header in
        ["Basic", "Basic !!!!", "Basic d2Vi", "Basic d2ViOg==", "Bearer d2ViOng=", "Basic d2ViOng=\t", "Digest x"]
    {
        let reply = world.send(Request::post("/introspect").header("authorization", header).form(PROBE)).await;
        reply.refused(401, "invalid_client");
    }
    // Credentials are form-urlencoded before base64 [RFC 6749 §2.3.1].
    world
        .register(
            "[[client]]\nclient_id = \"odd:one\"\nclient_name = \"Odd\"\nclient_secret = \"100% +/&=:é\"\n\
             grant_types = [\"client_credentials\"]\n",
        )
        .await;
    probe(&world.rp("odd:one").with_credentials(Credentials::Basic("100% +/&=:é".into()))).await.expect(200);
}

async fn a_secret_being_replaced_works_until_its_end(world: World) {
    let old = world.rp("web");
    let new = world.rp("web").with_credentials(Credentials::Basic("a new secret".into()));
    let hash = comity::model::client::SecretHash {
        sha256: comity::model::digest::sha256_b64("a new secret"),
        expires_at: None,
    };
    world.store().rotate_client_secret(&"web".into(), &hash.sha256, world.now() + 60, world.now()).await.unwrap();
    probe(&old).await.expect(200);
    probe(&new).await.expect(200);
    world.advance(60);
    probe(&old).await.refused(401, "invalid_client");
    probe(&new).await.expect(200);
}

async fn an_assertion_is_believed_once(world: World) {
    let (rp, key) = with_key(&world, Alg::ES256).await;
    let assertion = changed(&rp, &key, |_| ());
    offer(&world, &assertion).await.expect(200);
    offer(&world, &assertion).await.refused(401, "invalid_client");
    // Nor at another endpoint, nor as long as it lives.
    world.advance(50);
    for path in ["/token", "/revoke"] {
        let fields = [PROBE[0], ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
        world.send(Request::post(path).form(fields)).await.refused(401, "invalid_client");
    }
    offer(&world, &changed(&rp, &key, |claims| drop(claims.as_object_mut().unwrap().remove("jti"))))
        .await
        .refused(401, "invalid_client");
    offer(&world, &changed(&rp, &key, |claims| claims["jti"] = json!(""))).await.refused(401, "invalid_client");
    let assertion = changed(&rp, &key, |_| ());
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (rp, assertion) = (rp.clone(), assertion.clone());
            let fields = [PROBE[0], ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
            let request = Request::post("/introspect").form(fields);
            tokio::spawn(async move { rp.send(request).await.status })
        })
        .collect();
    let mut won = 0;
    for call in calls {
        won += usize::from(call.await.unwrap() == 200);
    }
    assert_eq!(won, 1);
}

async fn an_assertion_names_client_and_audience(world: World) {
    let (rp, key) = with_key(&world, Alg::ES256).await;
    let token_endpoint = format!("{}/token", world.issuer());
    for good in [
        json!(world.issuer()),
        json!(token_endpoint),
        json!([world.issuer()]),
        json!(["https://x.example", token_endpoint]),
    ] {
        offer(&world, &changed(&rp, &key, |claims| claims["aud"] = good.clone())).await.expect(200);
    }
    for bad in [
        json!("https://evil.example"),
        json!(format!("{}/", world.issuer())),
        json!(format!("{}/userinfo", world.issuer())),
        json!([]),
        json!(7),
        json!(null),
    ] {
        offer(&world, &changed(&rp, &key, |claims| claims["aud"] = bad.clone())).await.refused(401, "invalid_client");
    }
    for name in ["iss", "sub", "aud", "exp"] {
        offer(&world, &changed(&rp, &key, |claims| drop(claims.as_object_mut().unwrap().remove(name))))
            .await
            .refused(401, "invalid_client");
    }
    for name in ["iss", "sub"] {
        offer(&world, &changed(&rp, &key, |claims| claims[name] = json!("web"))).await.refused(401, "invalid_client");
    }
    // The client_id parameter must agree.
    let assertion = changed(&rp, &key, |_| ());
    let fields =
        [PROBE[0], ("client_id", "web"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
    world.send(Request::post("/introspect").form(fields)).await.refused(401, "invalid_client");
    let fields = [
        PROBE[0],
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
        ("client_assertion", &assertion),
    ];
    world.send(Request::post("/introspect").form(fields)).await.refused(401, "invalid_client");
}

async fn an_assertion_is_short_lived(world: World) {
    let (rp, key) = with_key(&world, Alg::ES256).await;
    let now = world.now().0;
    let good = [("exp", now + 300), ("exp", now + 1), ("iat", now + 10), ("nbf", now + 10), ("iat", now - 250)];
    for (name, value) in good {
        offer(&world, &changed(&rp, &key, |claims| claims[name] = json!(value))).await.expect(200);
    }
    let bad = [("exp", now - 300), ("exp", now - 31), ("exp", now + 3600), ("iat", now + 61), ("nbf", now + 61)];
    for (name, value) in bad {
        let reply = offer(&world, &changed(&rp, &key, |claims| claims[name] = json!(value))).await;
        reply.refused(401, "invalid_client");
    }
}

async fn an_assertion_is_signed_by_a_registered_key(world: World) {
    let (rp, key) = with_key(&world, Alg::ES256).await;
    let good = changed(&rp, &key, |_| ());
    let stranger = SigningKey::generate(Alg::ES256, Some("key-1")).unwrap();
    let unknown_kid = SigningKey::from_pkcs8(Alg::ES256, Some("key-2"), key.to_pkcs8().unwrap().expose()).unwrap();
    let other_alg = SigningKey::generate(Alg::EdDSA, Some("key-1")).unwrap();
    for wrong in [&stranger, &unknown_kid, &other_alg] {
        offer(&world, &changed(&rp, wrong, |_| ())).await.refused(401, "invalid_client");
    }
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = b64(br#"{"alg":"none","kid":"key-1","typ":"JWT"}"#);
    let public = serde_json::to_vec(key.public_jwk()).unwrap();
    let symmetric = hs256_sign(&public, "JWT", &rp.assertion()).unwrap();
    let secret = hs256_sign(b"keyed-secret-too-keyed-secret-too", "JWT", &rp.assertion()).unwrap();
    for forged in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}.x"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 2]),
        format!("{header}.{}.{signature}", b64(rp.assertion().to_string().as_bytes())),
        ".".repeat(10_000),
        "x".repeat(20_000),
        symmetric,
        secret,
    ] {
        offer(&world, &forged).await.refused(401, "invalid_client");
    }
    // An ID token of ours about somebody is no assertion.
    world.person("mina@example.com", "Mina Kim").await;
    let tokens = world.rp("web").sign_in(&mut world.browser(), &world, "mina@example.com").await;
    offer(&world, &tokens.id_token).await.refused(401, "invalid_client");
    offer(&world, &good).await.expect(200);
}

async fn wrong_types_are_errors_not_absences(world: World) {
    let (rp, key) = with_key(&world, Alg::ES256).await;
    let now = world.now().0;
    for (name, value) in [
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(true)),
        ("exp", json!(null)),
        ("exp", json!([now + 60])),
        ("nbf", json!("now")),
        ("iat", json!({})),
        ("jti", json!(7)),
        ("sub", json!(["keyed"])),
        ("iss", json!({ "keyed": true })),
    ] {
        let reply = offer(&world, &changed(&rp, &key, |claims| claims[name] = value.clone())).await;
        assert_eq!(reply.status, 401, "{name}: {value}");
    }
}

async fn a_key_given_in_the_message_is_no_key(world: World) {
    let (rp, _) = with_key(&world, Alg::ES256).await;
    let mine = SigningKey::generate(Alg::ES256, Some("key-1")).unwrap();
    let mut good = serde_json::to_value(mine.public_jwk()).unwrap();
    good["kid"] = json!("key-1");
    let real = changed(&rp, &mine, |_| ());
    let [_, claims, signature] = real.split('.').collect::<Vec<_>>().try_into().unwrap();
    for (name, value) in [
        ("jwk", good),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
    ] {
        let mut header = json!({ "alg": "ES256", "kid": "key-1", "typ": "JWT" });
        header[name] = value;
        let forged = format!("{}.{claims}.{signature}", b64(header.to_string().as_bytes()));
        offer(&world, &forged).await.refused(401, "invalid_client");
    }
}
