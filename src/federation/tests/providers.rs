//! Each provider's peculiarities.

use super::*;
use crate::jose::{Audience, Expected, JwkSet, verify};

#[tokio::test]
async fn kakao_is_asked_for_the_profile_in_the_first_login() {
    let stage = Stage::of("kakao", "algs = [\"ES256\"]").await;
    let profile = |id: i64| json!({ "id": id, "kakao_account": { "email": "m@ex.kr", "is_email_valid": true, "is_email_verified": true } });
    let login = async |answer: Option<Answer>| {
        let away = stage.begins().await;
        assert_eq!(away.param("scope").as_deref(), Some("openid,profile_nickname,account_email"));
        let mut claims = stage.claims(&away, &stage.upstream.issuer());
        claims["sub"] = json!("3900000001");
        stage.token_answer("/oauth/token", Some(&stage.signed(&claims)));
        if let Some(answer) = answer {
            stage.upstream.says("/v2/user/me", answer);
        }
        stage.returns(away.callback()).await
    };
    assert_eq!(reason(login(None).await), Reason::ProfileRejected);
    let someone_else = Answer::json(200, &profile(3_900_000_002));
    assert_eq!(reason(login(Some(someone_else)).await), Reason::SubjectMismatch);

    let completed = login(Some(Answer::json(200, &profile(3_900_000_001)))).await.unwrap();
    assert_eq!(completed.profile.key.subject, "3900000001");
    assert_eq!(completed.profile.email_trust, EmailTrust::Authoritative);
    let asked = stage.upstream.asked("/v2/user/me").pop().unwrap();
    assert_eq!(asked.authorization.as_deref(), Some("Bearer access"));
    assert_eq!(asked.query["secure_resource"], "true");
}

#[tokio::test]
async fn naver_nests_quotes_and_answers_200() {
    let stage = Stage::of("naver", "").await;
    let login = async |token: Value, profile: Value| {
        let away = stage.begins().await;
        assert_eq!((away.param("nonce"), away.param("code_challenge"), away.param("scope")), (None, None, None));
        stage.upstream.says("/oauth2.0/token", Answer::json(200, &token));
        stage.upstream.says("/v1/nid/me", Answer::json(200, &profile));
        (away.state.clone(), stage.returns(away.callback()).await)
    };
    let token = json!({"access_token": "AAAA+/=", "refresh_token": "r", "token_type": "bearer", "expires_in": "3600"});
    let profile =
        json!({"resultcode": "00", "message": "success", "response": {"id": "AbC_1", "email": "m@naver.com"}});

    let (sent, outcome) = login(token.clone(), profile.clone()).await;
    let completed = outcome.unwrap();
    assert_eq!(completed.profile.key.issuer, stage.upstream.issuer());
    assert_eq!(completed.profile.key.subject, "AbC_1");
    assert_eq!(completed.profile.tokens.expires_at, Some(NOW + 3600));
    assert!(!completed.profile.email_verified());
    assert_eq!(stage.upstream.asked("/oauth2.0/token")[0].form["state"], sent);

    let refused = json!({"resultcode": "024", "message": "Authentication failed"});
    assert_eq!(reason(login(token, refused).await.1), Reason::ProfileRejected);
    let no_token = json!({"error": "invalid_request", "error_description": "no valid data in session"});
    assert_eq!(reason(login(no_token, profile).await.1), Reason::CodeRejected);
}

#[tokio::test]
async fn line_signs_with_the_secret_or_with_keys_never_either() {
    let web = Stage::of("line", "").await;
    let login = async |stage: &Stage, sign: &dyn Fn(&Value) -> String| {
        let away = stage.begins().await;
        let claims = stage.claims(&away, &stage.upstream.issuer());
        stage.token_answer("/oauth2/v2.1/token", Some(&sign(&claims)));
        stage.returns(away.callback()).await
    };
    let by_secret = |claims: &Value| hs256_sign(SECRET.as_bytes(), "JWT", claims).unwrap();
    let by_wrong_secret = |claims: &Value| hs256_sign(&[7; 32], "JWT", claims).unwrap();
    assert!(login(&web, &by_secret).await.is_ok());
    assert_eq!(reason(login(&web, &by_wrong_secret).await), Reason::IdTokenRejected);
    assert_eq!(reason(login(&web, &|claims| web.signed(claims)).await), Reason::IdTokenRejected);
    assert!(web.upstream.asked("/oauth2/v2.1/certs").is_empty());
    assert!(!web.upstream.asked("/oauth2/v2.1/token")[0].form.contains_key("id_token_key_type"));

    let native = Stage::of("line", "algs = [\"ES256\"]").await;
    assert!(login(&native, &|claims| native.signed(claims)).await.is_ok());
    assert_eq!(reason(login(&native, &by_secret).await), Reason::IdTokenRejected);
    assert_eq!(native.upstream.asked("/oauth2/v2.1/token")[0].form["id_token_key_type"], "JWK");
}

