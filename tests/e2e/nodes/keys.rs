//! Signing keys change on one node: what either signs the other believes, and a key that is taken away is nobody's
//! word anywhere.

use std::collections::BTreeSet;

use comity::jose::Alg;
use comity::provider::keys::Keys;

use crate::support::tokens::part;
use crate::support::{Request, World};

stories!(
    tokens_of_either_node_are_believed_by_both,
    a_key_taken_away_is_nobodys_word_a_second_later,
    the_key_set_follows_within_a_second,
    made_up_keys_cost_a_question_each_at_most,
    two_nodes_that_rotate_at_once_agree,
);

const MINA: &str = "mina@example.com";

fn keys(world: &World) -> Keys {
    world.app().web().provider.keys().clone()
}

fn kid_of(jwt: &str) -> String {
    part(jwt, 0)["kid"].as_str().expect("a kid").to_owned()
}

async fn published(world: &World) -> BTreeSet<String> {
    let jwks = world.send(Request::get("/jwks")).await.expect(200).json();
    let kids = jwks["keys"].as_array().unwrap().iter();
    kids.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A token a machine gets from this node.
async fn token_of(world: &World) -> String {
    let fields = [("grant_type", "client_credentials"), ("scope", "orders.read")];
    let answer = world.rp("robot").through(world).post("/token", &fields).await.expect(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn is_believed(world: &World, token: &str) -> bool {
    world.rp("api").through(world).introspect(token).await["active"] == true
}

async fn tokens_of_either_node_are_believed_by_both(here: World) {
    let there = here.another_node().await;
    let before = token_of(&there).await;
    here.advance(1);
    assert!(is_believed(&there, &before).await);
    keys(&here).rotate(Some(Alg::RS256), here.now()).await.unwrap();
    // Before the other node has heard of the key, somebody comes with what it signed.
    let after = token_of(&here).await;
    assert_ne!(kid_of(&after), kid_of(&before));
    for node in [&there, &here] {
        assert!(is_believed(node, &after).await);
        assert!(is_believed(node, &before).await);
    }
    here.advance(1);
    assert_eq!(kid_of(&token_of(&there).await), kid_of(&after));
}

async fn a_key_taken_away_is_nobodys_word_a_second_later(here: World) {
    let there = here.another_node().await;
    here.person(MINA, "Mina Kim").await;
    let web = here.rp("web");
    let mut browser = here.browser();
    let tokens = web.sign_in(&mut browser, &here, MINA).await;
    let other = web.clone().through(&there);
    other.userinfo(&tokens.access).await.expect(200);
    let stolen = kid_of(&tokens.access);
    here.advance(1);
    assert!(keys(&here).remove(&stolen, here.now()).await.unwrap());
    assert!(!keys(&here).remove(&stolen, here.now()).await.unwrap());
    assert_eq!(web.userinfo(&tokens.access).await.status, 401);
    here.advance(1);
    assert_eq!(other.userinfo(&tokens.access).await.status, 401);
    for node in [&here, &there] {
        assert!(!published(node).await.contains(&stolen));
        assert!(is_believed(node, &token_of(node).await).await);
        // Nor does it say anything about a session any more.
        let logout = format!("/logout?id_token_hint={}", tokens.id_token);
        assert_eq!(node.send(Request::get(&logout)).await.status, 400);
    }
}

async fn the_key_set_follows_within_a_second(here: World) {
    let there = here.another_node().await;
    let before = published(&there).await;
    here.advance(1);
    let fresh = keys(&here).rotate(Some(Alg::EdDSA), here.now()).await.unwrap();
    assert!(published(&here).await.contains(&fresh[0]));
    here.advance(1);
    let after = published(&there).await;
    assert!(after.contains(&fresh[0]) && after.is_superset(&before));
    assert_eq!(after, published(&here).await);
}

async fn made_up_keys_cost_a_question_each_at_most(world: World) {
    let token = token_of(&world).await;
    let (_, rest) = token.split_once('.').unwrap();
    let statements = || {
        let metrics = world.app().web().metrics.encode();
        let name = "comity_request_sql_statements_total{route=\"/userinfo\"";
        let lines = metrics.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum::<u64>()
    };
    let before = statements();
    for kid in 0..20 {
        let header =
            comity::model::digest::b64(format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{kid}"}}"#).as_bytes());
        let request = Request::get("/userinfo").bearer(&format!("{header}.{rest}"));
        assert_eq!(world.send(request).await.status, 401);
    }
    assert!(statements() - before <= 21, "{}", statements() - before);
}

async fn two_nodes_that_rotate_at_once_agree(here: World) {
    let there = here.another_node().await;
    here.advance(7_776_000 - 86_400);
    let (one, other) = (keys(&here), keys(&there));
    let (first, second) = tokio::join!(one.follow_schedule(here.now()), other.follow_schedule(here.now()));
    first.unwrap();
    second.unwrap();
    let set = published(&here).await;
    assert_eq!(set, published(&there).await);
    // One successor for each algorithm, not two.
    assert_eq!(set.len(), 8, "{set:?}");
    here.advance(86_400);
    assert_eq!(kid_of(&token_of(&here).await), kid_of(&token_of(&there).await));
}
