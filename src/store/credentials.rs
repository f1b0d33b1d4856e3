//! Passwords: their hashes, sealed, so that a stolen database alone gives nothing to guess against.

use serde_json::json;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::vault::AccountKey;
use crate::model::{AccountId, Secret, UnixTime};

row!(PasswordRow { phc: Vec<u8>, data_key: Option<Vec<u8>> });

impl Store {
    /// The password hash of an account (PHC string), if it has a password.
    pub async fn password_hash(&self, account: AccountId) -> Result<Option<Secret<String>>, Error> {
        let mut link = self.db.read().await?;
        let row = fetch_optional!(
            &mut link,
            PasswordRow,
            "SELECT p.phc, a.data_key FROM passwords p JOIN accounts a ON a.id = p.account WHERE p.account = $1",
            account.as_uuid()
        )?;
        let Some(row) = row else { return Ok(None) };
        let key = self.key_of(account, row.data_key.as_deref())?;
        Ok(Some(Secret::new(key.open_text(&password_place(account), &row.phc)?)))
    }

    /// Sets or replaces the password of an account; event `credential.changed`.
    pub async fn set_password(&self, account: AccountId, phc: &Secret<String>, now: UnixTime) -> Result<(), Error> {
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            self.write_password(tx, (account, &locked.key), phc, now).await?;
            self.tell(tx, account, &[("credential.changed", json!({ "credential": "password" }))], now).await?;
        })
    }

    /// Removes the password of an account; gives whether it had one. Event `credential.changed`.
    pub async fn remove_password(&self, account: AccountId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let removed = execute!(&mut *tx, "DELETE FROM passwords WHERE account = $1", account.as_uuid())?;
            if removed > 0 {
                self.tell(tx, account, &[("credential.changed", json!({ "credential": "password" }))], now).await?;
            }
            removed > 0
        })
    }

    pub(super) async fn write_password(
        &self,
        tx: &mut Link,
        (account, key): (AccountId, &AccountKey),
        phc: &Secret<String>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let sealed = key.seal(&password_place(account), phc.expose().as_bytes())?;
        execute!(
            tx,
            "INSERT INTO passwords (account, phc, changed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (account) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at",
            account.as_uuid(),
            sealed,
            now.0
        )
        .map(drop)
    }
}

fn password_place(account: AccountId) -> String {
    format!("passwords|phc|{account}")
}