#[tokio::test]
async fn line_gets_one_more_chance_when_it_loses_the_state() {
    let stage = Stage::of("line", "").await;
    let away = stage.begins().await;
    let lost = || CallbackParams::from_pairs([("state", "line-made-this-up"), ("code", "invalid")]);
    // Another browser has no login under way.
    let stranger = stage.federation.complete(&stage.id, lost(), "another-browser").await;
    assert!(matches!(stranger, Err(Failure::Unknown)));

    let Err(Failure::Retry { txn, location }) = stage.returns(lost()).await else { panic!("no retry") };
    let retried = super::away(location);
    assert_eq!(txn, "txn");
    assert_eq!(retried.param("disable_auto_login").as_deref(), Some("true"));
    assert_ne!(retried.state, away.state);
    assert!(matches!(stage.returns(lost()).await, Err(Failure::Unknown)));

    let claims = stage.claims(&retried, &stage.upstream.issuer());
    let token = hs256_sign(SECRET.as_bytes(), "JWT", &claims).unwrap();
    stage.token_answer("/oauth2/v2.1/token", Some(&token));
    assert_eq!(stage.returns(retried.callback()).await.unwrap().txn, "txn");
}

#[tokio::test]
async fn apple_gets_a_fresh_secret_and_posts_the_name_once() {
    let team_key = SigningKey::generate(Alg::ES256, Some("KEY1234567")).unwrap();
    let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, team_key.to_pkcs8().unwrap().expose());
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let body = lines.join("\n");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let more = format!("team_id = \"TEAM\"\nkey_id = \"KEY1234567\"\nalgs = [\"ES256\"]\nprivate_key = '''\n{pem}'''");
    let stage = Stage::of("apple", &more).await;
    let away = stage.begins().await;
    assert_eq!(away.param("response_mode").as_deref(), Some("form_post"));
    assert_eq!(away.param("scope").as_deref(), Some("name email"));
    assert_eq!(away.param("code_challenge"), None);

    let mut claims = stage.claims(&away, &stage.upstream.issuer());
    claims["email"] = json!("x@privaterelay.appleid.com");
    claims["email_verified"] = json!("true");
    claims["is_private_email"] = json!("true");
    stage.token_answer("/auth/token", Some(&stage.signed(&claims)));

    let user = r#"{"name":{"firstName":"민지","lastName":"김"},"email":"victim@example.com"}"#;
    let posted = CallbackParams::from_pairs([("state", away.state.as_str()), ("code", "c0de"), ("user", user)]);
    let made_up = CallbackParams::from_pairs([("state", "made-up"), ("code", "c0de")]);
    assert!(matches!(stage.federation.hold(&stage.id, &made_up).await, Err(Failure::Unknown)));
    let handle = stage.federation.hold(&stage.id, &posted).await.unwrap();
    let params = stage.federation.release(&stage.id, &handle).await.unwrap();
    assert!(matches!(stage.federation.release(&stage.id, &handle).await, Err(Failure::Unknown)));

    let profile = stage.returns(params).await.unwrap().profile;
    assert_eq!(profile.attributes.given_name.as_deref(), Some("민지"));
    assert_eq!(profile.email.as_deref(), Some("x@privaterelay.appleid.com"));
    assert_eq!(profile.email_trust, EmailTrust::Relay);

    let secret = &stage.upstream.asked("/auth/token")[0].form["client_secret"];
    let keys = JwkSet::parse(&json!({ "keys": [team_key.public_jwk().to_value()] })).unwrap();
    let issuer = stage.upstream.issuer();
    let expected = Expected::upstream_id_token(&[Alg::ES256], "TEAM", Audience::Any, None);
    let minted = verify(secret, &keys, &expected, NOW).unwrap();
    assert_eq!((minted.subject(), minted.audiences()), (Some("client"), vec![issuer.as_str()]));
    assert_eq!(minted.expires_at(), Some(NOW + 300));

    let away = stage.begins().await;
    let cancelled = [("state", away.state.as_str()), ("error", "user_cancelled_authorize")];
    let outcome = stage.returns(CallbackParams::from_pairs(cancelled)).await;
    assert!(matches!(outcome, Err(Failure::Cancelled { .. })));
}

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const OTHER_TENANT: &str = "99999999-2222-3333-4444-555555555555";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A Microsoft login of a person of tenant `tid`, by a token of the issuer of tenant `issued_by`.
async fn microsoft(more: &str, tid: &str, issued_by: &str, key_speaks_for: Option<&str>) -> Result<Completed, Failure> {
    let stage = Stage::of("microsoft", &format!("algs = [\"ES256\"]\n{more}")).await;
    let issuer = |tenant: &str| format!("{}/{tenant}/v2.0", stage.upstream.issuer());
    let mut key = stage.key.public_jwk().to_value();
    if let Some(tenant) = key_speaks_for {
        key["issuer"] = json!(issuer(tenant));
    }
    let tenant = stage.begins().await.url.path().split('/').nth(1).unwrap().to_owned();
    stage.upstream.says(&format!("/{tenant}/discovery/v2.0/keys"), Answer::json(200, &json!({ "keys": [key] })));
    let away = stage.begins().await;
    let mut claims = stage.claims(&away, &issuer(issued_by));
    claims["tid"] = json!(tid);
    claims["oid"] = json!("object-1");
    claims["email"] = json!("ceo@victim.example");
    stage.token_answer(&format!("/{tenant}/oauth2/v2.0/token"), Some(&stage.signed(&claims)));
    stage.returns(away.callback()).await
}

