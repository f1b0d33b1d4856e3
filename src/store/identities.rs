//! Logins at upstream providers, unique by (connection, issuer, subject), and the tokens they gave us.

use serde_json::{Value, json};
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::outbox::Happened;
use super::vault::{AccountKey, Root};
use crate::model::identity::{Identity, IdentityKey, UpstreamTokens};
use crate::model::{AccountId, IdentityId, Secret, UnixTime};

/// A login at an upstream provider that is to be linked.
#[derive(Clone, Debug)]
pub struct NewIdentity {
    /// What it is known by upstream.
    pub key: IdentityKey,
    /// A name to tell it by.
    pub label: Option<String>,
    /// What the provider gave us.
    pub tokens: Option<UpstreamTokens>,
}

impl NewIdentity {
    pub(super) fn linked_event(&self, id: IdentityId) -> Happened {
        ("identity.linked", json!({ "identity": id, "connection": self.key.connection }))
    }
}

row!(IdentityRow {
    id: Uuid,
    account: Uuid,
    connection: String,
    issuer: String,
    subject: Vec<u8>,
    label: Option<Vec<u8>>,
    linked_at: i64,
    last_used_at: i64,
    data_key: Option<Vec<u8>>,
});
row!(TokensRow { account: Uuid, tokens: Option<Vec<u8>>, data_key: Option<Vec<u8>> });
row!(ConnectionRow { connection: String });

