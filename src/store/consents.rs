//! The current state of a person's answers, and the apps that hold a grant.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::ledger::Answer;
use super::open::{Store, from_word, small, word};
use super::outbox::{Happened, Locked};
use super::vault::Root;
use crate::model::consent::{Consent, Decision};
use crate::model::{AccountId, ClientId, UnixTime};

/// A relying party that holds a grant of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedApp {
    /// The relying party.
    pub client: ClientId,
    /// When it first received a grant that is in force.
    pub since: UnixTime,
    /// When it last received or refreshed tokens.
    pub last_used: UnixTime,
    /// All scopes of grants in force.
    pub scope: BTreeSet<String>,
}

row!(ConsentRow {
    account: Uuid,
    client: String,
    scope: String,
    claim: String,
    purpose: String,
    purpose_version: i64,
    decision: String,
    decided_at: i64,
    expires_at: Option<i64>,
});
row!(AppRow { client: String, scope: String, since: i64, last_used: i64 });

impl Store {
    /// A person's answers for one client.
    pub async fn consents(&self, account: AccountId, client: &ClientId) -> Result<Vec<Consent>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            ConsentRow,
            "SELECT account, client, scope, claim, purpose, purpose_version, decision, decided_at, expires_at \
             FROM consents WHERE account = $1 AND client = $2 ORDER BY scope, claim",
            account.as_uuid(),
            client.as_str()
        )?;
        rows.into_iter().map(Consent::try_from).collect()
    }

    /// A person's answers for all clients.
    pub async fn all_consents(&self, account: AccountId) -> Result<Vec<Consent>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            ConsentRow,
            "SELECT account, client, scope, claim, purpose, purpose_version, decision, decided_at, expires_at \
             FROM consents WHERE account = $1 ORDER BY client, scope, claim",
            account.as_uuid()
        )?;
        rows.into_iter().map(Consent::try_from).collect()
    }

    /// Records answers given at one moment, in the ledger and as the current state; events `consent.given` and
    /// `consent.withdrawn`. `evidence` tells how the answers are known, and is sealed.
    pub async fn record_consents(
        &self,
        account: AccountId,
        client: &ClientId,
        consents: Vec<Consent>,
        evidence: &Value,
        now: UnixTime,
    ) -> Result<(), Error> {
        if consents.is_empty() {
            return Ok(());
        }
        let root = self.root().await?;
        let answers: Vec<Answer> = consents.iter().map(Answer::from).collect();
        let told = [(Decision::Given, "consent.given"), (Decision::Withdrawn, "consent.withdrawn")];
        let events: Vec<Happened> =
            told.iter().filter_map(|(decision, kind)| consent_event(kind, client, &answers, *decision)).collect();
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            self.append_entry(tx, root, (account, &locked), (client, &answers), evidence, now).await?;
            for consent in &consents {
                project(tx, account, client, consent).await?;
            }
            self.tell(tx, account, &events, now).await?;
        })
    }

    /// Takes back one answer; gives whether it stood. Event `consent.withdrawn`.
    pub async fn withdraw_consent(
        &self,
        account: AccountId,
        client: &ClientId,
        (scope, claim): (&str, &str),
        now: UnixTime,
    ) -> Result<bool, Error> {
        let root = self.root().await?;
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            let withdrawn = fetch_optional!(
                &mut *tx,
                ConsentRow,
                "UPDATE consents SET decision = 'withdrawn', decided_at = $5, expires_at = NULL WHERE account = $1 \
                 AND client = $2 AND scope = $3 AND claim = $4 AND decision = 'given' RETURNING account, client, \
                 scope, claim, purpose, purpose_version, decision, decided_at, expires_at",
                account.as_uuid(), client.as_str(), scope, claim, now.0
            )?;
            let Some(row) = withdrawn else { return Ok(false) };
            let answers = [Answer::from(&Consent::try_from(row)?)];
            let evidence = json!({ "action": "withdrawn" });
            self.append_entry(tx, root, (account, &locked), (client, &answers), &evidence, now).await?;
            let event = consent_event("consent.withdrawn", client, &answers, Decision::Withdrawn);
            self.tell(tx, account, event.as_slice(), now).await?;
            true
        })
    }

    /// Removes the answers for a client, on the record; gives whether there were any.
    pub(super) async fn remove_consents(
        &self,
        tx: &mut Link,
        root: &Root,
        (account, locked): (AccountId, &Locked),
        client: &ClientId,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let removed = fetch_all!(
            &mut *tx,
            ConsentRow,
            "DELETE FROM consents WHERE account = $1 AND client = $2 RETURNING account, client, scope, claim, \
             purpose, purpose_version, decision, decided_at, expires_at",
            account.as_uuid(),
            client.as_str()
        )?;
        if removed.is_empty() {
            return Ok(false);
        }
        let mut answers = Vec::with_capacity(removed.len());
        for row in removed {
            answers.push(Answer { decision: Decision::Withdrawn, ..Answer::from(&Consent::try_from(row)?) });
        }
        let evidence = json!({ "action": "grant_revoked" });
        self.append_entry(tx, root, (account, locked), (client, &answers), &evidence, now).await?;
        Ok(true)
    }

    /// The relying parties that hold grants of an account, the latest used first.
    pub async fn connected_apps(&self, account: AccountId) -> Result<Vec<ConnectedApp>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            AppRow,
            "SELECT client, scope, MIN(created_at) AS since, MAX(last_used_at) AS last_used FROM families \
             WHERE account = $1 AND revoked_at IS NULL GROUP BY client, scope ORDER BY client",
            account.as_uuid()
        )?;
        let mut apps: Vec<ConnectedApp> = Vec::new();
        for row in rows {
            let scope = row.scope.split_whitespace().map(str::to_owned);
            let (since, last_used) = (UnixTime(row.since), UnixTime(row.last_used));
            match apps.last_mut().filter(|app| app.client.as_str() == row.client) {
                Some(app) => {
                    app.since = app.since.min(since);
                    app.last_used = app.last_used.max(last_used);
                    app.scope.extend(scope);
                }
                None => apps.push(ConnectedApp { client: row.client.into(), since, last_used, scope: scope.collect() }),
            }
        }
        apps.sort_by_key(|app| std::cmp::Reverse(app.last_used));
        Ok(apps)
    }
}