#[tokio::test]
async fn microsoft_tenants_are_told_apart() {
    let profile = microsoft("", TENANT, TENANT, None).await.unwrap().profile;
    assert!(profile.key.issuer.ends_with(&format!("/{TENANT}/v2.0")));
    assert_eq!(profile.key.subject, "object-1");
    // Any tenant's administrator can write any address.
    assert!(!profile.email_verified());

    assert!(microsoft("", TENANT, TENANT, Some(TENANT)).await.is_ok());
    assert!(microsoft("", TENANT, TENANT, Some("{tenantid}")).await.is_ok());
    let rejected = |outcome| assert_eq!(reason(outcome), Reason::IdTokenRejected);
    rejected(microsoft("", TENANT, OTHER_TENANT, None).await);
    rejected(microsoft("", TENANT, TENANT, Some(OTHER_TENANT)).await);
    rejected(microsoft("", "not-a-guid", "not-a-guid", None).await);

    let refused = |outcome| assert_eq!(reason(outcome), Reason::TenantRefused);
    let only = format!("allowed_tenants = [\"{TENANT}\"]");
    assert!(microsoft(&only, TENANT, TENANT, None).await.is_ok());
    refused(microsoft(&only, OTHER_TENANT, OTHER_TENANT, None).await);
    let own = format!("tenant = \"{TENANT}\"");
    assert!(microsoft(&own, TENANT, TENANT, None).await.is_ok());
    refused(microsoft(&own, OTHER_TENANT, OTHER_TENANT, None).await);
    refused(microsoft("tenant = \"organizations\"", PERSONAL, PERSONAL, None).await);
    assert!(microsoft("tenant = \"consumers\"", PERSONAL, PERSONAL, None).await.is_ok());
    refused(microsoft("tenant = \"consumers\"", TENANT, TENANT, None).await);
}

#[tokio::test]
async fn facebook_is_shown_that_we_know_the_secret() {
    let stage = Stage::of("facebook", "").await;
    let away = stage.begins().await;
    assert_eq!(away.param("scope").as_deref(), Some("public_profile,email"));
    stage.token_answer("/v24.0/oauth/access_token", None);
    stage.upstream.says("/v24.0/me", Answer::json(200, &json!({"id": "1022", "name": "A B"})));
    let profile = stage.returns(away.callback()).await.unwrap().profile;
    assert_eq!((profile.key.subject.as_str(), profile.email), ("1022", None));
    let asked = &stage.upstream.asked("/v24.0/me")[0];
    // HMAC-SHA-256 of "access" under SECRET.
    assert_eq!(asked.query["appsecret_proof"], "f205705aa52fddae6b5d9d126735eb01e6575cd7dc13b6b803563c70f057bb67");
    assert!(asked.query["fields"].contains("email"));
}

#[tokio::test]
async fn github_lists_addresses_apart() {
    let stage = Stage::of("github", "").await;
    let away = stage.begins().await;
    stage.token_answer("/login/oauth/access_token", None);
    stage.upstream.says("/user", Answer::json(200, &json!({"id": 7_654_321, "login": "ab", "email": "fake@x.co"})));
    let emails = json!([
        {"email": "old@x.co", "primary": false, "verified": true},
        {"email": "a@x.co", "primary": true, "verified": true},
    ]);
    stage.upstream.says("/user/emails", Answer::json(200, &emails));
    let issuer = format!("{}/login/oauth", stage.upstream.issuer());
    let params = [("state", away.state.as_str()), ("code", "c"), ("iss", issuer.as_str())];
    let profile = stage.returns(CallbackParams::from_pairs(params)).await.unwrap().profile;
    assert_eq!(profile.key.subject, "7654321");
    assert_eq!((profile.email.as_deref(), profile.email_trust), (Some("a@x.co"), EmailTrust::Verified));

    // Who keeps the list to themselves has no address, not the one of the public profile.
    stage.upstream.says("/user/emails", Answer::json(404, &json!({"message": "Not Found"})));
    let away = stage.begins().await;
    assert_eq!(stage.returns(away.callback()).await.unwrap().profile.email, None);
}

