//! The published schemas, and what they say of an exchange.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;

use super::stage::{MINA_KBA, Stage, wrong_answer};
use crate::demo::loyalty_host::{Exchange, MINA};
use crate::membership::{Method, Proven};

/// The schemas by name.
pub(super) struct Contract(HashMap<String, Validator>);

impl Contract {
    pub(super) fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/loyalty");
        let schemas = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json").unwrap().to_owned();
            let schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (name, jsonschema::validator_for(&schema).unwrap())
        });
        Self(schemas.collect())
    }

    /// What an exchange breaks, if anything.
    pub(super) fn judge(&self, exchange: &Exchange) -> Option<String> {
        let path = exchange.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (asks, answers) = match (exchange.method.as_str(), parts.as_slice()) {
            ("GET", ["capabilities"]) => (None, Some("capabilities")),
            ("POST", ["challenges"]) => (Some("challenge-request"), Some("challenge")),
            ("POST", ["challenges", id]) if id.ends_with(":verify") => (Some("verify-request"), Some("verification")),
            ("GET", ["members", _]) => (None, Some("member")),
            ("GET", ["members", _, "balances"]) => (None, Some("balances")),
            ("PUT" | "DELETE", ["links", _]) => (Some("link"), None),
            ("GET", ["changes"]) => (None, Some("changes")),
            _ => return Some(format!("{} {path} is not in the contract", exchange.method)),
        };
        let answers = match exchange.status {
            200 | 201 => answers,
            204 | 304 | 503 => None,
            _ => Some("problem"),
        };
        let request = self.check(asks, exchange.request.as_ref());
        let response = self.check(answers, exchange.response.as_ref());
        request.or(response).map(|fault| format!("{} {path} {}: {fault}", exchange.method, exchange.status))
    }

    fn check(&self, schema: Option<&str>, body: Option<&Value>) -> Option<String> {
        match (schema, body) {
            (None, None) => None,
            (None, Some(body)) => Some(format!("a body where none belongs: {body}")),
            (Some(name), None) => Some(format!("no body where {name} belongs")),
            (Some(name), Some(body)) => self.0[name].validate(body).err().map(|error| format!("{name}: {error}")),
        }
    }
}

#[tokio::test]
async fn every_call_of_the_contract_follows_it() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    assert_eq!(stage.room.compare_capabilities().await.unwrap(), Vec::<String>::new());
    for method in [Method::Otp, Method::Pin] {
        let link = stage.start(mina, MINA, method).await;
        let wrong = wrong_answer(method);
        assert!(matches!(stage.prove(&link, mina, &wrong).await, Proven::Wrong { attempts_left: 2 }));
    }
    let link = stage.start(mina, MINA, Method::Kba).await;
    let Proven::Linked(linked) = stage.prove(&link, mina, &MINA_KBA.into()).await else { panic!() };
    let member = stage.store.memberships(mina.account).await.unwrap().remove(0);
    assert!(stage.room.refresh(&member).await.unwrap());
    stage.host.promote(MINA, 1);
    stage.room.catch_up(&stage.skyway).await.unwrap();
    stage.room.send_notices(&stage.skyway).await.unwrap();
    stage.room.unlink(mina.account, linked.membership).await.unwrap();
    stage.room.send_notices(&stage.skyway).await.unwrap();
    let methods: Vec<String> = stage.host.requests().iter().map(|call| call.method.clone()).collect();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        assert!(methods.iter().any(|called| called == method), "{method}");
    }
}

#[tokio::test]
async fn calls_carry_a_deadline_and_changes_a_key() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    stage.link_mina(mina).await;
    stage.room.send_notices(&stage.skyway).await.unwrap();
    for call in stage.host.requests() {
        assert!(call.deadline_ms.as_ref().unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(call.idempotency_key.is_some(), call.method != "GET", "{call:?}");
    }
}
