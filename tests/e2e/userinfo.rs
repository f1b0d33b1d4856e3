//! The userinfo endpoint [OIDC Core §5.3, RFC 6750].

use comity::jose::{self, Alg};
use serde_json::{Value, json};

use crate::support::tokens::part;
use crate::support::{Request, World, keys};

stories!(
    get_and_post_answer_alike,
    claims_have_the_shapes_of_the_specification,
    what_is_unknown_or_empty_is_left_out,
    a_token_in_an_address_is_not_looked_at,
    bad_tokens_are_challenged,
    what_we_signed_for_another_purpose_is_no_access_token,
    a_token_ends,
    claims_are_judged_at_the_time_of_the_call,
    names_in_other_languages_come_along,
);

async fn get_and_post_answer_alike(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let by_get = rp.claims(&tokens).await;
    let by_post = world.send(Request::post("/userinfo").bearer(&tokens.access)).await.expect(200);
    assert_eq!(by_post.json(), by_get);
    assert_eq!(by_post.header("cache-control"), Some("no-store"));
    assert!(by_post.header("date").is_some());
    let odd = Request::get("/userinfo").header("authorization", &format!("bEaReR {}", tokens.access));
    assert_eq!(world.send(odd).await.expect(200).json(), by_get);
}

async fn claims_have_the_shapes_of_the_specification(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.learn(account, "birthdate", "1990-02-03").await;
    world.learn(account, "address", json!({ "locality": "Seoul", "country": "KR", "region": "" })).await;
    let rp = world.rp("web");
    let scope = "openid profile email address";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    let claims = rp.claims(&tokens).await;
    assert_eq!(claims["email_verified"], true);
    assert!(claims["updated_at"].is_i64());
    assert_eq!(claims["birthdate"], "1990-02-03");
    assert_eq!((claims["zoneinfo"].as_str(), claims["locale"].as_str()), (Some("Asia/Seoul"), Some("en")));
    assert_eq!(claims["address"], json!({ "locality": "Seoul", "country": "KR" }));
}

async fn what_is_unknown_or_empty_is_left_out(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    for (claim, value) in [("nickname", json!("")), ("website", json!(null)), ("gender", json!("null"))] {
        world.learn(account, claim, value).await;
    }
    let rp = world.rp("web");
    let scope = "openid profile email phone address";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    let claims = rp.claims(&tokens).await;
    for (name, value) in claims.as_object().unwrap() {
        assert!(![json!(null), json!(""), json!("null")].contains(value), "{name}: {value}");
    }
    let absent = ["nickname", "website", "phone_number", "phone_number_verified", "address", "picture", "family_name"];
    assert!(absent.iter().all(|name| claims.get(name).is_none()), "{claims}");
}

async fn a_token_in_an_address_is_not_looked_at(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let tokens = world.rp("web").sign_in(&mut browser, &world, "mina@example.com").await;
    let reply = world.send(Request::get(&format!("/userinfo?access_token={}", tokens.access))).await.expect(401);
    assert_eq!(reply.header("www-authenticate").map(|challenge| challenge.contains("error")), Some(false));
}

async fn bad_tokens_are_challenged(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in_for(&mut browser, &world, "mina@example.com", "openid offline_access").await;
    let opaque = world.rp("plain").sign_in(&mut browser, &world, "mina@example.com").await.access;
    let signed = &tokens.access;
    let flipped = |token: &str| {
        let middle = token.len() / 2;
        let other = if &token[middle..=middle] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &token[..middle], &token[middle + 1..])
    };
    for bad in [
        "x",
        "x.y.z",
        &tokens.id_token,
        tokens.refresh(),
        &signed[..signed.len() - 1],
        &format!("{signed}A"),
        &flipped(signed),
        &opaque[..opaque.len() - 1],
        &format!("{opaque}A"),
        &flipped(&opaque),
    ] {
        let reply = rp.userinfo(bad).await;
        assert_eq!(reply.status, 401, "{bad}");
        assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    let none = world.send(Request::get("/userinfo")).await.expect(401);
    assert!(none.header("www-authenticate").unwrap().starts_with("Bearer"));
    let cookie = format!("comity_session={}", browser.cookie("comity_session").unwrap());
    world.send(Request::get("/userinfo").header("cookie", &cookie)).await.expect(401);
    let weak = rp.sign_in_for(&mut browser, &world, "mina@example.com", "profile").await;
    let reply = rp.userinfo(&weak.access).await.expect(403);
    assert!(reply.header("www-authenticate").unwrap().contains("insufficient_scope"));
}

async fn what_we_signed_for_another_purpose_is_no_access_token(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let sign = |typ: &str, change: &dyn Fn(&mut Value)| {
        let mut claims = part(&tokens.access, 1);
        change(&mut claims);
        jose::sign(&keys::of(Alg::RS256), typ, &claims).unwrap()
    };
    let without = |name: &'static str| move |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
    rp.userinfo(&sign("at+jwt", &|_| ())).await.expect(200);
    let family = json!(uuid::Uuid::now_v7());
    for bad in [
        sign("JWT", &|_| ()),
        sign("logout+jwt", &|_| ()),
        sign("at+jwt", &|claims| claims["iss"] = json!("https://evil.example")),
        sign("at+jwt", &|claims| claims["exp"] = json!(world.now().0 - 1)),
        sign("at+jwt", &|claims| claims["exp"] = json!("9999999999")),
        sign("at+jwt", &|claims| claims["family"] = family.clone()),
        sign("at+jwt", &without("exp")),
        sign("at+jwt", &without("jti")),
        sign("at+jwt", &without("family")),
    ] {
        assert_eq!(rp.userinfo(&bad).await.status, 401, "{}", part(&bad, 1));
    }
}

async fn a_token_ends(world: World) {
    let mut browser = world.signed_in("mina@example.com", "Mina Kim").await;
    for id in ["web", "plain"] {
        let rp = world.rp(id);
        let tokens = rp.sign_in(&mut browser, &world, "mina@example.com").await;
        world.advance(599);
        rp.userinfo(&tokens.access).await.expect(200);
        world.advance(1);
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
    }
}

async fn claims_are_judged_at_the_time_of_the_call(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    world.advance(5);
    world.learn(account, "name", "Mina Lee").await;
    let claims = rp.claims(&tokens).await;
    assert_eq!((claims["name"].as_str(), claims["updated_at"].as_i64()), (Some("Mina Lee"), Some(world.now().0)));
}

async fn names_in_other_languages_come_along(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    world.learn(account, "name#ko", "김미나").await;
    let rp = world.rp("web");
    let tokens = rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    let claims: Value = rp.claims(&tokens).await;
    assert_eq!((claims["name"].as_str(), claims["name#ko"].as_str()), (Some("Mina Kim"), Some("김미나")));
}