const GENERIC: &str = "issuer = \"{upstream}\"\ntrust_email = \"verified\"";

fn discovery(stage: &Stage, issuer: &str) -> Value {
    let at = |path: &str| format!("{}{path}", stage.upstream.issuer());
    json!({
        "issuer": issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/jwks"), "revocation_endpoint": at("/revoke"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "none"],
        "authorization_response_iss_parameter_supported": true,
    })
}

#[tokio::test]
async fn any_openid_provider_introduces_itself() {
    let stage = Stage::of("generic_oidc", GENERIC).await;
    let issuer = stage.upstream.issuer();
    let wish = || Begin { txn: "txn".into(), browser: BROWSER.into(), intent: Intent::SignIn, login_hint: None };
    let document = "/.well-known/openid-configuration";
    let begun = stage.federation.begin(&stage.id, wish()).await;
    assert!(matches!(begun, Err(Failure::Unavailable { .. })), "without a document");
    stage.clock.advance(5);
    stage.upstream.says(document, Answer::json(200, &discovery(&stage, "https://evil.example")));
    let begun = stage.federation.begin(&stage.id, wish()).await;
    assert!(matches!(begun, Err(Failure::Unavailable { .. })), "with somebody else's document");
    stage.clock.advance(5);

    let mut unsafe_address = discovery(&stage, &issuer);
    unsafe_address["authorization_endpoint"] = json!("javascript://x/%0aalert(1)");
    stage.upstream.says(document, Answer::json(200, &unsafe_address));
    let begun = stage.federation.begin(&stage.id, wish()).await;
    assert!(matches!(begun, Err(Failure::Unavailable { .. })), "with an address that runs");
    stage.clock.advance(5);
    stage.upstream.says(document, Answer::json(200, &discovery(&stage, &issuer)));
    let login = async |userinfo_sub: &str, iss: Option<&str>| {
        let away = stage.begins().await;
        assert_eq!(away.url.path(), "/authorize");
        let mut claims = stage.claims(&away, &issuer);
        claims["roles"] = json!(["admin"]);
        claims["amr"] = json!(["mfa"]);
        stage.token_answer("/token", Some(&stage.signed(&claims)));
        let userinfo = json!({"sub": userinfo_sub, "name": "A B", "email": "a@ex.co", "email_verified": "true"});
        stage.upstream.says("/userinfo", Answer::json(200, &userinfo));
        let pairs = [("state", Some(away.state.as_str())), ("code", Some("c")), ("iss", iss)];
        stage.returns(CallbackParams::from_pairs(pairs.into_iter().filter_map(|(k, v)| Some((k, v?))))).await
    };
    let profile = login("subject-1", Some(&issuer)).await.unwrap().profile;
    assert_eq!(profile.attributes.name.as_deref(), Some("A B"));
    assert_eq!((profile.email.as_deref(), profile.email_trust), (Some("a@ex.co"), EmailTrust::Verified));
    assert!(profile.amr.is_empty(), "nobody trusted this provider's amr in writing");
    let authorization = stage.upstream.asked("/token")[0].authorization.clone().unwrap();
    assert!(authorization.starts_with("Basic "));
    assert_eq!(reason(login("somebody-else", Some(&issuer)).await), Reason::SubjectMismatch);
    assert_eq!(reason(login("subject-1", None).await), Reason::IssuerMismatch);
    assert_eq!(stage.upstream.asked(document).len(), 4);
}

#[tokio::test]
async fn any_oauth_provider_can_be_described() {
    let more = r#"
        issuer = "https://club.example"
        endpoints = { authorization = "{upstream}/a", token = "{upstream}/t", userinfo = "{upstream}/me" }
        claims = { subject = "/data/id", email = "/data/mail", name = "/data/names/0" }
        scopes = ["me"]
        trust_email = "authoritative"
    "#;
    let stage = Stage::of("generic_oauth2", &more.replace("        ", "")).await;
    let away = stage.begins().await;
    stage.token_answer("/t", None);
    let me = json!({"data": {"id": 42, "mail": "a@club.example", "names": ["Ann"], "sub": "not this"}});
    stage.upstream.says("/me", Answer::json(200, &me));
    let profile = stage.returns(away.callback()).await.unwrap().profile;
    assert_eq!((profile.key.issuer.as_str(), profile.key.subject.as_str()), ("https://club.example", "42"));
    assert_eq!(profile.attributes.name.as_deref(), Some("Ann"));
    // Trusted as the connection may be, the provider did not say the address was proven.
    assert_eq!(profile.email_trust, EmailTrust::Unverified);
}
