//! The stage's facts as its page shows them.

use super::customer::{Customer, details, masked};
use crate::demo::loyalty_host::{KEN, LEA, LoyaltyHost, MINA};
use crate::demo::page::{day_and_time, time_of_day};
use crate::demo::rp::Site;
use crate::demo::rp::fares::grouped;
use crate::demo::rp::panel::{Block, blocks};
use crate::demo::simulators::{Provider, Simulators};
use crate::model::event::Event;
use crate::model::member::Membership;

const CALLS_SHOWN: usize = 8;

pub(super) struct CustomerView {
    pub(super) id: String,
    pub(super) stage: &'static str,
    pub(super) name: String,
    pub(super) since: String,
    pub(super) emails: Vec<(String, bool)>,
    pub(super) identities: Vec<(String, String)>,
    pub(super) memberships: Vec<MembershipView>,
    pub(super) apps: Vec<(String, String)>,
    pub(super) sessions: usize,
}

pub(super) struct MembershipView {
    pub(super) programme: String,
    pub(super) number: String,
    pub(super) tier: String,
    pub(super) proof: String,
    pub(super) as_of: String,
}

pub(super) struct ReceivedView {
    pub(super) site: &'static str,
    pub(super) title: &'static str,
    pub(super) at: String,
    pub(super) blocks: Vec<Block>,
}

pub(super) struct EventView {
    pub(super) at: String,
    pub(super) sequence: i64,
    pub(super) kind: String,
    pub(super) details: String,
}

pub(super) struct HostView {
    pub(super) state: &'static str,
    pub(super) members: Vec<HostMember>,
    pub(super) calls: Vec<(String, String, u16)>,
}

pub(super) struct HostMember {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) tier: String,
    pub(super) miles: String,
    pub(super) is_linked: bool,
}

pub(super) struct PersonView {
    pub(super) id: String,
    pub(super) name: String,
    /// Tells two of one name apart.
    pub(super) email: Option<String>,
    pub(super) providers: String,
    pub(super) number: Option<&'static str>,
}

impl ReceivedView {
    pub(super) fn of(site: &Site, title: &'static str) -> Self {
        let latest = site.receipts.latest();
        Self {
            site: site.name,
            title,
            at: latest.as_ref().map(|receipt| time_of_day(receipt.at)).unwrap_or_default(),
            blocks: latest.as_ref().map(blocks).unwrap_or_default(),
        }
    }
}

impl PersonView {
    /// Everybody, once, with all providers that know them.
    pub(super) fn cast(simulators: &Simulators) -> Vec<Self> {
        let mut cast: Vec<Self> = Vec::new();
        for provider in Provider::ALL {
            for person in simulators.people(provider) {
                match cast.iter_mut().find(|known| known.id == person.id) {
                    Some(known) => known.providers = format!("{} · {provider}", known.providers),
                    None => cast.push(Self {
                        number: member_number(&person.id),
                        email: person.hosted_domain.and(person.email),
                        id: person.id,
                        name: person.name,
                        providers: provider.to_string(),
                    }),
                }
            }
        }
        cast
    }
}

fn member_number(person: &str) -> Option<&'static str> {
    match person {
        "mina" | "mina-work" => Some(MINA),
        "ken" => Some(KEN),
        "lea" => Some(LEA),
        _ => None,
    }
}

impl CustomerView {
    pub(super) fn of(customer: &Customer) -> Self {
        let account = &customer.account;
        Self {
            id: account.id.to_string(),
            stage: account.stage.as_str(),
            name: customer.name.clone().unwrap_or_default(),
            since: day_and_time(account.created_at),
            emails: customer.emails.iter().map(|it| (it.value.clone(), it.verified_at.is_some())).collect(),
            identities: customer
                .identities
                .iter()
                .map(|it| (it.key.connection.to_string(), it.label.clone().unwrap_or_default()))
                .collect(),
            memberships: customer.memberships.iter().map(MembershipView::of).collect(),
            apps: customer
                .apps
                .iter()
                .map(|app| (app.client.to_string(), app.scope.iter().cloned().collect::<Vec<_>>().join(" ")))
                .collect(),
            sessions: customer.sessions,
        }
    }
}

impl MembershipView {
    pub(super) fn of(membership: &Membership) -> Self {
        let level = serde_json::to_value(membership.proof.level).unwrap_or_default();
        Self {
            programme: membership.programme.to_string(),
            number: masked(&membership.number),
            tier: membership.facts.tier.clone().unwrap_or_default(),
            proof: format!("{} · {}", membership.proof.method, level.as_str().unwrap_or_default()),
            as_of: membership.facts.as_of.map(time_of_day).unwrap_or_default(),
        }
    }
}

impl EventView {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            at: time_of_day(event.occurred_at),
            sequence: event.sequence,
            kind: event.kind.clone(),
            details: details(&event.data),
        }
    }
}

impl HostView {
    pub(super) fn of(host: &LoyaltyHost) -> Self {
        let links = host.links();
        let state = match (host.is_down(), host.slow_ms()) {
            (true, _) => "down",
            (false, 0) => "up",
            (false, _) => "slow",
        };
        let calls = host.requests().into_iter().rev().take(CALLS_SHOWN);
        Self {
            state,
            calls: calls
                .map(|call| (time_of_day(call.at), format!("{} {}", call.method, call.path), call.status))
                .collect(),
            members: host
                .members()
                .into_iter()
                .map(|member| HostMember {
                    is_linked: links.contains_key(&member.member_ref),
                    number: member.number,
                    name: member.name,
                    tier: member.tier,
                    miles: grouped(member.points),
                })
                .collect(),
        }
    }

    pub(super) fn state_key(&self) -> &'static str {
        match self.state {
            "down" => "stage.host_down",
            "slow" => "stage.host_slow",
            _ => "stage.host_up",
        }
    }
}
