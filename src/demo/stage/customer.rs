//! The customer as the OP's records have her at this moment.

use serde_json::Value;

use crate::model::account::Account;
use crate::model::contact::{Contact, ContactKind};
use crate::model::digest::sha256;
use crate::model::identity::Identity;
use crate::model::member::Membership;
use crate::model::{AccountId, UnixTime};
use crate::store::{ConnectedApp, Error, Store};

/// Everything the stage shows of one account.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) account: Account,
    pub(super) name: Option<String>,
    pub(super) emails: Vec<Contact>,
    pub(super) identities: Vec<Identity>,
    pub(super) memberships: Vec<Membership>,
    pub(super) apps: Vec<ConnectedApp>,
    pub(super) sessions: usize,
}

impl Customer {
    /// Reads it; `None` when there is no such account.
    pub(super) async fn read(store: &Store, id: AccountId, now: UnixTime) -> Result<Option<Self>, Error> {
        let Some(profile) = store.profile(id).await? else { return Ok(None) };
        let named = |name: &str| {
            let found = profile.attributes.iter().find(|attribute| attribute.name == name)?;
            found.value.as_str().map(str::to_owned)
        };
        Ok(Some(Self {
            name: named("name").or_else(|| named("nickname")),
            emails: profile.contacts.iter().filter(|it| it.kind == ContactKind::Email).cloned().collect(),
            identities: store.identities(id).await?,
            memberships: profile.memberships,
            apps: store.connected_apps(id).await?,
            sessions: store.sessions(id, now).await?.len(),
            account: profile.account,
        }))
    }

    /// Whether she signs in with this provider.
    pub(super) fn has_identity(&self, connection: &str) -> bool {
        self.identities.iter().any(|identity| identity.key.connection.as_str() == connection)
    }
}

/// Who is signed in to the OP in the browser that sent this session cookie.
pub(super) async fn signed_in(store: &Store, cookie: Option<&str>, now: UnixTime) -> Result<Option<AccountId>, Error> {
    let Some(cookie) = cookie else { return Ok(None) };
    Ok(store.session(&sha256(cookie.as_bytes()), now).await?.map(|session| session.account))
}

/// A member number with all but its last digits hidden.
pub(super) fn masked(number: &str) -> String {
    let length = number.chars().count();
    number.chars().enumerate().map(|(at, digit)| if at + 3 < length { '•' } else { digit }).collect()
}

/// The details of an event, one `name=value` after the other.
pub(super) fn details(data: &Value) -> String {
    let Some(members) = data.as_object() else { return String::new() };
    members.iter().map(|(name, value)| format!("{name}={}", detail(value))).collect::<Vec<_>>().join(" ")
}

fn detail(value: &Value) -> String {
    match value {
        // The end of an identifier is what tells it from others of the same minute.
        Value::String(text) if uuid::Uuid::try_parse(text).is_ok() => {
            format!("…{}", text.get(text.len() - 6..).unwrap_or_default())
        }
        Value::String(text) => text.strip_prefix("urn:comity:").unwrap_or(text).to_owned(),
        Value::Array(items) => items.iter().map(detail).collect::<Vec<_>>().join(", "),
        Value::Object(consent) => match (consent.get("scope"), consent.get("claim")) {
            (Some(scope), Some(claim)) if claim != "" => format!("{}/{}", detail(scope), detail(claim)),
            (Some(scope), _) => detail(scope),
            _ => value.to_string(),
        },
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_masked_and_details_flat() {
        assert_eq!(masked("0012345675"), "•••••••675");
        assert_eq!(masked("12"), "12");
        assert_eq!(details(&json!({ "to": "member", "names": ["name"] })), "names=name to=member");
        assert_eq!(details(&json!(null)), "");
        let consents = json!({ "consents": [{ "scope": "age", "claim": "x" }, { "scope": "openid", "claim": "" }] });
        assert_eq!(details(&consents), "consents=age/x, openid");
        assert_eq!(details(&json!({ "session": uuid::Uuid::nil() })), "session=…000000");
    }
}
