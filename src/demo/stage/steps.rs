//! The script: what each step asks of the running system, and whether it is so.

use super::customer::Customer;
use super::excerpt::{Excerpt, excerpt};
use crate::demo::rp::hotel::{ADULT, NEVER, holds};
use crate::demo::rp::member::Member;
use crate::demo::rp::{Receipt, Receipts};
use crate::model::account::Stage;
use crate::model::event::Event;
use crate::model::member::MembershipState;

/// What is looked at.
pub(super) struct Scene<'a> {
    pub(super) customer: Option<&'a Customer>,
    /// Of that customer, newest first.
    pub(super) events: &'a [Event],
    pub(super) shop: &'a [Receipt],
    pub(super) go: &'a [Receipt],
    pub(super) hotel: &'a [Receipt],
    pub(super) host_is_down: bool,
}

/// One step of the script.
#[derive(Debug)]
pub(super) struct Step {
    /// Its number in the script.
    pub(super) number: u32,
    pub(super) checks: Vec<Check>,
    /// What can be done, the main thing first.
    pub(super) actions: &'static [Action],
    pub(super) excerpts: Vec<Excerpt>,
}

/// Something that must be so.
#[derive(Debug)]
pub(super) struct Check {
    /// The key of its text.
    pub(super) key: &'static str,
    pub(super) holds: bool,
    /// Whether the step is done without it; then it is only told.
    pub(super) is_extra: bool,
}

/// A button.
#[derive(Debug)]
pub(super) struct Action {
    /// The value it posts, and part of its id.
    pub(super) name: &'static str,
    /// The key of its text.
    pub(super) key: &'static str,
}

impl Step {
    pub(super) fn is_done(&self) -> bool {
        self.checks.iter().all(|check| check.holds || check.is_extra)
    }

    pub(super) fn title_key(&self) -> String {
        format!("step{}.title", self.number)
    }

    pub(super) fn what_key(&self) -> String {
        format!("step{}.what", self.number)
    }
}

const fn check(key: &'static str, holds: bool) -> Check {
    Check { key, holds, is_extra: false }
}

const fn action(name: &'static str, key: &'static str) -> Action {
    Action { name, key }
}

/// Where the lines behind a step stand.
pub(super) struct Files<'a> {
    pub(super) settings: &'a str,
    pub(super) clients: &'a str,
}

impl Files<'_> {
    fn lines(&self, settings: &[&str], clients: &[&str]) -> Vec<Excerpt> {
        let settings = settings.iter().filter_map(|needle| excerpt("config/demo.toml", self.settings, needle));
        let clients = clients.iter().filter_map(|needle| excerpt("config/demo-clients.toml", self.clients, needle));
        settings.chain(clients).collect()
    }
}

/// All steps, in order.
pub(super) fn steps(scene: &Scene<'_>, files: &Files<'_>) -> Vec<Step> {
    vec![
        signs_in(scene, files),
        links(scene, files),
        outage(scene, files),
        promotion(scene, files),
        partner(scene, files),
    ]
}

fn signs_in(scene: &Scene<'_>, files: &Files<'_>) -> Step {
    let registered = scene.customer.is_some_and(|customer| customer.account.stage >= Stage::Registered);
    Step {
        number: 1,
        checks: vec![
            check("step1.check_identity", scene.customer.is_some_and(|customer| customer.has_identity("kakao"))),
            check("step1.check_stage", registered),
            check("step1.check_sub", !scene.shop.is_empty()),
        ],
        actions: const { &[action("sign-in", "step1.open")] },
        excerpts: files.lines(&["id = \"kakao\""], &["client_id = \"shop\""]),
    }
}

fn links(scene: &Scene<'_>, files: &Files<'_>) -> Step {
    let memberships = scene.customer.map(|customer| customer.memberships.as_slice()).unwrap_or_default();
    let is_member = scene.customer.is_some_and(|customer| customer.account.stage == Stage::Member);
    let got_tier = |receipt: &Receipt| receipt.member().is_some_and(|member| member.tier.is_some());
    Step {
        number: 2,
        checks: vec![
            check("step2.check_linked", memberships.iter().any(|it| it.state == MembershipState::Active)),
            check("step2.check_member", is_member),
            check("step2.check_tier", scene.shop.iter().any(got_tier)),
        ],
        actions: const { &[action("connect", "step2.open"), action("mail", "step2.mailbox")] },
        excerpts: files.lines(&["id = \"skyway\"", "[programmes.host]"], &[]),
    }
}

fn outage(scene: &Scene<'_>, files: &Files<'_>) -> Step {
    let is_stale = |receipt: &Receipt| receipt.member().is_some_and(|member| member.is_stale);
    Step {
        number: 3,
        checks: vec![
            Check { key: "step3.check_down", holds: scene.host_is_down, is_extra: true },
            check("step3.check_stale", scene.shop.iter().chain(scene.go).any(is_stale)),
        ],
        actions: const { &[action("take-down", "step3.open"), action("bring-up", "step3.recover")] },
        excerpts: files.lines(&["[programmes.refresh]"], &[]),
    }
}

fn promotion(scene: &Scene<'_>, files: &Files<'_>) -> Step {
    let tiers: Vec<String> = scene.shop.iter().filter_map(|receipt| receipt.member()?.tier).collect();
    let differ = tiers.iter().any(|tier| Some(tier) != tiers.first());
    Step {
        number: 4,
        checks: vec![
            check("step4.check_changed", scene.events.iter().any(|event| event.kind == "membership.changed")),
            check("step4.check_tiers", differ),
        ],
        actions: const { &[action("promote", "step4.open")] },
        excerpts: files.lines(&["code = \"gold\"", "code = \"platinum\""], &[]),
    }
}

