//! L3 — what people agreed to: answers about claims, and the apps that hold them.
//!
//! The ledger is append-only; what stands today is its projection. What may be released is decided in
//! `policy::release`, never here. A new kind of agreement is a method here and an event of the ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::model::client::Client;
use crate::model::consent::{Consent, Decision};
use crate::model::session::Session;
use crate::model::{AccountId, ClientId, Clock, Fault, Locale, ProgrammeId};
use crate::policy::release::{AskLine, ReleaseRules, Source};
use crate::store::{ConnectedApp, Store};

/// The room. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Consents {
    store: Store,
    clock: Clock,
}

/// An app on the account page, with what it was allowed.
#[derive(Clone, Debug)]
pub struct App {
    /// The grants it holds, if any is in force.
    pub grant: Option<ConnectedApp>,
    /// Whose answers these are for.
    pub client: ClientId,
    /// Answers that say yes.
    pub given: Vec<Consent>,
}

impl Consents {
    /// Puts the room together.
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Records the answers of a consent page. Lines that are not voluntary are given by pressing Allow; voluntary ones
    /// only when ticked. The lines come from the evaluator, never from the form.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn answer(
        &self,
        session: &Session,
        client: &ClientId,
        lines: &[AskLine],
        ticked: &BTreeSet<(String, String)>,
        locale: &Locale,
    ) -> Result<(), Fault> {
        let now = self.clock.now();
        let consents = lines.iter().map(|line| {
            let yes = !line.voluntary || ticked.contains(&(line.scope.clone(), line.claim.clone()));
            Consent {
                account: session.account,
                client: client.clone(),
                scope: line.scope.clone(),
                claim: line.claim.clone(),
                purpose: line.purpose.clone(),
                purpose_version: line.purpose_version,
                decision: if yes { Decision::Given } else { Decision::Declined },
                decided_at: now,
                expires_at: line.remember.map(|seconds| now + seconds),
            }
        });
        let evidence = json!({ "page": "consent", "session": session.id, "locale": locale });
        Ok(self.store.record_consents(session.account, client, consents.collect(), &evidence, now).await?)
    }

    /// The apps of an account: those with grants in force, and those with answers that stand.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn apps(&self, account: AccountId) -> Result<Vec<App>, Fault> {
        let mut apps: Vec<App> = self
            .store
            .connected_apps(account)
            .await?
            .into_iter()
            .map(|grant| App { client: grant.client.clone(), grant: Some(grant), given: Vec::new() })
            .collect();
        let given = self.store.all_consents(account).await?;
        for consent in given.into_iter().filter(|consent| consent.decision == Decision::Given) {
            match apps.iter_mut().find(|app| app.client == consent.client) {
                Some(app) => app.given.push(consent),
                None => apps.push(App { client: consent.client.clone(), grant: None, given: vec![consent] }),
            }
        }
        Ok(apps)
    }

    /// The relying parties that may ask for memberships of a programme, by name.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn receivers(&self, rules: &ReleaseRules, programme: &ProgrammeId) -> Result<Vec<Arc<Client>>, Fault> {
        let clients = self.store.clients().await?.into_iter().map(|registered| registered.client);
        let mut receivers: Vec<Arc<Client>> = clients.filter(|client| may_receive(client, rules, programme)).collect();
        receivers.sort_by(|a, b| a.client_name.cmp(&b.client_name));
        Ok(receivers)
    }

    /// Takes back one answer: the claim is released to nobody of that client from the next call on.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn withdraw(
        &self,
        account: AccountId,
        client: &ClientId,
        scope: &str,
        claim: &str,
    ) -> Result<bool, Fault> {
        Ok(self.store.withdraw_consent(account, client, (scope, claim), self.clock.now()).await?)
    }

    /// Ends an app's access: its tokens and all answers for it.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn revoke_app(&self, account: AccountId, client: &ClientId) -> Result<bool, Fault> {
        Ok(self.store.revoke_grant(account, client, self.clock.now()).await?)
    }
}

fn may_receive(client: &Client, rules: &ReleaseRules, programme: &ProgrammeId) -> bool {
    let allowed = &client.release;
    let tells = |source: &Source| match source {
        Source::Loyalty(only) => only.as_ref().is_none_or(|only| only == programme),
        _ => false,
    };
    let brings_along = |scope: &String| {
        rules.row(scope, &client.id).is_some_and(|row| {
            row.claims.iter().any(|(claim, rule)| tells(&rule.source) && !allowed.except.contains(claim))
        })
    };
    let asks_singly =
        |claim: &String| rules.rows().iter().any(|row| row.claims.get(claim).is_some_and(|rule| tells(&rule.source)));
    let sees_programme = allowed.programmes.is_empty() || allowed.programmes.contains(programme);
    !client.disabled
        && sees_programme
        && (allowed.scopes.iter().any(brings_along) || allowed.claims.iter().any(asks_singly))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(release: &serde_json::Value, disabled: bool) -> Client {
        let metadata = json!({ "client_id": "shop", "client_name": "Shop", "release": release, "disabled": disabled });
        serde_json::from_value(metadata).unwrap()
    }

    #[test]
    fn who_may_receive_memberships_follows_from_the_allowlist() {
        let rules = ReleaseRules::builtin().unwrap();
        let claim = "urn:comity:memberships";
        for (release, receives) in [
            (json!({ "scopes": ["openid", "membership"] }), true),
            (json!({ "scopes": ["openid", "membership.number"] }), true),
            (json!({ "scopes": ["openid"], "claims": [claim] }), true),
            (json!({ "scopes": ["openid", "membership"], "programmes": ["skyway"] }), true),
            (json!({ "scopes": ["openid", "profile"] }), false),
            (json!({ "scopes": ["openid", "membership"], "except": [claim] }), false),
            (json!({ "scopes": ["openid", "membership"], "programmes": ["milenote"] }), false),
        ] {
            assert_eq!(may_receive(&client(&release, false), &rules, &"skyway".into()), receives, "{release}");
            assert!(!may_receive(&client(&release, true), &rules, &"skyway".into()), "{release}");
        }
    }
}
