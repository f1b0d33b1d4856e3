//! What we hold of a person, put into words.

use serde_json::Value;

use super::device::device;
use crate::federation::ConnectionButton;
use crate::model::account::{Attribute, Verification};
use crate::model::contact::ContactKind;
use crate::model::identity::Identity;
use crate::model::member::{Membership, MembershipState, ProofLevel};
use crate::model::session::Session;
use crate::model::{Locale, UnixTime};
use crate::policy::identifier::mask;
use crate::policy::release::best_attribute;
use crate::store::Profile;
use crate::web::state::Web;

/// Attributes in the order people expect; others follow by name.
const ORDER: [&str; 6] = ["name", "given_name", "family_name", "nickname", "birthdate", "gender"];
/// Attributes that say nothing to a reader, or that the account itself settles.
const UNSHOWN: [&str; 5] = ["picture", "locale", "zoneinfo", "updated_at", "sub"];

/// What somebody said of the person.
pub(super) struct Said {
    pub(super) claim: String,
    pub(super) value: String,
    pub(super) from: Option<String>,
    pub(super) verified: bool,
}

/// A login at a provider.
pub(super) struct Login {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) icon: Option<String>,
    pub(super) label: String,
    pub(super) linked_at: UnixTime,
}

/// A membership.
pub(super) struct Member {
    pub(super) id: String,
    pub(super) programme: String,
    pub(super) number: String,
    pub(super) tier: Option<String>,
    pub(super) as_of: Option<UnixTime>,
    pub(super) stale: bool,
    pub(super) proof: ProofLevel,
}

/// A signed-in browser.
pub(super) struct Browser {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) session: Session,
    pub(super) current: bool,
}

/// What to call the person: their name, else the beginning of an address.
pub(super) fn name(profile: &Profile) -> String {
    let called = ["name", "nickname"].iter().find_map(|claim| best_attribute(claim, None, &profile.attributes));
    let called = called.and_then(|attribute| attribute.value.as_str()).map(str::to_owned);
    let address = || profile.contacts.iter().find(|contact| contact.kind == ContactKind::Email);
    called.or_else(|| address().map(|contact| mask(&contact.value))).unwrap_or_default()
}

/// The best value of each attribute, and what the account itself settles.
pub(super) fn said(web: &Web, locale: &Locale, profile: &Profile) -> Vec<Said> {
    let mut names: Vec<&str> = profile.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    names.sort_unstable_by_key(|name| (place(name), *name));
    names.dedup();
    let best = names.into_iter().filter(|name| !UNSHOWN.contains(name)).filter_map(|name| {
        let (base, tag) = name.split_once('#').map_or((name, None), |(base, tag)| (base, Some(tag)));
        best_attribute(base, tag, &profile.attributes)
    });
    let mut said: Vec<Said> = best.filter_map(|attribute| spoken(web, locale, attribute)).collect();
    let own = |claim: &str, value: &str| Said {
        claim: claim.to_owned(),
        value: value.to_owned(),
        from: None,
        verified: false,
    };
    let account = &profile.account;
    said.push(own("locale", web.texts.get(&account.locale, "language.name")));
    said.push(own("zoneinfo", &account.zoneinfo));
    said
}

fn spoken(web: &Web, locale: &Locale, attribute: &Attribute) -> Option<Said> {
    let value = match &attribute.value {
        Value::String(day) if attribute.name == "birthdate" => web.texts.calendar_day(locale, day),
        value => readable(value)?,
    };
    let from = match attribute.source.split_once(':') {
        Some(("connection", id)) => Some(web.federation.name(&id.into(), locale).unwrap_or(id)),
        Some(("loyalty", id)) => Some(web.memberships.programme(&id.into()).map_or(id, |it| it.name(locale))),
        _ => None,
    };
    Some(Said {
        claim: attribute.name.clone(),
        value,
        from: from.map(str::to_owned),
        verified: attribute.verification == Verification::Verified,
    })
}

