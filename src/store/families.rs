//! Token families: what one authorization gave rise to, and its end.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::outbox::Happened;
use super::revocation::family_of_code;
use super::vault::AccountKey;
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
});
row!(KeyRow { data_key: Option<Vec<u8>> });
row!(OwnFamilyRow = family: FamilyRow, key: KeyRow);
row!(RevokedRow { client: String });
row!(OwnerRow { id: Uuid, event_sequence: i64 });
row!(CountedRow { event_sequence: i64, data_key: Option<Vec<u8>> });

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
        let opened = unit!(self, tx => {
            // The account's row is the lock that this and whatever ends sessions or switches accounts off share. Only
            // a statement after it is sure to see what they did.
            let counted = fetch_optional!(
                &mut *tx,
                CountedRow,
                "UPDATE accounts SET event_sequence = event_sequence + 1 WHERE id = $1 AND status = 'active' \
                 RETURNING event_sequence, data_key",
                family.account.as_uuid()
            )?
            .ok_or(Error::Conflict("account"))?;
            let key = self.key_of(family.account, counted.data_key.as_deref());
            if insert_family(tx, family, key, code_hash, now).await? == 0 {
                return Err(Error::Conflict("session"));
            }
            if let Some(refresh) = refresh {
                insert_refresh(tx, family.id.as_uuid(), refresh, now).await?;
            }
            let details = json!({ "family": family.id, "client": family.client, "scope": family.scope });
            self.append(tx, family.account, counted.event_sequence - 1, &[("grant.created", details)], now).await?;
            Opened::Opened
        });
        match (opened, code_hash) {
            (Err(Error::Conflict("session")), Some(code)) if self.end_reused(code, now).await? => {
                Ok(Opened::CodeReused)
            }
            (opened, _) => opened,
        }
    }

    /// Revokes what a code gave rise to; gives whether there is anything, in force or not.
    async fn end_reused(&self, code_hash: &[u8; 32], now: UnixTime) -> Result<bool, Error> {
        // In a transaction: whoever was first may be about to commit together with it.
        unit!(self, tx => {
            match family_of_code(tx, code_hash).await? {
                Some(row) => {
                    self.revoke_one(tx, row.id, "code_reused", now).await?;
                    true
                }
                None => false,
            }
        })
    }

    /// A family, revoked or not.
    pub async fn family(&self, id: FamilyId) -> Result<Option<Family>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            OwnFamilyRow,
            "SELECT f.id, f.account, f.client, f.session, f.scope, f.authentication, f.nonce, f.claims, f.created_at, \
             f.revoked_at, a.data_key FROM families f JOIN accounts a ON a.id = f.account WHERE f.id = $1",
            id.as_uuid()
        )?
        .map(|row| self.open_family_row(row.family, row.key.data_key.as_deref()))
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
        // The account's row first, as everywhere: two that end the same family do not wait for each other.
        let counted = fetch_optional!(
            &mut *tx,
            OwnerRow,
            "UPDATE accounts SET event_sequence = event_sequence + 1 WHERE id = (SELECT account FROM families \
             WHERE id = $1 AND revoked_at IS NULL) RETURNING id, event_sequence",
            id
        )?;
        let Some(owner) = counted else { return Ok(false) };
        let revoked = fetch_optional!(
            &mut *tx,
            RevokedRow,
            "UPDATE families SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING client",
            id,
            now.0
        )?;
        let Some(row) = revoked else {
            // Somebody else was first, and told of it.
            let sql = "UPDATE accounts SET event_sequence = event_sequence - 1 WHERE id = $1";
            return execute!(&mut *tx, sql, owner.id).map(|_| false);
        };
        let event = ("grant.revoked", json!({ "family": id, "client": row.client, "reason": reason }));
        self.append(tx, owner.id.into(), owner.event_sequence - 1, &[event], now).await?;
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

    pub(super) fn open_family_row(&self, row: FamilyRow, wrapped: Option<&[u8]>) -> Result<Family, Error> {
        // An erased account has no key, and its families nothing left to open.
        let key =
            wrapped.filter(|_| row.claims.is_some()).map(|wrapped| self.key_of(row.account.into(), Some(wrapped)));
        row.open(key.transpose()?.as_ref())
    }
}

impl FamilyRow {
    pub(super) fn open(self, key: Option<&AccountKey>) -> Result<Family, Error> {
        let id = FamilyId::from(self.id);
        let claims = match (self.claims, key) {
            (Some(sealed), Some(key)) => Some(key.open_text(&claims_place(id), &sealed)?),
            _ => None,
        };
        Ok(Family {
            id,
            account: self.account.into(),
            client: self.client.into(),
            session: self.session.map(SessionId::from),
            scope: self.scope.split_whitespace().map(str::to_owned).collect(),
            authentication: serde_json::from_str(&self.authentication)?,
            nonce: self.nonce,
            claims,
            created_at: UnixTime(self.created_at),
            revoked_at: self.revoked_at.map(UnixTime),
        })
    }
}

/// Writes a family, unless its session has ended or its code opened another before.
async fn insert_family(
    tx: &mut Link,
    family: &Family,
    key: Result<AccountKey, Error>,
    code_hash: Option<&[u8; 32]>,
    now: UnixTime,
) -> Result<u64, Error> {
    // Values a client asks for may be personal, e.g. an e-mail address.
    let claims = match &family.claims {
        Some(claims) => Some(key?.seal(&claims_place(family.id), claims.as_bytes())?),
        None => None,
    };
    execute!(
        tx,
        "INSERT INTO families (id, account, client, session, scope, is_offline, authentication, nonce, claims, \
         code_hash, created_at, last_used_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11 \
         WHERE $4 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE id = $4 AND account = $2 AND expires_at > $12) \
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
        family.created_at.0,
        now.0
    )
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
