//! Signing keys, sealed under the master key. Nodes that rotate at once are kept apart by the version they saw.

use super::clients::bump_version;
use super::error::Error;
use super::open::Store;
use crate::model::key::StoredKey;
use crate::model::{Secret, UnixTime};

const LABEL: &str = "store/signing-key";
const VERSION: &str = "signing_keys";

row!(KeyRow {
    kid: String,
    alg: String,
    sealed: Vec<u8>,
    created_at: i64,
    active_at: i64,
    retired_at: Option<i64>,
    remove_at: Option<i64>,
});
row!(VersionRow { value: i64 });

impl Store {
    /// All signing keys, the oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<StoredKey>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            KeyRow,
            "SELECT kid, alg, sealed, created_at, active_at, retired_at, remove_at FROM signing_keys \
             ORDER BY active_at, kid"
        )?;
        rows.into_iter().map(|row| self.open_key(row)).collect()
    }

    /// Adds a signing key, if the keys are still as they were at version `seen`, read before
    /// [`signing_keys`](Self::signing_keys); gives the new version. Otherwise `Conflict("signing_key")`: somebody else
    /// rotated, and the decision is to be taken anew.
    pub async fn add_signing_key(&self, key: &StoredKey, seen: i64) -> Result<i64, Error> {
        let sealed = self.vault.seal(LABEL, &key_place(&key.kid), key.pkcs8.expose())?;
        let _change = self.copies.change();
        unit!(self, tx => {
            let version = fetch_optional!(
                &mut *tx,
                VersionRow,
                "UPDATE versions SET value = value + 1 WHERE name = $1 AND value = $2 RETURNING value",
                VERSION,
                seen
            )?
            .ok_or(Error::Conflict("signing_key"))?;
            execute!(
                &mut *tx,
                "INSERT INTO signing_keys (kid, alg, sealed, created_at, active_at, retired_at, remove_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &key.kid,
                &key.alg,
                &sealed,
                key.created_at.0,
                key.active_at.0,
                key.retired_at.map(|at| at.0),
                key.remove_at.map(|at| at.0)
            )?;
            version.value
        })
    }

    /// Notes that a key signs no more and when it is to be removed; gives whether it still signed.
    pub async fn retire_signing_key(
        &self,
        kid: &str,
        retired_at: UnixTime,
        remove_at: UnixTime,
    ) -> Result<bool, Error> {
        let _change = self.copies.change();
        unit!(self, tx => {
            let retired = execute!(
                &mut *tx,
                "UPDATE signing_keys SET retired_at = $2, remove_at = $3 WHERE kid = $1 AND retired_at IS NULL",
                kid,
                retired_at.0,
                remove_at.0
            )?;
            if retired > 0 {
                bump_version(tx, VERSION).await?;
            }
            retired > 0
        })
    }

    /// Removes a key; gives whether it was there.
    pub async fn remove_signing_key(&self, kid: &str) -> Result<bool, Error> {
        let _change = self.copies.change();
        unit!(self, tx => {
            let removed = execute!(&mut *tx, "DELETE FROM signing_keys WHERE kid = $1", kid)?;
            if removed > 0 {
                bump_version(tx, VERSION).await?;
            }
            removed > 0
        })
    }

    /// A number that changes whenever a signing key does.
    pub async fn keys_version(&self) -> Result<i64, Error> {
        Ok(self.versions_now().await?.signing_keys)
    }

    /// The same number as it was less than a second ago; changed through this process, as it is now.
    pub async fn recent_keys_version(&self) -> Result<i64, Error> {
        Ok(self.recent_versions().await?.signing_keys)
    }

    /// Seals signing keys that an older master key sealed with the newest one.
    pub(super) async fn reseal_signing_keys(&self) -> Result<u64, Error> {
        let mut link = self.db.write().await?;
        let rows = fetch_all!(
            &mut link,
            KeyRow,
            "SELECT kid, alg, sealed, created_at, active_at, retired_at, remove_at FROM signing_keys ORDER BY kid"
        )?;
        let mut resealed = 0;
        for row in rows.iter().filter(|row| self.vault.is_outdated(&row.sealed)) {
            let place = key_place(&row.kid);
            let fresh = self.vault.seal(LABEL, &place, self.vault.open(LABEL, &place, &row.sealed)?.expose())?;
            resealed += execute!(&mut link, "UPDATE signing_keys SET sealed = $2 WHERE kid = $1", &row.kid, fresh)?;
        }
        Ok(resealed)
    }

    fn open_key(&self, row: KeyRow) -> Result<StoredKey, Error> {
        let pkcs8 = self.vault.open(LABEL, &key_place(&row.kid), &row.sealed)?;
        Ok(StoredKey {
            kid: row.kid,
            alg: row.alg,
            pkcs8: Secret::new(pkcs8.expose().clone()),
            created_at: UnixTime(row.created_at),
            active_at: UnixTime(row.active_at),
            retired_at: row.retired_at.map(UnixTime),
            remove_at: row.remove_at.map(UnixTime),
        })
    }
}

fn key_place(kid: &str) -> String {
    format!("signing_keys|sealed|{kid}")
}