/// A value as text; `None` when it says nothing.
fn readable(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => match members.get("formatted").and_then(readable) {
            Some(formatted) => Some(formatted),
            None => join(members.values()),
        },
        Value::Array(items) => join(items.iter()),
        Value::Null | Value::Bool(_) => None,
    }
}

fn join<'a>(values: impl Iterator<Item = &'a Value>) -> Option<String> {
    let parts: Vec<String> = values.filter_map(readable).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

pub(super) fn buttons(web: &Web, locale: &Locale) -> Vec<ConnectionButton> {
    let order = web.connection_order(locale);
    let mut buttons = web.federation.list(locale);
    buttons.sort_by_key(|button| order.iter().position(|id| *id == button.id.as_str()).unwrap_or(order.len()));
    buttons
}

pub(super) fn login(web: &Web, locale: &Locale, buttons: &[ConnectionButton], identity: Identity) -> Login {
    let connection = &identity.key.connection;
    Login {
        id: identity.id.to_string(),
        name: web.federation.name(connection, locale).unwrap_or(connection.as_str()).to_owned(),
        icon: buttons.iter().find(|button| button.id == *connection).map(|button| button.icon.clone()),
        label: identity.label.unwrap_or_default(),
        linked_at: identity.linked_at,
    }
}

pub(super) fn member(web: &Web, locale: &Locale, membership: &Membership) -> Member {
    let programme = web.memberships.programme(&membership.programme);
    // Its owner sees the last word of the host however old it is, marked as what it is.
    let tier = membership.facts.tier.as_deref().filter(|_| membership.state == MembershipState::Active);
    let age = membership.facts.as_of.map(|as_of| web.clock.now().since(as_of));
    let is_aged = age.is_none_or(|age| age > web.provider.rules().freshness().stale_after.as_seconds());
    let tier_name = |code: &str| {
        programme.and_then(|programme| programme.tier(code)).map_or(code, |tier| tier.name(locale)).to_owned()
    };
    Member {
        id: membership.id.to_string(),
        programme: programme.map_or(membership.programme.as_str(), |programme| programme.name(locale)).to_owned(),
        number: mask(&membership.number),
        tier: tier.map(tier_name),
        as_of: membership.facts.as_of,
        stale: is_aged || web.memberships.unreachable().contains(&membership.programme),
        proof: membership.proof.level,
    }
}

/// Programmes no number is linked of yet.
pub(super) fn programmes(web: &Web, locale: &Locale, memberships: &[Membership]) -> Vec<(String, String)> {
    let is_open = |id| !memberships.iter().any(|membership| membership.programme == id);
    let programmes = web.memberships.programmes().filter(|programme| is_open(programme.id.clone()));
    programmes.map(|programme| (programme.id.to_string(), programme.name(locale).to_owned())).collect()
}

/// This browser first, then the latest used.
pub(super) fn browsers(sessions: Vec<Session>, current: &Session) -> Vec<Browser> {
    let mut browsers: Vec<Browser> = sessions
        .into_iter()
        .map(|session| Browser {
            id: session.id.to_string(),
            device: device(&session.user_agent),
            current: session.id == current.id,
            session,
        })
        .collect();
    browsers.sort_by_key(|browser| (!browser.current, std::cmp::Reverse(browser.session.last_seen_at)));
    browsers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_text_or_nothing() {
        for (value, text) in [
            (json!("김민아"), Some("김민아")),
            (json!(" "), None),
            (json!({"formatted": "서울시 중구", "country": "KR"}), Some("서울시 중구")),
            (json!({"country": "KR", "locality": "서울"}), Some("KR, 서울")),
            (json!({}), None),
            (json!(true), None),
            (json!(["a", null, 2]), Some("a, 2")),
        ] {
            assert_eq!(readable(&value).as_deref(), text, "{value}");
        }
    }
}
