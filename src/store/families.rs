//! Token families: what one authorization gave rise to, and its end.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::outbox::Happened;
use crate::model::grant::Family;
use crate::model::{AccountId, ClientId, FamilyId, SessionId, UnixTime};

/// The scope that lets a family outlive its session [OIDC Core §11].
const OFFLINE_ACCESS: &str = "offline_access";

/// What became of a code that was redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The family is open.
    Opened,
    /// The code had been redeemed before: what it gave rise to is revoked now [RFC 6749 §4.1.2].
    CodeReused,
}

/// A refresh token to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewRefresh {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it ends whatever happens.
    pub expires_at: UnixTime,
    /// Seconds without use after which it ends earlier.
    pub idle_seconds: Option<i64>,
}

row!(FamilyRow {
    id: Uuid,
    account: Uuid,
    client: String,
    session: Option<Uuid>,
    scope: String,
    authentication: String,
    nonce: Option<String>,
    claims: Option<Vec<u8>>,
    created_at: i64,
    revoked_at: Option<i64>,
    data_key: Option<Vec<u8>>,
});
row!(RevokedRow { id: Uuid, account: Uuid, client: String });
row!(SequenceRow { event_sequence: i64 });

impl Store {
    /// Opens a family, with its first refresh token if it gets one; event `grant.created`.
    ///
    /// A code opens one family only: the second attempt revokes the first one's (event `grant.revoked`).
    /// `Conflict("account")` when the account is not active, `Conflict("session")` when the session it belongs to has
    /// ended.
    pub async fn open_family(
        &self,
        family: &Family,
        code_hash: Option<&[u8; 32]>,
        refresh: Option<NewRefresh>,
        now: UnixTime,
    ) -> Result<Opened, Error> {
        unit!(self, tx => {
            if let Some(session) = family.session {
                lock_session(tx, session, family.account, now).await?;
            }
            if self.insert_family(tx, family, code_hash).await? == 0 {
                self.revoke_code(tx, code_hash, now).await?;
                return Ok(Opened::CodeReused);
            }
            if let Some(refresh) = refresh {
                insert_refresh(tx, family.id.as_uuid(), refresh, now).await?;
            }
            let counted = fetch_optional!(
                &mut *tx,
                SequenceRow,
                "UPDATE accounts SET event_sequence = event_sequence + 1 WHERE id = $1 AND status = 'active' \
                 RETURNING event_sequence",
                family.account.as_uuid()
            )?
            .ok_or(Error::Conflict("account"))?;
            let details = json!({ "family": family.id, "client": family.client, "scope": family.scope });
            self.append(tx, family.account, counted.event_sequence - 1, &[("grant.created", details)], now).await?;
            Opened::Opened
        })
    }

    async fn insert_family(&self, tx: &mut Link, family: &Family, code_hash: Option<&[u8; 32]>) -> Result<u64, Error> {
        // Values a client asks for may be personal, e.g. an e-mail address.
        let claims = match &family.claims {
            Some(claims) => {
                let key = self.lock_account(tx, family.account).await?.key;
                Some(key.seal(&claims_place(family.id), claims.as_bytes())?)
            }
            None => None,
        };
        execute!(
            tx,
            "INSERT INTO families (id, account, client, session, scope, is_offline, authentication, nonce, claims, \
             code_hash, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) \
             ON CONFLICT (code_hash) WHERE code_hash IS NOT NULL DO NOTHING",
            family.id.as_uuid(),
            family.account.as_uuid(),
            family.client.as_str(),
            family.session.map(|id| id.as_uuid()),
            family.scope.join(" "),
            i64::from(family.scope.iter().any(|scope| scope == OFFLINE_ACCESS)),
            serde_json::to_string(&family.authentication)?,
            family.nonce.as_deref(),
            claims,
            code_hash.map(<[u8; 32]>::as_slice),
            family.created_at.0
        )
    }

    async fn revoke_code(&self, tx: &mut Link, code_hash: Option<&[u8; 32]>, now: UnixTime) -> Result<(), Error> {
        let revoked = fetch_optional!(
            &mut *tx,
            RevokedRow,
            "UPDATE families SET revoked_at = $2 WHERE code_hash = $1 AND revoked_at IS NULL \
             RETURNING id, account, client",
            code_hash.map(<[u8; 32]>::as_slice),
            now.0
        )?;
        self.tell_revoked(tx, revoked, "code_reused", now).await.map(drop)
    }

