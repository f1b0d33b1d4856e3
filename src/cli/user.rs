//! `comity user`.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, open, say};
use crate::model::AccountId;
use crate::model::contact::ContactKind;
use crate::policy::identifier::{Identifier, mask};
use crate::settings::Settings;
use crate::store::Store;

/// People.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show an account as JSON, found by its identifier or a verified e-mail address; values are masked.
    Show {
        /// An account's identifier, or an e-mail address.
        who: String,
    },
}

pub(super) async fn run(command: &Command, settings: &Settings) -> Result<(), Failure> {
    let Command::Show { who } = command;
    let store = open(settings).await?;
    let id = find(&store, who).await?.ok_or_else(|| format!("nobody is known by {who:?}"))?;
    let profile = store.profile(id).await?.ok_or_else(|| format!("nobody is known by {who:?}"))?;
    let identities = store.identities(id).await?;
    let apps = store.connected_apps(id).await?;
    let shown = json!({
        "account": id,
        "stage": profile.account.stage,
        "status": profile.account.status,
        "locale": profile.account.locale,
        "created_at": profile.account.created_at.to_rfc3339(),
        "contacts": profile.contacts.iter().map(|contact| json!({
            "kind": contact.kind,
            "value": mask(&contact.value),
            "verified": contact.verified_at.is_some(),
        })).collect::<Vec<_>>(),
        "attributes": profile.attributes.iter().map(|attribute| json!({
            "name": attribute.name, "source": attribute.source, "verification": attribute.verification,
        })).collect::<Vec<_>>(),
        "identities": identities.iter().map(|identity| json!({
            "connection": identity.key.connection, "linked_at": identity.linked_at.to_rfc3339(),
        })).collect::<Vec<_>>(),
        "memberships": profile.memberships.iter().map(|membership| json!({
            "programme": membership.programme, "state": membership.state, "proof": membership.proof,
            "tier": membership.facts.tier,
        })).collect::<Vec<_>>(),
        "apps": apps.iter().map(|app| json!({
            "client": app.client, "scope": app.scope, "since": app.since.to_rfc3339(),
        })).collect::<Vec<_>>(),
    });
    say(serde_json::to_string_pretty(&shown)?)
}

async fn find(store: &Store, who: &str) -> Result<Option<AccountId>, Failure> {
    if let Ok(id) = who.parse::<AccountId>() {
        return Ok(Some(id));
    }
    let email = Identifier::email(who)?.into_string();
    Ok(store.verified_owners(ContactKind::Email, &email).await?.first().copied())
}
