//! Tokens at work: refresh, rotation, reuse, and whether an access token still stands.

use uuid::Uuid;

use super::error::Error;
use super::families::{FamilyRow, NewRefresh, insert_refresh};
use super::open::{Store, from_word};
use crate::model::UnixTime;
use crate::model::account::Status;
use crate::model::grant::Family;

/// A refresh token as stored, used and expired ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// What it belongs to.
    pub family: Family,
    /// Whether the account may be used.
    pub account_status: Status,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it ends: earlier than issued for, if unused for too long.
    pub expires_at: UnixTime,
    /// When it was exchanged for its successor.
    pub used_at: Option<UnixTime>,
    /// Its successor, sealed by whoever rotated it.
    pub successor_sealed: Option<Vec<u8>>,
}

/// What became of a refresh token that was presented for rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is in force.
    Rotated,
    /// It was rotated a moment ago and the successor never used: the answer was lost. Here is the same successor.
    Repeated {
        /// As given to the rotation that succeeded.
        sealed: Vec<u8>,
    },
    /// Somebody used it before: the family is revoked now [RFC 9700 §4.14.2].
    Reused,
    /// Unknown, expired, revoked, or of an account that may not be used.
    Gone,
}

row!(RefreshRow = family: FamilyRow, rest: RefreshRest);
row!(RefreshRest {
    data_key: Option<Vec<u8>>,
    status: String,
    expires_at: i64,
    idle_seconds: Option<i64>,
    last_used_at: i64,
    used_at: Option<i64>,
    successor_sealed: Option<Vec<u8>>,
});
row!(FamilyIdRow { id: Uuid });
row!(UsedRow {
    expires_at: i64,
    used_at: Option<i64>,
    successor_sealed: Option<Vec<u8>>,
    successor_used_at: Option<i64>,
});

/// Notes that the family of the refresh token `$1` is used at `$2`, if the token is in force.
macro_rules! use_family {
    ($returning:literal) => {
        concat!(
            "UPDATE families SET last_used_at = $2 WHERE revoked_at IS NULL AND id = (SELECT r.family \
             FROM refresh_tokens r JOIN families f ON f.id = r.family WHERE r.hash = $1 AND r.used_at IS NULL \
             AND r.expires_at > $2 AND (r.idle_seconds IS NULL OR f.last_used_at + r.idle_seconds > $2)) \
             AND EXISTS (SELECT 1 FROM accounts WHERE id = families.account AND status = 'active')",
            $returning
        )
    };
}

pub(super) const USE_FAMILY: &str = use_family!("");
pub(super) const USE_FAMILY_RETURNING: &str = use_family!(" RETURNING id");

impl Store {
    /// A refresh token by its hash, in whatever state.
    pub async fn refresh_token(&self, hash: &[u8; 32]) -> Result<Option<RefreshRecord>, Error> {
        let mut link = self.db.read().await?;
        let row = fetch_optional!(
            &mut link,
            RefreshRow,
            "SELECT f.id, f.account, f.client, f.session, f.scope, f.authentication, f.nonce, f.claims, f.created_at, \
             f.revoked_at, f.last_used_at, a.data_key, a.status, r.expires_at, r.idle_seconds, r.used_at, \
             r.successor_sealed FROM refresh_tokens r JOIN families f ON f.id = r.family \
             JOIN accounts a ON a.id = f.account WHERE r.hash = $1",
            hash.as_slice()
        )?;
        let Some(RefreshRow { family, rest }) = row else { return Ok(None) };
        let idle_end = rest.idle_seconds.map_or(i64::MAX, |seconds| rest.last_used_at.saturating_add(seconds));
        Ok(Some(RefreshRecord {
            family: self.open_family_row(family, rest.data_key.as_deref())?,
            account_status: from_word(&rest.status)?,
            hash: *hash,
            expires_at: UnixTime(rest.expires_at.min(idle_end)),
            used_at: rest.used_at.map(UnixTime),
            successor_sealed: rest.successor_sealed,
        }))
    }

