//! The public keys and their rotation [RFC 7517 §5, OIDC Core §10.1].

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Request, World, tokens::part};

stories!(
    only_public_keys_are_published,
    every_token_names_a_published_key,
    old_tokens_outlive_a_rotation_and_old_keys_the_tokens,
    the_next_key_is_published_before_it_signs,
    keys_survive_a_restart,
    who_has_the_keys_is_not_sent_them_again,
    a_copy_is_outdated_when_time_retires_a_key,
    copies_may_not_outlast_the_warning("keys.publish_ahead_seconds = 60"),
);

async fn keys(world: &World) -> Vec<Value> {
    let jwks = world.send(Request::get("/jwks")).await.expect(200).json();
    jwks["keys"].as_array().unwrap().clone()
}

fn kids(keys: &[Value]) -> BTreeSet<String> {
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(jwt: &str) -> String {
    part(jwt, 0)["kid"].as_str().expect("a kid").to_owned()
}

async fn only_public_keys_are_published(world: World) {
    let keys = keys(&world).await;
    let algs: BTreeSet<&str> = keys.iter().filter_map(|key| key["alg"].as_str()).collect();
    assert_eq!(algs, BTreeSet::from(["ES256", "EdDSA", "PS256", "RS256"]));
    assert_eq!(kids(&keys).len(), keys.len());
    for key in &keys {
        assert_eq!(key["use"], "sig");
        assert!(!key["kid"].as_str().unwrap().is_empty());
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }
}

async fn every_token_names_a_published_key(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let published = kids(&keys(&world).await);
    for id in ["web", "plain"] {
        let tokens = world.rp(id).sign_in(&mut world.browser(), &world, "mina@example.com").await;
        assert!(published.contains(&kid_of(&tokens.id_token)));
        if id == "web" {
            assert!(published.contains(&kid_of(&tokens.access)));
            assert_eq!(part(&tokens.access, 0)["typ"], "at+jwt");
        } else {
            assert_eq!(part(&tokens.id_token, 0)["alg"], "ES256");
        }
    }
}

async fn old_tokens_outlive_a_rotation_and_old_keys_the_tokens(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    let before = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    world.advance(1);
    let provider_keys = world.app().web().provider.keys().clone();
    provider_keys.rotate(None, world.now()).await.unwrap();
    let published = kids(&keys(&world).await);
    assert!(published.contains(&kid_of(&before.id_token)));
    assert_eq!(rp.claims(&before).await["sub"], before.sub());
    let after = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    assert_ne!(kid_of(&after.id_token), kid_of(&before.id_token));
    world.advance(604_800);
    provider_keys.follow_schedule(world.now()).await.unwrap();
    let published = kids(&keys(&world).await);
    assert!(!published.contains(&kid_of(&before.id_token)) && published.contains(&kid_of(&after.id_token)));
    // What is signed with a key of no more is nobody's word.
    browser.open(&rp.authorize().with("id_token_hint", &before.id_token).with("prompt", "none").url()).await;
    rp.assert_refused(&browser, "invalid_request");
}

async fn the_next_key_is_published_before_it_signs(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let first = rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    let provider_keys = world.app().web().provider.keys().clone();
    world.advance(7_776_000 - 86_400);
    provider_keys.follow_schedule(world.now()).await.unwrap();
    let ahead = keys(&world).await;
    assert_eq!(ahead.iter().filter(|key| key["alg"] == "RS256").count(), 2);
    let still = rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    assert_eq!(kid_of(&still.id_token), kid_of(&first.id_token));
    world.advance(86_400);
    provider_keys.follow_schedule(world.now()).await.unwrap();
    let next = rp.sign_in(&mut world.browser(), &world, "mina@example.com").await;
    assert_ne!(kid_of(&next.id_token), kid_of(&first.id_token));
    assert!(kids(&ahead).contains(&kid_of(&next.id_token)));
}

async fn keys_survive_a_restart(mut world: World) {
    world.advance(1);
    world.app().web().provider.keys().rotate(None, world.now()).await.unwrap();
    let before = kids(&keys(&world).await);
    world.restart().await;
    assert_eq!(kids(&keys(&world).await), before);
}

async fn who_has_the_keys_is_not_sent_them_again(world: World) {
    for path in ["/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let full = world.send(Request::get(path)).await.expect(200);
        let tag = full.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "a strong tag");
        assert_eq!(full.header("cache-control"), Some("public, max-age=300"));
        for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let reply = world.send(Request::get(path).header("if-none-match", &held)).await.expect(304);
            assert!(reply.body.is_empty());
            for name in ["etag", "cache-control", "access-control-allow-origin"] {
                assert_eq!(reply.header(name), full.header(name), "{name}");
            }
        }
        assert_eq!(
            world.send(Request::get(path).header("if-none-match", "\"other\"")).await.expect(200).body,
            full.body
        );
        let head = world.send(Request::new(http::Method::HEAD, path)).await.expect(200);
        assert!(head.body.is_empty());
        let length = full.body.len().to_string();
        assert_eq!((head.header("content-length"), head.header("etag")), (Some(length.as_str()), Some(tag.as_str())));
        let head = Request::new(http::Method::HEAD, path).header("if-none-match", &tag);
        world.send(head).await.expect(304);
    }
    let tag = world.send(Request::get("/jwks")).await.header("etag").unwrap().to_owned();
    world.advance(1);
    world.app().web().provider.keys().rotate(None, world.now()).await.unwrap();
    let reply = world.send(Request::get("/jwks").header("if-none-match", &tag)).await.expect(200);
    assert_ne!(reply.header("etag"), Some(tag.as_str()));
}

async fn a_copy_is_outdated_when_time_retires_a_key(world: World) {
    world.advance(1);
    world.app().web().provider.keys().rotate(None, world.now()).await.unwrap();
    let before = keys(&world).await;
    assert_eq!(keys(&world).await, before);
    // Nobody has looked at the schedule: the document itself knows when it ends.
    world.advance(604_800);
    let after = keys(&world).await;
    assert!(after.len() < before.len() && kids(&after).is_subset(&kids(&before)));
}

async fn copies_may_not_outlast_the_warning(world: World) {
    let reply = world.send(Request::get("/jwks")).await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
}