impl Store {
    /// The identity an upstream login is linked as.
    pub async fn identity(&self, key: &IdentityKey) -> Result<Option<Identity>, Error> {
        let index = subject_index(self.root().await?, key);
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            IdentityRow,
            "SELECT i.id, i.account, i.connection, i.issuer, i.subject, i.label, i.linked_at, i.last_used_at, \
             a.data_key FROM identities i JOIN accounts a ON a.id = i.account \
             WHERE i.connection = $1 AND i.issuer = $2 AND i.subject_index = $3",
            key.connection.as_str(),
            &key.issuer,
            &index
        )?
        .map(|row| self.open_identity(row))
        .transpose()
    }

    /// The upstream logins of an account, the oldest first.
    pub async fn identities(&self, account: AccountId) -> Result<Vec<Identity>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            IdentityRow,
            "SELECT i.id, i.account, i.connection, i.issuer, i.subject, i.label, i.linked_at, i.last_used_at, \
             a.data_key FROM identities i JOIN accounts a ON a.id = i.account \
             WHERE i.account = $1 ORDER BY i.linked_at, i.id",
            account.as_uuid()
        )?;
        rows.into_iter().map(|row| self.open_identity(row)).collect()
    }

    /// Links an upstream login to an account; event `identity.linked`. `Conflict("identity")` when it is linked
    /// already, to whomever.
    pub async fn link_identity(
        &self,
        account: AccountId,
        new: &NewIdentity,
        now: UnixTime,
    ) -> Result<IdentityId, Error> {
        let root = self.root().await?;
        let id: IdentityId = self.random.id(now);
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            self.insert_identity(tx, root, (account, &locked.key), id, new, now).await?;
            self.tell(tx, account, &[new.linked_event(id)], now).await?;
            id
        })
    }

    /// Removes an upstream login of an account, tokens included; gives whether it was there. Event
    /// `identity.unlinked`.
    pub async fn unlink_identity(&self, account: AccountId, id: IdentityId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let removed = fetch_optional!(
                &mut *tx,
                ConnectionRow,
                "DELETE FROM identities WHERE id = $1 AND account = $2 RETURNING connection",
                id.as_uuid(),
                account.as_uuid()
            )?;
            if let Some(row) = &removed {
                let event = ("identity.unlinked", json!({ "identity": id, "connection": row.connection }));
                self.tell(tx, account, &[event], now).await?;
            }
            removed.is_some()
        })
    }

    /// Notes that a login was used; new tokens replace those we had.
    pub async fn identity_used(
        &self,
        id: IdentityId,
        tokens: Option<&UpstreamTokens>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let sealed = match tokens {
            None => None,
            Some(tokens) => match self.tokens_row(id).await? {
                None => return Ok(()),
                Some(row) => {
                    let key = self.key_of(row.account.into(), row.data_key.as_deref())?;
                    Some(seal_tokens(&key, id, tokens)?)
                }
            },
        };
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "UPDATE identities SET last_used_at = $2, tokens = COALESCE($3, tokens) WHERE id = $1",
            id.as_uuid(),
            now.0,
            sealed
        )
        .map(drop)
    }

    /// The tokens an upstream provider gave us with a login.
    pub async fn upstream_tokens(&self, id: IdentityId) -> Result<Option<UpstreamTokens>, Error> {
        let Some(TokensRow { account, tokens: Some(sealed), data_key }) = self.tokens_row(id).await? else {
            return Ok(None);
        };
        let key = self.key_of(account.into(), data_key.as_deref())?;
        let value: Value = serde_json::from_slice(&key.open(&tokens_place(id), &sealed)?)?;
        let secret = |name: &str| value.get(name).and_then(Value::as_str).map(Secret::from);
        Ok(Some(UpstreamTokens {
            access_token: secret("access_token"),
            refresh_token: secret("refresh_token"),
            expires_at: value.get("expires_at").and_then(Value::as_i64).map(UnixTime),
        }))
    }

    async fn tokens_row(&self, id: IdentityId) -> Result<Option<TokensRow>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            TokensRow,
            "SELECT i.account, i.tokens, a.data_key FROM identities i JOIN accounts a ON a.id = i.account \
             WHERE i.id = $1",
            id.as_uuid()
        )
    }

    pub(super) async fn insert_identity(
        &self,
        tx: &mut Link,
        root: &Root,
        (account, key): (AccountId, &AccountKey),
        id: IdentityId,
        new: &NewIdentity,
        now: UnixTime,
    ) -> Result<(), Error> {
        let label = new.label.as_ref().map(|label| key.seal(&label_place(id), label.as_bytes())).transpose()?;
        let tokens = new.tokens.as_ref().map(|tokens| seal_tokens(key, id, tokens)).transpose()?;
        execute!(
            tx,
            "INSERT INTO identities (id, account, connection, issuer, subject_index, subject, label, tokens, \
             linked_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
            id.as_uuid(),
            account.as_uuid(),
            new.key.connection.as_str(),
            &new.key.issuer,
            subject_index(root, &new.key),
            key.seal(&subject_place(id), new.key.subject.as_bytes())?,
            label,
            tokens,
            now.0
        )
        .map(drop)
    }

    fn open_identity(&self, row: IdentityRow) -> Result<Identity, Error> {
        let id = IdentityId::from(row.id);
        let account = AccountId::from(row.account);
        let key = self.key_of(account, row.data_key.as_deref())?;
        Ok(Identity {
            id,
            account,
            key: IdentityKey {
                connection: row.connection.into(),
                issuer: row.issuer,
                subject: key.open_text(&subject_place(id), &row.subject)?,
            },
            label: row.label.map(|label| key.open_text(&label_place(id), &label)).transpose()?,
            linked_at: UnixTime(row.linked_at),
            last_used_at: UnixTime(row.last_used_at),
        })
    }
}

fn seal_tokens(key: &AccountKey, id: IdentityId, tokens: &UpstreamTokens) -> Result<Vec<u8>, Error> {
    let text = |secret: &Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
    let value = json!({
        "access_token": text(&tokens.access_token),
        "refresh_token": text(&tokens.refresh_token),
        "expires_at": tokens.expires_at,
    });
    key.seal_json(&tokens_place(id), &value)
}

fn subject_index(root: &Root, key: &IdentityKey) -> Vec<u8> {
    root.blind_index("identity", &format!("{}\n{}\n{}", key.connection, key.issuer, key.subject))
}

fn subject_place(id: IdentityId) -> String {
    format!("identities|subject|{id}")
}

fn label_place(id: IdentityId) -> String {
    format!("identities|label|{id}")
}

fn tokens_place(id: IdentityId) -> String {
    format!("identities|tokens|{id}")
}