    /// Exchanges a refresh token for its successor, once. Presented again within `grace` seconds, while the successor
    /// is unused, it gives that same successor; presented again otherwise, it revokes the family (event
    /// `grant.revoked`).
    pub async fn rotate_refresh_token(
        &self,
        hash: &[u8; 32],
        successor: NewRefresh,
        sealed_successor: &[u8],
        grace: i64,
        now: UnixTime,
    ) -> Result<Rotation, Error> {
        unit!(self, tx => {
            // The family's row is the lock that rotations share: of those that want the same token, the first finds it
            // unused afterwards.
            let family = fetch_optional!(&mut *tx, FamilyIdRow, USE_FAMILY_RETURNING, hash.as_slice(), now.0)?;
            let Some(FamilyIdRow { id: family }) = family else {
                return self.judge_repeat(tx, hash, grace, now).await;
            };
            let rotated = execute!(
                &mut *tx,
                "UPDATE refresh_tokens SET used_at = $2, successor = $3, successor_sealed = $4 \
                 WHERE hash = $1 AND used_at IS NULL",
                hash.as_slice(),
                now.0,
                successor.hash.as_slice(),
                sealed_successor
            )?;
            if rotated == 0 {
                return self.judge_repeat(tx, hash, grace, now).await;
            }
            insert_refresh(tx, family, successor, now).await?;
            Rotation::Rotated
        })
    }

    /// A token that is not there to be rotated: unknown or over, repeated or reused.
    async fn judge_repeat(
        &self,
        tx: &mut super::db::Link,
        hash: &[u8; 32],
        grace: i64,
        now: UnixTime,
    ) -> Result<Rotation, Error> {
        // Whether the successor was used is only sure once no rotation of it is under way.
        let family = fetch_optional!(
            &mut *tx,
            FamilyIdRow,
            "UPDATE families SET last_used_at = last_used_at WHERE revoked_at IS NULL \
             AND id = (SELECT family FROM refresh_tokens WHERE hash = $1 AND used_at IS NOT NULL) \
             AND EXISTS (SELECT 1 FROM accounts WHERE id = families.account AND status = 'active') RETURNING id",
            hash.as_slice()
        )?;
        let Some(FamilyIdRow { id: family }) = family else { return Ok(Rotation::Gone) };
        let row = fetch_optional!(
            &mut *tx,
            UsedRow,
            "SELECT r.expires_at, r.used_at, r.successor_sealed, s.used_at AS successor_used_at FROM refresh_tokens r \
             LEFT JOIN refresh_tokens s ON s.hash = r.successor WHERE r.hash = $1",
            hash.as_slice()
        )?;
        let Some(UsedRow { expires_at, used_at: Some(used_at), successor_sealed, successor_used_at }) = row else {
            return Ok(Rotation::Gone);
        };
        if expires_at <= now.0 {
            return Ok(Rotation::Gone);
        }
        if let (Some(sealed), None) = (successor_sealed, successor_used_at)
            && now.since(UnixTime(used_at)) < grace
        {
            return Ok(Rotation::Repeated { sealed });
        }
        self.revoke_one(tx, family, "refresh_token_reused", now).await?;
        Ok(Rotation::Reused)
    }

    /// Uses a refresh token that does not rotate; gives whether it is in force.
    pub async fn use_refresh_token(&self, hash: &[u8; 32], now: UnixTime) -> Result<bool, Error> {
        let mut link = self.db.write().await?;
        let used = execute!(&mut link, USE_FAMILY, hash.as_slice(), now.0)?;
        Ok(used > 0)
    }

    /// Revokes one access token for the rest of its life [RFC 7009].
    pub async fn revoke_token(&self, jti: &str, expires_at: UnixTime) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "INSERT INTO revoked_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
            jti,
            expires_at.0
        )
        .map(drop)
    }

    /// Revokes the family of a refresh token; gives whether it was in force. Event `grant.revoked`.
    pub async fn revoke_refresh_token(&self, hash: &[u8; 32], now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let family = fetch_optional!(
                &mut *tx,
                FamilyIdRow,
                "SELECT family AS id FROM refresh_tokens WHERE hash = $1",
                hash.as_slice()
            )?;
            match family {
                Some(row) => self.revoke_one(tx, row.id, "revoked", now).await?,
                None => false,
            }
        })
    }
}
