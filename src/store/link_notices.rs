//! What loyalty hosts have not been told yet: a notice is written with the link or its end, and waits for delivery.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::members::member_ref_place;
use super::open::Store;
use crate::model::{AccountId, MembershipId, ProgrammeId, UnixTime};

/// A host is to be told that a number was linked, or no longer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkNotice {
    /// The membership it is about.
    pub membership: MembershipId,
    /// Whose it is, or was.
    pub account: AccountId,
    /// The host's own identifier of the member.
    pub member_ref: String,
    /// Whether it was linked; else it no longer is.
    pub linked: bool,
}

row!(NoticeRow { membership: Uuid, account: Uuid, member_ref: Vec<u8>, linked: i64, data_key: Option<Vec<u8>> });

impl Store {
    /// The notices a programme's host has not had yet, the oldest first.
    pub async fn link_notices(&self, programme: &ProgrammeId, limit: i64) -> Result<Vec<LinkNotice>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            NoticeRow,
            "SELECT n.membership, m.account, m.member_ref, n.linked, a.data_key FROM link_notices n \
             JOIN memberships m ON m.id = n.membership JOIN accounts a ON a.id = m.account \
             WHERE n.programme = $1 ORDER BY n.created_at, n.membership LIMIT $2",
            programme.as_str(),
            limit
        )?;
        rows.iter().map(|row| self.open_notice(row)).collect()
    }

    /// Forgets a delivered notice, unless it says the opposite by now.
    pub async fn link_notice_delivered(&self, notice: &LinkNotice) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "DELETE FROM link_notices WHERE membership = $1 AND linked = $2",
            notice.membership.as_uuid(),
            i64::from(notice.linked)
        )
        .map(drop)
    }

    /// Tells that an account tried numbers of a programme too often. Event `membership.link_abuse`.
    pub async fn report_link_abuse(
        &self,
        account: AccountId,
        programme: &ProgrammeId,
        now: UnixTime,
    ) -> Result<(), Error> {
        unit!(self, tx => {
            let details = json!({ "programme": programme });
            self.tell(tx, account, &[("membership.link_abuse", details)], now).await?;
        })
    }

    fn open_notice(&self, row: &NoticeRow) -> Result<LinkNotice, Error> {
        let account = AccountId::from(row.account);
        let membership = MembershipId::from(row.membership);
        let key = self.key_of(account, row.data_key.as_deref())?;
        Ok(LinkNotice {
            membership,
            account,
            member_ref: key.open_text(&member_ref_place(membership), &row.member_ref)?,
            linked: row.linked != 0,
        })
    }
}

/// Has the host told, in place of what it was to be told before.
pub(super) async fn notify_host(
    tx: &mut Link,
    membership: MembershipId,
    programme: &str,
    linked: bool,
    now: UnixTime,
) -> Result<(), Error> {
    execute!(
        tx,
        "INSERT INTO link_notices (membership, programme, linked, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (membership) DO UPDATE SET linked = excluded.linked, created_at = excluded.created_at",
        membership.as_uuid(),
        programme,
        i64::from(linked),
        now.0
    )
    .map(drop)
}
