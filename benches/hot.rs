//! Pure code every request goes through, measured alone: `cargo bench --bench hot`, with `-- sign` for what begins so.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

use std::collections::BTreeSet;
use std::hint::black_box;

use comity::app::{App, Extras};
use comity::jose::{self, Alg, Audience, Expected, JwkSet, Sealer, SigningKey};
use comity::model::account::{Account, Attribute, Stage, Status, Verification};
use comity::model::client::Client;
use comity::model::consent::{Consent, Decision};
use comity::model::contact::{Contact, ContactKind};
use comity::model::{AccountId, Random, Secret, UnixTime};
use comity::policy::release::{Delivery, Facts, Question, ReleaseRules, evaluate};
use comity::policy::return_to::ReturnTo;
use comity::protocol::{ClaimsRequest, Params, Scope, redirect_uri_matches};
use comity::settings::Source;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime(1_800_000_000);
const ISSUER: &str = "https://id.example.com";
const QUERY: &str = "response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example.com%2Fcallback\
                     &scope=openid%20profile%20email&state=AbCdEfGhIjKlMnOpQrStUv&nonce=AbCdEfGhIjKlMnOpQrStUv\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const FORM: &str = "grant_type=authorization_code&code=AbCdEfGhIjKlMnOpQrStUvAbCdEfGhIjKlMnOpQrStU\
                    &redirect_uri=https%3A%2F%2Fshop.example.com%2Fcallback\
                    &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn messages(criterion: &mut Criterion) {
    criterion.bench_function("params: authorization request", |bench| {
        bench.iter(|| Params::parse(black_box(QUERY)).unwrap());
    });
    criterion.bench_function("params: token request", |bench| bench.iter(|| Params::parse(black_box(FORM)).unwrap()));
    let registered = "https://shop.example.com/callback";
    criterion.bench_function("redirect_uri: equal", |bench| {
        bench.iter(|| redirect_uri_matches(black_box(registered), black_box(registered)));
    });
    criterion.bench_function("redirect_uri: loopback port", |bench| {
        let presented = "http://127.0.0.1:51234/callback";
        bench.iter(|| redirect_uri_matches(black_box("http://127.0.0.1/callback"), black_box(presented)));
    });
    criterion.bench_function("return_to", |bench| bench.iter(|| ReturnTo::parse(black_box("/account/apps?x=1"))));
}

fn id_token_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "u_AbCdEfGhIjKlMnOpQrStUv", "aud": "shop", "exp": NOW.0 + 3600, "iat": NOW.0,
        "auth_time": NOW.0 - 60, "acr": "urn:comity:acr:1", "amr": ["otp"], "at_hash": "AbCdEfGhIjKlMnOpQrStUg",
        "nonce": "AbCdEfGhIjKlMnOpQrStUv", "sid": "01890a5d-ac96-774b-bcce-b302099a8057",
    })
}

fn signatures(criterion: &mut Criterion) {
    let claims = id_token_claims();
    for alg in Alg::ALL {
        let key = SigningKey::generate(alg, None).unwrap();
        criterion.bench_function(&format!("sign: ID token {alg}"), |bench| {
            bench.iter(|| jose::sign(&key, "JWT", black_box(&claims)).unwrap());
        });
        let token = jose::sign(&key, "JWT", &claims).unwrap();
        let keys = JwkSet::parse_published(&json!({ "keys": [key.public_jwk()] })).unwrap();
        let algs = [alg];
        let expected = Expected::upstream_id_token(&algs, ISSUER, Audience::Only(&["shop"]), None);
        criterion.bench_function(&format!("verify: ID token {alg}"), |bench| {
            bench.iter(|| jose::verify(black_box(&token), &keys, &expected, NOW).unwrap());
        });
    }
    let sealer = Sealer::new([7; 32], Random::new());
    let content = claims.to_string();
    criterion.bench_function("seal: opaque access token", |bench| {
        bench.iter(|| sealer.seal("access_token", black_box(content.as_bytes())).unwrap());
    });
    let token = sealer.seal("access_token", content.as_bytes()).unwrap();
    criterion.bench_function("open: opaque access token", |bench| {
        bench.iter(|| sealer.open("access_token", black_box(&token)).unwrap());
    });
}

