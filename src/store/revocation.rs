//! Revocation by what a caller holds: a code that comes back, a token without a family.

use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use crate::model::UnixTime;

row!(CodeFamilyRow { id: Uuid, revoked_at: Option<i64> });
row!(RevokedTokenRow { entries: i64 });

impl Store {
    /// Revokes what a redeemed code gave rise to, when the code is presented again [RFC 6749 §4.1.2]; gives whether
    /// there was anything in force. Event `grant.revoked`.
    pub async fn revoke_family_of_code(&self, code_hash: &[u8; 32], now: UnixTime) -> Result<bool, Error> {
        // Looked up first: anybody may present codes nobody ever gave out.
        let mut link = self.db.read().await?;
        let found = family_of_code(&mut link, code_hash).await?;
        drop(link);
        match found {
            Some(CodeFamilyRow { id, revoked_at: None }) => {
                unit!(self, tx => { self.revoke_one(tx, id, "code_reused", now).await? })
            }
            _ => Ok(false),
        }
    }

    /// Whether one access token was revoked; for tokens that belong to no family.
    pub async fn is_token_revoked(&self, jti: &str) -> Result<bool, Error> {
        const SQL: &str = "SELECT COUNT(*) AS entries FROM revoked_tokens WHERE jti = $1";
        let mut link = self.db.read().await?;
        let row = fetch_optional!(&mut link, RevokedTokenRow, SQL, jti)?;
        Ok(row.is_some_and(|row| row.entries > 0))
    }
}

/// The family a code opened.
pub(super) async fn family_of_code(link: &mut Link, code_hash: &[u8; 32]) -> Result<Option<CodeFamilyRow>, Error> {
    fetch_optional!(
        link,
        CodeFamilyRow,
        "SELECT id, revoked_at FROM families WHERE code_hash = $1",
        code_hash.as_slice()
    )
}
