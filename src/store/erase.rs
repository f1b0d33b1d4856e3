//! The end of an account: its key is destroyed, its personal data removed. The bare row stays, so that its subjects are
//! never given to somebody else, and so do the ledger and the acceptances, whose sealed parts nobody can open any more.

use serde_json::json;

use super::accounts::end_everything;
use super::db::Link;
use super::error::Error;
use super::open::Store;
use crate::model::{AccountId, UnixTime};

/// Every table with personal data of an account, in an order that no reference forbids.
const DELETIONS: [&str; 6] = [
    "DELETE FROM passwords WHERE account = $1",
    "DELETE FROM identities WHERE account = $1",
    "DELETE FROM contacts WHERE account = $1",
    "DELETE FROM attributes WHERE account = $1",
    "DELETE FROM memberships WHERE account = $1",
    "DELETE FROM consents WHERE account = $1",
];

impl Store {
    /// Erases an account; event `account.erased`.
    pub(super) async fn erase(&self, tx: &mut Link, account: AccountId, now: UnixTime) -> Result<(), Error> {
        execute!(&mut *tx, "UPDATE accounts SET status = 'erased', data_key = NULL WHERE id = $1", account.as_uuid())?;
        end_everything(tx, account, now).await?;
        for deletion in DELETIONS {
            execute!(&mut *tx, deletion, account.as_uuid())?;
        }
        self.tell(tx, account, &[("account.erased", json!({}))], now).await
    }
}