/// A person with what a customer of a few years has, and a client of another company.
struct Person {
    account: Account,
    attributes: Vec<Attribute>,
    contacts: Vec<Contact>,
    client: Client,
}

impl Person {
    fn new() -> Self {
        let id: AccountId = Random::new().id(NOW);
        let attribute = |name: &str, value: Value| Attribute {
            name: name.to_owned(),
            value,
            source: "user".to_owned(),
            verification: Verification::Unverified,
            observed_at: NOW - 1000,
        };
        Self {
            account: Account {
                id,
                stage: Stage::Registered,
                status: Status::Active,
                locale: "ko".parse().unwrap(),
                zoneinfo: "Asia/Seoul".to_owned(),
                created_at: NOW - 1000,
                updated_at: NOW - 1000,
            },
            attributes: vec![
                attribute("name", json!("김민아")),
                attribute("given_name", json!("민아")),
                attribute("family_name", json!("김")),
                attribute("family_name#en", json!("Kim")),
                attribute("birthdate", json!("1990-01-31")),
            ],
            contacts: vec![Contact {
                id: Random::new().id(NOW),
                account: id,
                kind: ContactKind::Email,
                value: "mina@example.com".to_owned(),
                verified_at: Some(NOW - 1000),
                created_at: NOW - 1000,
            }],
            client: serde_json::from_value(json!({
                "client_id": "hotel",
                "client_name": "Hotel",
                "relationship": "third_party",
                "redirect_uris": ["https://hotel.example/callback"],
                "release": { "scopes": ["openid", "profile", "email"] },
            }))
            .unwrap(),
        }
    }
}

fn release(criterion: &mut Criterion) {
    let (rules, person) = (ReleaseRules::builtin().unwrap(), Person::new());
    let (scope, claims) = (Scope::from_values(["openid", "profile", "email"]), ClaimsRequest::default());
    let unreachable = BTreeSet::new();
    let facts = Facts {
        account: &person.account,
        attributes: &person.attributes,
        contacts: &person.contacts,
        memberships: &[],
        unreachable: &unreachable,
        pairwise_key: None,
    };
    let question = |consents| Question {
        client: &person.client,
        scope: &scope,
        claims: &claims,
        facts: &facts,
        consents,
        began_at: NOW,
        reconfirm: false,
        now: NOW,
    };
    let consents: Vec<Consent> = evaluate(&rules, &question(&[]))
        .ask()
        .into_iter()
        .map(|line| Consent {
            account: person.account.id,
            client: person.client.id.clone(),
            scope: line.scope,
            claim: line.claim,
            purpose: line.purpose,
            purpose_version: line.purpose_version,
            decision: Decision::Given,
            decided_at: NOW - 100,
            expires_at: None,
        })
        .collect();
    criterion.bench_function("release: evaluate profile and email", |bench| {
        bench.iter(|| evaluate(&rules, black_box(&question(&consents))));
    });
    let released = evaluate(&rules, &question(&consents));
    assert_eq!(released.claims_for(Delivery::UserInfo).get("email"), Some(&json!("mina@example.com")));
    criterion.bench_function("release: claims for UserInfo", |bench| {
        bench.iter(|| black_box(&released).claims_for(Delivery::UserInfo));
    });
}

fn metadata(criterion: &mut Criterion) {
    let layer = "profile = \"test\"\n[database]\nurl = \"sqlite::memory:\"\n[mail]\ntransport = \"sink\"\n";
    let settings = Source { layer: Some(layer), ..Source::default() }.load().unwrap();
    let extras = Extras { master_keys: vec![Secret::new([7; 32])], ..Extras::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::build(settings, extras)).unwrap();
    let provider = &app.web().provider;
    criterion.bench_function("discovery: made and written", |bench| {
        bench.iter(|| serde_json::to_vec(&provider.metadata()).unwrap());
    });
}

criterion_group!(hot, messages, signatures, release, metadata);
criterion_main!(hot);
