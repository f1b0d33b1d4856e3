//! Upkeep: what has no effect any more is removed, and what an older master key sealed is sealed anew.

use uuid::Uuid;

use super::error::Error;
use super::open::Store;
use crate::model::{AccountId, FamilyId, UnixTime};

/// Seconds a revoked family is kept: longer than any access token lives, and long enough to look into an incident.
const KEEP_REVOKED: i64 = 90 * 24 * 3600;
/// Seconds after which a family without refresh tokens has nothing left that works: longer than any access token lives.
const KEEP_SPENT: i64 = 24 * 3600;
/// Rows looked at and removed at a time: nobody who signs in meanwhile waits for more.
const BATCH: i64 = 500;

row!(WrappedRow { id: Uuid, data_key: Vec<u8> });
row!(SpentRow { id: Uuid, is_spent: i64 });

/// What has ended at `$1`, a batch at a time.
const ENDED: [&str; 4] = [
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM revoked_tokens WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM known_browsers WHERE id IN (SELECT id FROM known_browsers WHERE expires_at <= $1 LIMIT $2)",
];
const LONG_REVOKED: &str = "DELETE FROM families WHERE id IN (SELECT id FROM families WHERE revoked_at <= $1 LIMIT $2)";

/// A family in force, begun by `$1`, of which nothing works any more, and that tells its owner nothing either: its
/// session is gone, or it is neither the first nor the latest of those alike, which say since when and until when an
/// app was used.
macro_rules! spent {
    () => {
        "created_at <= $1 AND revoked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE family = families.id) \
         AND (session IS NULL OR NOT EXISTS (SELECT 1 FROM sessions WHERE id = families.session) \
         OR (EXISTS (SELECT 1 FROM families a WHERE a.session = families.session AND a.id < families.id \
         AND a.client || '' = families.client AND a.scope = families.scope AND a.revoked_at IS NULL) \
         AND EXISTS (SELECT 1 FROM families a WHERE a.session = families.session AND a.id > families.id \
         AND a.client || '' = families.client AND a.scope = families.scope AND a.revoked_at IS NULL)))"
    };
}
/// A page of families after `$2`.
pub(super) const LOOK: &str = concat!(
    "SELECT id, CASE WHEN ",
    spent!(),
    " THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS is_spent FROM families WHERE id > $2 ORDER BY id LIMIT $3"
);
/// The same page, told by its last.
pub(super) const REMOVE_SPENT: &str = concat!("DELETE FROM families WHERE id > $2 AND id <= $3 AND ", spent!());

impl Store {
    /// Removes expired sessions, refresh tokens, revocations and known browsers, and families revoked long ago; gives
    /// the number of rows.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, Error> {
        let ended = ENDED.into_iter().map(|sql| (sql, now));
        let mut removed = 0;
        for (sql, until) in ended.chain([(LONG_REVOKED, now - KEEP_REVOKED)]) {
            loop {
                let mut link = self.db.write().await?;
                link.be_patient();
                let batch = execute!(&mut link, sql, until.0, BATCH)?;
                removed += batch;
                if batch < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(removed)
    }

    /// Removes what is spent from a page of families; gives the number of rows, and the family to go on after, `None`
    /// when that were all. Of the logins of one browser to one app the first and the latest stay.
    pub async fn sweep_families(
        &self,
        after: Option<FamilyId>,
        now: UnixTime,
    ) -> Result<(u64, Option<FamilyId>), Error> {
        let (after, until) = (after.map_or(Uuid::nil(), |id| id.as_uuid()), now - KEEP_SPENT);
        let mut link = self.db.read().await?;
        link.be_patient();
        let page = fetch_all!(&mut link, SpentRow, LOOK, until.0, after, BATCH)?;
        drop(link);
        let Some(last) = page.last().map(|row| row.id) else { return Ok((0, None)) };
        let mut removed = 0;
        if page.iter().any(|row| row.is_spent == 1) {
            let mut link = self.db.write().await?;
            link.be_patient();
            removed = execute!(&mut link, REMOVE_SPENT, until.0, after, last)?;
        }
        Ok((removed, Some(last.into())))
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