    /// A family, revoked or not.
    pub async fn family(&self, id: FamilyId) -> Result<Option<Family>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            FamilyRow,
            "SELECT f.id, f.account, f.client, f.session, f.scope, f.authentication, f.nonce, f.claims, f.created_at, \
             f.revoked_at, a.data_key FROM families f JOIN accounts a ON a.id = f.account WHERE f.id = $1",
            id.as_uuid()
        )?
        .map(|row| self.open_row(row))
        .transpose()
    }

    /// Revokes a family; gives whether it was in force. Event `grant.revoked`.
    pub async fn revoke_family(&self, id: FamilyId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => { self.revoke_one(tx, id.as_uuid(), "revoked", now).await? })
    }

    pub(super) async fn revoke_one(
        &self,
        tx: &mut Link,
        id: Uuid,
        reason: &'static str,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let revoked = fetch_optional!(
            &mut *tx,
            RevokedRow,
            "UPDATE families SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id, account, client",
            id,
            now.0
        )?;
        self.tell_revoked(tx, revoked, reason, now).await
    }

    async fn tell_revoked(
        &self,
        tx: &mut Link,
        revoked: Option<RevokedRow>,
        reason: &'static str,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let Some(row) = revoked else { return Ok(false) };
        let event = ("grant.revoked", json!({ "family": row.id, "client": row.client, "reason": reason }));
        self.tell(tx, row.account.into(), &[event], now).await?;
        Ok(true)
    }

    /// Revokes all a client holds of an account and removes the consents behind it, on the record; gives whether there
    /// was anything. Event `grant.revoked`.
    pub async fn revoke_grant(&self, account: AccountId, client: &ClientId, now: UnixTime) -> Result<bool, Error> {
        let root = self.root().await?;
        let event: [Happened; 1] = [("grant.revoked", json!({ "client": client, "reason": "revoked" }))];
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            let families = execute!(
                &mut *tx,
                "UPDATE families SET revoked_at = $3 WHERE account = $1 AND client = $2 AND revoked_at IS NULL",
                account.as_uuid(),
                client.as_str(),
                now.0
            )?;
            let consents = self.remove_consents(tx, root, (account, &locked), client, now).await?;
            if families > 0 || consents {
                self.tell(tx, account, &event, now).await?;
            }
            families > 0 || consents
        })
    }

    pub(super) fn open_row(&self, row: FamilyRow) -> Result<Family, Error> {
        let id = FamilyId::from(row.id);
        let account = AccountId::from(row.account);
        // An erased account has no key, and its families nothing left to open.
        let claims = match (row.claims, row.data_key) {
            (Some(sealed), Some(wrapped)) => {
                Some(self.key_of(account, Some(&wrapped))?.open_text(&claims_place(id), &sealed)?)
            }
            _ => None,
        };
        Ok(Family {
            id,
            account,
            client: row.client.into(),
            session: row.session.map(SessionId::from),
            scope: row.scope.split_whitespace().map(str::to_owned).collect(),
            authentication: serde_json::from_str(&row.authentication)?,
            nonce: row.nonce,
            claims,
            created_at: UnixTime(row.created_at),
            revoked_at: row.revoked_at.map(UnixTime),
        })
    }
}

/// Holds on to a session until the family is there: whoever ends it meanwhile finds the family and ends it too.
async fn lock_session(tx: &mut Link, session: SessionId, account: AccountId, now: UnixTime) -> Result<(), Error> {
    let held = execute!(
        tx,
        "UPDATE sessions SET last_seen_at = last_seen_at WHERE id = $1 AND account = $2 AND expires_at > $3",
        session.as_uuid(),
        account.as_uuid(),
        now.0
    )?;
    if held == 0 { Err(Error::Conflict("session")) } else { Ok(()) }
}

/// Stores a refresh token of a family.
pub(super) async fn insert_refresh(
    tx: &mut Link,
    family: Uuid,
    refresh: NewRefresh,
    now: UnixTime,
) -> Result<(), Error> {
    execute!(
        tx,
        "INSERT INTO refresh_tokens (hash, family, created_at, expires_at, idle_seconds) VALUES ($1, $2, $3, $4, $5)",
        refresh.hash.as_slice(),
        family,
        now.0,
        refresh.expires_at.0,
        refresh.idle_seconds
    )
    .map(drop)
}

fn claims_place(id: FamilyId) -> String {
    format!("families|claims|{id}")
}
