//! `POST /release/explain` says by which rule a client gets what of a person, and says the same as the tokens.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use comity::model::AccountId;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Backend, Request, Stage, World};

const EMAIL: &str = "mina@example.com";

stories!(an_explanation_equals_the_tokens);

stage_stories!(members_are_explained_as_they_are_told);

/// A small generator of choices that can be told again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        of.iter().copied().filter(|_| self.roll(2) == 0).collect()
    }
}

const SCOPES: [&str; 9] =
    ["profile", "email", "phone", "address", "stage", "age", "membership", "membership.number", "membership.points"];
const CLAIMS: [&str; 12] = [
    "name",
    "name#ko",
    "email",
    "birthdate",
    "address",
    "phone_number",
    "urn:comity:stage",
    "urn:comity:age_over_18",
    "urn:comity:age_over_20",
    "urn:comity:memberships",
    "updated_at",
    "shoe_size",
];
/// What an ID token says of itself.
const ENVELOPE: [&str; 13] =
    ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid", "jti"];

const CURIOUS: &str = r#"
[[client]]
client_id = "curious"
client_name = "Curious"
relationship = "third_party"
token_endpoint_auth_method = "none"
redirect_uris = ["https://rp.example/callback"]
subject_type = "pairwise"
[client.release]
scopes = ["openid", "profile", "address", "age", "membership", "membership.number"]
claims = ["email", "urn:comity:stage"]
except = ["birthdate", "urn:comity:age_over_20"]

[[client]]
client_id = "own"
client_name = "Own"
token_endpoint_auth_method = "none"
redirect_uris = ["https://rp.example/callback"]
[client.release]
scopes = ["openid", "profile", "email", "phone", "stage", "age", "membership", "membership.points"]
"#;

/// Random requests of two clients, each answered at random: what `explain` says is what tokens and userinfo hold.
async fn explanations_hold(world: &World, email: &str, account: AccountId, rounds: usize, seed: u64) {
    world.register(CURIOUS).await;
    let mut dice = Dice(seed);
    let mut browser = world.browser();
    browser.open("/account").await;
    browser.sign_in(world, email).await;
    let mut released = 0;
    for round in 0..rounds {
        let rp = world.rp(["curious", "own"][dice.roll(2)]);
        let scope = ["openid"].into_iter().chain(dice.some(&SCOPES)).collect::<Vec<_>>().join(" ");
        let section = |dice: &mut Dice| -> Value {
            let names = dice.some(&CLAIMS);
            let wish = |dice: &mut Dice| match dice.roll(4) {
                0 => json!({ "essential": true }),
                1 => json!({ "value": "Mina Kim" }),
                2 => json!({ "values": [true, "Mina Kim"] }),
                _ => Value::Null,
            };
            names.into_iter().map(|name| (name.to_owned(), wish(dice))).collect::<serde_json::Map<_, _>>().into()
        };
        let claims = json!({ "userinfo": section(&mut dice), "id_token": section(&mut dice) });
        let mut request = rp.authorize().with("scope", &scope).with("claims", &claims.to_string());
        if dice.roll(4) == 0 {
            request = request.with("prompt", "consent");
        }
        browser.open(&request.url()).await;
        if browser.is_at("/consent") {
            for id in browser.page.all("input[type=checkbox]", |it| it.attr("id").unwrap().to_owned()) {
                if dice.roll(2) == 0 {
                    browser.tick(&id);
                }
            }
            browser.press("allow").await;
        }
        let code = rp.code(&browser);
        let tokens = rp.redeem(&code).await;
        let userinfo = rp.claims(&tokens).await;
        let asked = json!({ "client_id": rp.id, "account": account, "scope": scope, "claims": claims });
        let explained = explain(world, &asked).await;
        let what = format!("round {round}: {asked}");
        for (place, told) in [("userinfo", &userinfo), ("id_token", &tokens.id)] {
            let told: BTreeSet<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
            let told: BTreeSet<&str> = told.into_iter().filter(|name| !ENVELOPE.contains(name)).collect();
            let lines = explained["lines"].as_array().unwrap().iter();
            let goes = lines.filter(|line| {
                let deliver = line["deliver"].as_array().unwrap();
                line["allowed"] == true && line["claim"] != "" && deliver.iter().any(|there| there == place)
            });
            let allowed: BTreeSet<&str> = goes.map(|line| line["claim"].as_str().unwrap()).collect();
            assert_eq!(told, allowed, "{place}, {what}\n{explained:#}");
            released += told.len();
        }
        let mut granted: Vec<&str> = explained["scope"].as_str().unwrap().split(' ').collect();
        granted.sort_unstable();
        assert_eq!(tokens.scope(), granted, "{what}");
        // The values are never in it.
        assert!(!explained.to_string().contains("Mina"), "{explained}");
    }
    assert!(released > rounds, "{released} claims in {rounds} rounds");
}

async fn explain(world: &World, asked: &Value) -> Value {
    let request = http::Request::post("/release/explain").header("content-type", "application/json");
    let request = request.body(Body::from(asked.to_string())).unwrap();
    let response = world.app().private_router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

fn rounds(world: &World) -> (usize, u64) {
    if world.backend() == Backend::Sqlite { (120, 20_260_901) } else { (60, 42) }
}

async fn an_explanation_equals_the_tokens(world: World) {
    let account = world.person(EMAIL, "Mina Kim").await;
    for (claim, value) in [
        ("birthdate", json!("2008-09-02")),
        ("nickname", json!("min")),
        ("name#ko", json!("김민아")),
        ("address", json!({ "locality": "Seoul", "country": "KR" })),
        ("gender", json!("female")),
    ] {
        world.learn(account, claim, value).await;
    }
    let (rounds, seed) = rounds(&world);
    explanations_hold(&world, EMAIL, account, rounds, seed).await;
    // It is for operators: on the public listener there is no such thing.
    let request = Request::post("/release/explain").header("content-type", "application/json");
    assert_eq!(world.send(request).await.status, 404);
}

async fn members_are_explained_as_they_are_told(stage: Stage) {
    let account = stage.person(EMAIL, "Mina Kim").await;
    let mut browser = stage.on_account_page(EMAIL).await;
    stage.link_mina(&mut browser).await;
    let (rounds, seed) = rounds(&stage);
    explanations_hold(&stage, EMAIL, account, rounds / 2, seed + 1).await;
}
