//! The `sub` each sector knows a person by [OIDC Core §8]: a stored row, never computed, never given to another.

use uuid::Uuid;

use super::error::Error;
use super::open::Store;
use crate::model::grant::{Sector, Subject};
use crate::model::{AccountId, UnixTime};

row!(SubRow { sub: String });
row!(OwnerRow { account: Uuid });

const SELECT: &str = "SELECT sub FROM subjects WHERE account = $1 AND sector = $2 AND is_current = 1";

/// What no client id begins with, so that the subject of a person is never that of a client [RFC 9700 §4.15].
fn prefix(sector: &Sector) -> &'static str {
    if *sector == Sector::public() { "u_" } else { "p_" }
}

impl Store {
    /// The `sub` of an account in a sector, made on first use; racing callers get the same one.
    pub async fn subject(&self, account: AccountId, sector: &Sector, now: UnixTime) -> Result<Subject, Error> {
        let mut link = self.db.read().await?;
        if let Some(row) = fetch_optional!(&mut link, SubRow, SELECT, account.as_uuid(), &sector.0)? {
            return Ok(Subject(row.sub));
        }
        drop(link);
        let mut link = self.db.write().await?;
        let made = fetch_optional!(
            &mut link,
            SubRow,
            "INSERT INTO subjects (sector, sub, account, is_current, created_at) VALUES ($1, $2, $3, 1, $4) \
             ON CONFLICT (account, sector) WHERE is_current = 1 DO NOTHING RETURNING sub",
            &sector.0,
            format!("{}{}", prefix(sector), self.random.handle()),
            account.as_uuid(),
            now.0
        )?;
        let row = match made {
            Some(row) => Some(row),
            None => fetch_optional!(&mut link, SubRow, SELECT, account.as_uuid(), &sector.0)?,
        };
        row.map(|row| Subject(row.sub)).ok_or_else(|| Error::fault("a subject was not written"))
    }

    /// Whom a sector means by a `sub`, current or former.
    pub async fn resolve_subject(&self, sector: &Sector, sub: &str) -> Result<Option<AccountId>, Error> {
        let mut link = self.db.read().await?;
        let row = fetch_optional!(
            &mut link,
            OwnerRow,
            "SELECT account FROM subjects WHERE sector = $1 AND sub = $2",
            &sector.0,
            sub
        )?;
        Ok(row.map(|row| row.account.into()))
    }
}
