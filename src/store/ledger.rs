//! The consent ledger: append-only, each entry authenticated together with the one before it, the account's row
//! holding the head, so that neither a change nor a missing end goes unnoticed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::outbox::Locked;
use super::vault::Root;
use crate::model::consent::Decision;
use crate::model::{AccountId, ClientId, UnixTime};

/// One answer of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The scope the claim was asked under.
    pub scope: String,
    /// The claim.
    pub claim: String,
    /// The purpose it was asked for.
    pub purpose: String,
    /// The version of the purpose the person saw.
    pub purpose_version: u32,
    /// The answer.
    pub decision: Decision,
    /// When it must be asked anew.
    pub expires_at: Option<UnixTime>,
}

/// One entry of the ledger: what a person decided at one moment for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentEvent {
    /// Who.
    pub account: AccountId,
    /// Its position among the account's entries, from 1.
    pub sequence: i64,
    /// For whom.
    pub client: ClientId,
    /// What.
    pub answers: Vec<Answer>,
    /// How that is known: the page shown, its language; `null` once the account is erased.
    pub evidence: Value,
    /// When.
    pub occurred_at: UnixTime,
}

row!(EntryRow {
    sequence: i64,
    client: String,
    answers: String,
    evidence: Vec<u8>,
    occurred_at: i64,
    hash: Vec<u8>,
});
row!(HeadRow { ledger_sequence: i64, ledger_hash: Option<Vec<u8>>, data_key: Option<Vec<u8>> });

impl Store {
    /// The account's entries, the oldest first.
    pub async fn consent_events(&self, account: AccountId) -> Result<Vec<ConsentEvent>, Error> {
        let (head, entries) = self.ledger(account).await?;
        let Some(head) = head else { return Ok(Vec::new()) };
        let key = head.data_key.as_deref().map(|wrapped| self.key_of(account, Some(wrapped))).transpose()?;
        let open = |row: EntryRow| {
            let evidence = match &key {
                Some(key) => serde_json::from_slice(&key.open(&evidence_place(account, row.sequence), &row.evidence)?)?,
                None => Value::Null,
            };
            Ok(ConsentEvent {
                account,
                sequence: row.sequence,
                client: row.client.into(),
                answers: serde_json::from_str(&row.answers)?,
                evidence,
                occurred_at: UnixTime(row.occurred_at),
            })
        };
        entries.into_iter().map(open).collect()
    }

    /// Whether the account's entries are exactly those that were written. Erasing an account does not break its chain.
    pub async fn verify_consent_chain(&self, account: AccountId) -> Result<bool, Error> {
        let root = self.root().await?;
        let (head, entries) = self.ledger(account).await?;
        let Some(head) = head else { return Ok(entries.is_empty()) };
        let mut last = None;
        for (expected, entry) in (1..).zip(&entries) {
            let hash = entry.link(root, account, last.as_deref());
            if entry.sequence != expected || entry.hash != hash {
                return Ok(false);
            }
            last = Some(hash);
        }
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        Ok(head.ledger_sequence == count && head.ledger_hash == last)
    }

    /// The head, then the entries, each as of the moment it is read: of one account that is consistent, entries being
    /// only ever appended, but for an entry written in between, which then is left out.
    async fn ledger(&self, account: AccountId) -> Result<(Option<HeadRow>, Vec<EntryRow>), Error> {
        let mut link = self.db.read().await?;
        let head = fetch_optional!(
            &mut link,
            HeadRow,
            "SELECT ledger_sequence, ledger_hash, data_key FROM accounts WHERE id = $1",
            account.as_uuid()
        )?;
        let mut entries = fetch_all!(
            &mut link,
            EntryRow,
            "SELECT sequence, client, answers, evidence, occurred_at, hash FROM consent_events WHERE account = $1 \
             ORDER BY sequence",
            account.as_uuid()
        )?;
        if let Some(head) = &head {
            entries.retain(|entry| entry.sequence <= head.ledger_sequence);
        }
        Ok((head, entries))
    }

    /// Appends an entry to the ledger of a locked account. One entry per lock: the head it was read with moves on.
    pub(super) async fn append_entry(
        &self,
        tx: &mut Link,
        root: &Root,
        (account, locked): (AccountId, &Locked),
        (client, answers): (&ClientId, &[Answer]),
        evidence: &Value,
        now: UnixTime,
    ) -> Result<(), Error> {
        let sequence = locked.ledger_sequence + 1;
        let mut entry = EntryRow {
            sequence,
            client: client.to_string(),
            answers: serde_json::to_string(answers)?,
            evidence: locked.key.seal_json(&evidence_place(account, sequence), evidence)?,
            occurred_at: now.0,
            hash: Vec::new(),
        };
        entry.hash = entry.link(root, account, locked.ledger_hash.as_deref());
        execute!(
            &mut *tx,
            "UPDATE accounts SET ledger_sequence = $2, ledger_hash = $3 WHERE id = $1",
            account.as_uuid(),
            sequence,
            &entry.hash
        )?;
        execute!(
            &mut *tx,
            "INSERT INTO consent_events (account, sequence, client, answers, evidence, occurred_at, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            account.as_uuid(),
            sequence,
            entry.client,
            entry.answers,
            entry.evidence,
            entry.occurred_at,
            entry.hash
        )
        .map(drop)
    }
}

impl EntryRow {
    /// Binds the stored form, evidence still sealed: a chain outlives the key its evidence was sealed with.
    fn link(&self, root: &Root, account: AccountId, previous: Option<&[u8]>) -> Vec<u8> {
        let account = account.as_uuid();
        let parts: [&[u8]; 7] = [
            previous.unwrap_or_default(),
            account.as_bytes(),
            &self.sequence.to_be_bytes(),
            self.client.as_bytes(),
            self.answers.as_bytes(),
            &self.evidence,
            &self.occurred_at.to_be_bytes(),
        ];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&part.len().to_be_bytes());
            bytes.extend_from_slice(part);
        }
        root.chain(&bytes)
    }
}

fn evidence_place(account: AccountId, sequence: i64) -> String {
    format!("consent_events|evidence|{account}|{sequence}")
}