fn partner(scene: &Scene<'_>, files: &Files<'_>) -> Step {
    let facts = |receipt: &Receipt| {
        receipt.userinfo.contains_key(ADULT) && receipt.member().as_ref().is_some_and(|it: &Member| it.tier.is_some())
    };
    let modest = |receipt: &Receipt| !NEVER.iter().any(|name| holds(receipt, name));
    let differs = |receipt: &Receipt| scene.shop.last().is_some_and(|shop| shop.sub != receipt.sub);
    let withdrawn = scene.events.iter().any(|event| {
        event.kind == "consent.withdrawn" && event.data.get("client").and_then(|it| it.as_str()) == Some("hotel")
    });
    let visited = !scene.hotel.is_empty();
    Step {
        number: 5,
        checks: vec![
            check("step5.check_facts", scene.hotel.iter().any(facts)),
            check("step5.check_nothing_else", visited && scene.hotel.iter().all(modest)),
            check("step5.check_pairwise", visited && scene.hotel.iter().all(differs)),
            check("step5.check_withdrawn", withdrawn),
        ],
        actions: const { &[action("hotel", "step5.open"), action("account", "step5.manage")] },
        excerpts: files.lines(
            &["scope = \"age\"", "scope = \"membership\"", "id = \"partner_benefits\""],
            &["client_id = \"hotel\""],
        ),
    }
}

/// What a relying party received of the person it saw last.
pub(super) fn of_latest_person(receipts: &Receipts) -> Vec<Receipt> {
    let all = receipts.all();
    let sub = all.last().map(|receipt| receipt.sub.clone());
    all.into_iter().filter(|receipt| Some(&receipt.sub) == sub.as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::demo::rp::member::MEMBERSHIPS;
    use crate::model::UnixTime;

    const FILES: Files<'static> = Files {
        settings: include_str!("../../../config/demo.toml"),
        clients: include_str!("../../../config/demo-clients.toml"),
    };

    fn receipt(sub: &str, userinfo: &Value) -> Receipt {
        Receipt {
            at: UnixTime(0),
            sub: sub.to_owned(),
            id_token: serde_json::Map::new(),
            userinfo: userinfo.as_object().unwrap().clone(),
            access_token: None,
        }
    }

    fn member(tier: &str, stale: bool) -> Value {
        json!({ MEMBERSHIPS: [{ "programme": "skyway", "tier": tier, "stale": stale }] })
    }

    fn done(scene: &Scene<'_>) -> Vec<u32> {
        steps(scene, &FILES).iter().filter(|step| step.is_done()).map(|step| step.number).collect()
    }

    const EMPTY: Scene<'static> =
        Scene { customer: None, events: &[], shop: &[], go: &[], hotel: &[], host_is_down: false };

    #[test]
    fn on_an_empty_stage_nothing_is_done_and_every_step_shows_its_settings() {
        assert!(done(&EMPTY).is_empty());
        for step in steps(&EMPTY, &FILES) {
            let expected = match step.number {
                3 => 1,
                5 => 4,
                _ => 2,
            };
            assert_eq!(step.excerpts.len(), expected, "step {}", step.number);
            assert!(!step.actions.is_empty());
        }
    }

    #[test]
    fn a_stale_tier_seen_by_any_own_app_ends_the_outage_step() {
        let go = [receipt("a", &member("gold", true))];
        assert_eq!(done(&Scene { go: &go, ..EMPTY }), [3]);
        let fresh = [receipt("a", &member("gold", false))];
        assert!(done(&Scene { go: &fresh, host_is_down: true, ..EMPTY }).is_empty());
    }

    #[test]
    fn a_promotion_needs_the_event_and_two_tiers() {
        let shop = [receipt("a", &member("gold", false)), receipt("a", &member("platinum", false))];
        let event = Event {
            id: uuid::Uuid::nil().into(),
            kind: "membership.changed".to_owned(),
            account: None,
            sequence: 1,
            data: Value::Null,
            occurred_at: UnixTime(0),
        };
        let events = [event];
        assert_eq!(done(&Scene { shop: &shop, events: &events, ..EMPTY }), [4]);
        assert!(done(&Scene { shop: &shop, ..EMPTY }).is_empty());
        assert!(done(&Scene { shop: &shop[..1], events: &events, ..EMPTY }).is_empty());
    }

    #[test]
    fn the_partner_step_fails_as_soon_as_the_hotel_holds_too_much() {
        let facts = json!({ ADULT: true, MEMBERSHIPS: [{ "programme": "skyway", "tier": "gold" }] });
        let too_much = json!({ ADULT: true, MEMBERSHIPS: [{ "programme": "skyway", "tier": "gold", "number": "1" }] });
        let shop = [receipt("public", &member("gold", false))];
        let withdrawn = Event {
            id: uuid::Uuid::nil().into(),
            kind: "consent.withdrawn".to_owned(),
            account: None,
            sequence: 1,
            data: json!({ "client": "hotel" }),
            occurred_at: UnixTime(0),
        };
        let events = [withdrawn];
        let is_done = |hotel: Receipt, events: &[Event]| {
            let hotel = [hotel];
            done(&Scene { shop: &shop, hotel: &hotel, events, ..EMPTY }) == [5]
        };
        assert!(is_done(receipt("pairwise", &facts), &events));
        assert!(!is_done(receipt("pairwise", &too_much), &events));
        assert!(!is_done(receipt("public", &facts), &events));
        assert!(!is_done(receipt("pairwise", &facts), &[]));
    }
}