async fn project(tx: &mut Link, account: AccountId, client: &ClientId, consent: &Consent) -> Result<(), Error> {
    execute!(
        tx,
        "INSERT INTO consents (account, client, scope, claim, purpose, purpose_version, decision, decided_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (account, client, scope, claim) \
         DO UPDATE SET purpose = excluded.purpose, purpose_version = excluded.purpose_version, \
         decision = excluded.decision, decided_at = excluded.decided_at, expires_at = excluded.expires_at",
        account.as_uuid(),
        client.as_str(),
        &consent.scope,
        &consent.claim,
        &consent.purpose,
        i64::from(consent.purpose_version),
        word(&consent.decision)?,
        consent.decided_at.0,
        consent.expires_at.map(|at| at.0)
    )
    .map(drop)
}

/// The event for those answers that are of one decision, if any.
fn consent_event(kind: &'static str, client: &ClientId, answers: &[Answer], decision: Decision) -> Option<Happened> {
    let lines: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.decision == decision)
        .map(|answer| {
            json!({
                "scope": answer.scope,
                "claim": answer.claim,
                "purpose": answer.purpose,
                "purpose_version": answer.purpose_version,
            })
        })
        .collect();
    (!lines.is_empty()).then(|| (kind, json!({ "client": client, "consents": lines })))
}

impl From<&Consent> for Answer {
    fn from(consent: &Consent) -> Self {
        Self {
            scope: consent.scope.clone(),
            claim: consent.claim.clone(),
            purpose: consent.purpose.clone(),
            purpose_version: consent.purpose_version,
            decision: consent.decision,
            expires_at: consent.expires_at,
        }
    }
}

impl TryFrom<ConsentRow> for Consent {
    type Error = Error;

    fn try_from(row: ConsentRow) -> Result<Self, Error> {
        Ok(Self {
            account: row.account.into(),
            client: row.client.into(),
            scope: row.scope,
            claim: row.claim,
            purpose: row.purpose,
            purpose_version: small(row.purpose_version)?,
            decision: from_word(&row.decision)?,
            decided_at: UnixTime(row.decided_at),
            expires_at: row.expires_at.map(UnixTime),
        })
    }
}
