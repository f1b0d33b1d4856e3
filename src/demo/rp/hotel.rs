//! `hotel.localhost`: a partner, another company. It learns a tier and whether somebody is of age, under a `sub` of
//! its own, and nothing else.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::member::Member;
use super::receipts::Receipt;
use super::session::Login;
use super::site::{Shell, Site, routes};
use crate::demo::page::Visit;

/// The claim that says whether somebody is of age.
pub(in crate::demo) const ADULT: &str = "urn:comity:age_over_18";

/// What the hotel must never hold: claims, or members of a membership.
pub(in crate::demo) const NEVER: [&str; 6] = ["name", "email", "phone_number", "birthdate", "number", "balances"];

/// The hotel's router.
pub(in crate::demo) fn router(site: Arc<Site>) -> Router {
    routes().route("/", get(home)).with_state(site)
}

#[derive(Template)]
#[template(path = "demo/rp/hotel.html")]
struct Home<'a> {
    shell: &'a Shell,
    guest: Option<Guest>,
}

struct Guest {
    sub: String,
    member: Option<Member>,
    is_adult: Option<bool>,
    /// What the hotel must never hold, with whether it does.
    never: Vec<(&'static str, bool)>,
}

impl Guest {
    fn of(login: &Login) -> Self {
        let receipt = Receipt::of(login);
        Self {
            sub: login.tokens.sub.clone(),
            member: Member::of(&login.userinfo),
            is_adult: login.userinfo.get(ADULT).and_then(Value::as_bool),
            never: NEVER.into_iter().map(|name| (name, holds(&receipt, name))).collect(),
        }
    }
}

/// Whether a claim of that name came, by itself or inside another.
pub(in crate::demo) fn holds(receipt: &Receipt, name: &str) -> bool {
    fn inside(value: &Value, name: &str) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(key, value)| key == name || inside(value, name)),
            Value::Array(items) => items.iter().any(|item| inside(item, name)),
            _ => false,
        }
    }
    receipt.has(name) || receipt.userinfo.values().chain(receipt.id_token.values()).any(|value| inside(value, name))
}

async fn home(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let mut session = site.current(&visit).await;
    let shell = site.shell(&visit, &mut session);
    let page = Home { shell: &shell, guest: session.login.as_ref().map(Guest::of) };
    site.page(&page, &shell.frame)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::rp::member::MEMBERSHIPS;
    use crate::model::UnixTime;

    #[test]
    fn a_claim_is_found_wherever_it_hides() {
        let userinfo = json!({ MEMBERSHIPS: [{ "programme": "skyway", "number": "1" }], "email": "a@example.com" });
        let receipt = Receipt {
            at: UnixTime(0),
            sub: String::new(),
            id_token: serde_json::Map::new(),
            userinfo: userinfo.as_object().unwrap().clone(),
            access_token: None,
        };
        assert!(holds(&receipt, "number") && holds(&receipt, "email"));
        assert!(!holds(&receipt, "birthdate") && !holds(&receipt, "balances"));
    }
}
