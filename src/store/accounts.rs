//! The account's own row: stage, status and accepted terms.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::{Store, from_word, small, word};
use super::outbox::Happened;
use crate::model::account::{Account, Stage, Status};
use crate::model::consent::Acceptance;
use crate::model::{AccountId, UnixTime};

row!(AccountRow {
    id: Uuid,
    stage: String,
    status: String,
    locale: String,
    zoneinfo: String,
    created_at: i64,
    updated_at: i64,
});
row!(AcceptanceRow { document: String, version: i64, hash: String, locale: String, accepted_at: i64 });
row!(OneRow { one: i64 });

const SELECT_ACCOUNT: &str =
    "SELECT id, stage, status, locale, zoneinfo, created_at, updated_at FROM accounts WHERE id = $1";

impl Store {
    /// An account, whatever its status.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(&mut link, AccountRow, SELECT_ACCOUNT, id.as_uuid())?.map(Account::try_from).transpose()
    }

    /// Sets the language and time zone of an account.
    pub async fn set_locale(
        &self,
        account: AccountId,
        locale: &crate::model::Locale,
        zoneinfo: &str,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "UPDATE accounts SET locale = $2, zoneinfo = $3, updated_at = $4 WHERE id = $1 AND status <> 'erased'",
            account.as_uuid(),
            locale.as_str(),
            zoneinfo,
            now.0
        )
        .map(drop)
    }

    /// Moves an account on the ladder; event `account.stage_changed` exactly when it moves. `Registered` with a linked
    /// membership is `Member`. Gives the stage it then has.
    pub async fn set_stage(&self, account: AccountId, stage: Stage, now: UnixTime) -> Result<Stage, Error> {
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            let stage = match stage {
                Stage::Registered if has_membership(tx, account).await? => Stage::Member,
                other => other,
            };
            let events: Vec<Happened> = change_stage(tx, account, &locked.stage, stage).await?.into_iter().collect();
            self.tell_changed(tx, account, &events, now).await?;
            stage
        })
    }

    /// Switches an account on or off. Off ends its sessions and revokes its tokens; `Erased` also destroys its key and
    /// personal data, for good. Event `account.suspended`, `account.reactivated` or `account.erased`.
    pub async fn set_status(&self, account: AccountId, status: Status, now: UnixTime) -> Result<(), Error> {
        let target = word(&status)?;
        unit!(self, tx => {
            let changed = execute!(
                &mut *tx,
                "UPDATE accounts SET status = $2 WHERE id = $1 AND status <> $2 AND status <> 'erased'",
                account.as_uuid(),
                &target
            )?;
            if changed == 0 {
                return Ok(());
            }
            if status != Status::Active {
                end_everything(tx, account, now).await?;
            }
            match status {
                Status::Active => self.tell(tx, account, &[("account.reactivated", json!({}))], now).await?,
                Status::Suspended => self.tell(tx, account, &[("account.suspended", json!({}))], now).await?,
                Status::Erased => self.erase(tx, account, now).await?,
                Status::Merged => {}
            }
        })
    }

    /// Records accepted terms; the first acceptance of a version stands.
    pub async fn accept_documents(&self, account: AccountId, acceptances: Vec<Acceptance>) -> Result<(), Error> {
        unit!(self, tx => {
            for acceptance in &acceptances {
                accept(tx, account, acceptance).await?;
            }
        })
    }

    /// The terms an account accepted, the latest first.
    pub async fn acceptances(&self, account: AccountId) -> Result<Vec<Acceptance>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            AcceptanceRow,
            "SELECT document, version, hash, locale, accepted_at FROM acceptances WHERE account = $1 \
             ORDER BY accepted_at DESC, document, version DESC",
            account.as_uuid()
        )?;
        rows.into_iter().map(Acceptance::try_from).collect()
    }
}

/// Writes a stage, if it is another; gives the event that tells so.
pub(super) async fn change_stage(
    tx: &mut Link,
    account: AccountId,
    from: &str,
    to: Stage,
) -> Result<Option<Happened>, Error> {
    if from == to.as_str() {
        return Ok(None);
    }
    execute!(tx, "UPDATE accounts SET stage = $2 WHERE id = $1", account.as_uuid(), to.as_str())?;
    Ok(Some(("account.stage_changed", json!({ "from": from, "to": to.as_str() }))))
}

/// Whether the account has a membership that is in force.
pub(super) async fn has_membership(tx: &mut Link, account: AccountId) -> Result<bool, Error> {
    let row = fetch_optional!(
        tx,
        OneRow,
        "SELECT CAST(1 AS BIGINT) AS one FROM memberships WHERE account = $1 AND state = 'active' LIMIT 1",
        account.as_uuid()
    )?;
    Ok(row.is_some_and(|row| row.one == 1))
}

/// Ends all sessions and revokes all tokens of an account.
pub(super) async fn end_everything(tx: &mut Link, account: AccountId, now: UnixTime) -> Result<(), Error> {
    execute!(&mut *tx, "DELETE FROM sessions WHERE account = $1", account.as_uuid())?;
    execute!(
        &mut *tx,
        "UPDATE families SET revoked_at = $2, session = NULL WHERE account = $1 AND revoked_at IS NULL",
        account.as_uuid(),
        now.0
    )
    .map(drop)
}

/// Records one acceptance.
pub(super) async fn accept(tx: &mut Link, account: AccountId, acceptance: &Acceptance) -> Result<(), Error> {
    execute!(
        tx,
        "INSERT INTO acceptances (account, document, version, hash, locale, accepted_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, document, version) DO NOTHING",
        account.as_uuid(),
        &acceptance.document,
        i64::from(acceptance.version),
        &acceptance.hash,
        acceptance.locale.as_str(),
        acceptance.accepted_at.0
    )
    .map(drop)
}

impl TryFrom<AccountRow> for Account {
    type Error = Error;

    fn try_from(row: AccountRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.into(),
            stage: from_word(&row.stage)?,
            status: from_word(&row.status)?,
            locale: row.locale.parse().map_err(|error| Error::Fault(Box::new(error)))?,
            zoneinfo: row.zoneinfo,
            created_at: UnixTime(row.created_at),
            updated_at: UnixTime(row.updated_at),
        })
    }
}

impl TryFrom<AcceptanceRow> for Acceptance {
    type Error = Error;

    fn try_from(row: AcceptanceRow) -> Result<Self, Error> {
        Ok(Self {
            document: row.document,
            version: small(row.version)?,
            hash: row.hash,
            locale: row.locale.parse().map_err(|error| Error::Fault(Box::new(error)))?,
            accepted_at: UnixTime(row.accepted_at),
        })
    }
}
