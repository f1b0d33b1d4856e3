//! Upkeep: what has no effect any more is removed, and what an older master key sealed is sealed anew.

use uuid::Uuid;

use super::error::Error;
use super::open::Store;
use crate::model::{AccountId, UnixTime};

/// Seconds a revoked family is kept: longer than any access token lives, and long enough to look into an incident.
const KEEP_REVOKED: i64 = 90 * 24 * 3600;

row!(WrappedRow { id: Uuid, data_key: Vec<u8> });

impl Store {
    /// Removes expired sessions, refresh tokens and revocations, and families revoked long ago; gives the number of
    /// rows.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, Error> {
        let statements = [
            ("DELETE FROM sessions WHERE expires_at <= $1", now),
            ("DELETE FROM refresh_tokens WHERE expires_at <= $1", now),
            ("DELETE FROM revoked_tokens WHERE expires_at <= $1", now),
            ("DELETE FROM families WHERE revoked_at <= $1", now - KEEP_REVOKED),
        ];
        let mut removed = 0;
        for (sql, until) in statements {
            let mut link = self.db.write().await?;
            link.be_patient();
            removed += execute!(&mut link, sql, until.0)?;
        }
        Ok(removed)
    }

    /// Seals the signing keys and a page of account keys with the newest master key, where an older one did. Gives the
    /// account to go on after, `None` when all are done: the older master key is then no longer needed.
    pub async fn rewrap_keys(&self, after: Option<AccountId>, limit: i64) -> Result<Option<AccountId>, Error> {
        if after.is_none() {
            self.root().await?;
            self.reseal_signing_keys().await?;
        }
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            WrappedRow,
            "SELECT id, data_key FROM accounts WHERE id > $1 AND data_key IS NOT NULL ORDER BY id LIMIT $2",
            after.map_or(Uuid::nil(), |id| id.as_uuid()),
            limit
        )?;
        drop(link);
        for row in rows.iter().filter(|row| self.vault.is_outdated(&row.data_key)) {
            let renewed = self.vault.rewrap_account_key(&row.id.to_string(), &row.data_key)?;
            let mut link = self.db.write().await?;
            // An account erased meanwhile must not get its key back.
            execute!(
                &mut link,
                "UPDATE accounts SET data_key = $2 WHERE id = $1 AND data_key = $3",
                row.id,
                renewed,
                row.data_key.as_slice()
            )?;
        }
        Ok(rows.last().map(|row| row.id.into()))
    }
}
