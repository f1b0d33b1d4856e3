//! Events, written in the transaction of the change they tell of.

use std::sync::atomic::Ordering;

use serde_json::Value;
use uuid::{Builder, Uuid};

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::vault::AccountKey;
use crate::model::event::Event;
use crate::model::{AccountId, EventId, UnixTime};

/// A kind and its details. Details name things, never values.
pub(super) type Happened = (&'static str, Value);

/// An account's row, locked until the transaction ends.
pub(super) struct Locked {
    pub(super) stage: String,
    pub(super) key: AccountKey,
    pub(super) ledger_sequence: i64,
    pub(super) ledger_hash: Option<Vec<u8>>,
}

row!(LockedRow { stage: String, data_key: Option<Vec<u8>>, ledger_sequence: i64, ledger_hash: Option<Vec<u8>> });
row!(SequenceRow { event_sequence: i64 });
row!(EventRow { id: Uuid, account: Option<Uuid>, sequence: i64, kind: String, data: String, occurred_at: i64 });

impl Store {
    /// Locks an account against every other change of it; `Conflict("account")` when it is not there any more.
    pub(super) async fn lock_account(&self, tx: &mut Link, account: AccountId) -> Result<Locked, Error> {
        // An update that changes nothing is the row lock both engines know.
        let row = fetch_optional!(
            tx,
            LockedRow,
            "UPDATE accounts SET event_sequence = event_sequence WHERE id = $1 \
             RETURNING stage, data_key, ledger_sequence, ledger_hash",
            account.as_uuid()
        )?
        .ok_or(Error::Conflict("account"))?;
        Ok(Locked {
            stage: row.stage,
            key: self.key_of(account, row.data_key.as_deref())?,
            ledger_sequence: row.ledger_sequence,
            ledger_hash: row.ledger_hash,
        })
    }

    /// Tells what happened to an account.
    pub(super) async fn tell(
        &self,
        tx: &mut Link,
        account: AccountId,
        events: &[Happened],
        now: UnixTime,
    ) -> Result<(), Error> {
        self.tell_all(tx, account, events, UnixTime(0), now).await
    }

    /// Tells what happened to the claims of an account, whose `updated_at` follows.
    pub(super) async fn tell_changed(
        &self,
        tx: &mut Link,
        account: AccountId,
        events: &[Happened],
        now: UnixTime,
    ) -> Result<(), Error> {
        self.tell_all(tx, account, events, now, now).await
    }

    async fn tell_all(
        &self,
        tx: &mut Link,
        account: AccountId,
        events: &[Happened],
        changed_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), Error> {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(());
        }
        let row = fetch_optional!(
            &mut *tx,
            SequenceRow,
            "UPDATE accounts SET event_sequence = event_sequence + $2, \
             updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at END \
             WHERE id = $1 RETURNING event_sequence",
            account.as_uuid(),
            count,
            changed_at.0
        )?
        .ok_or(Error::Conflict("account"))?;
        self.append(tx, account, row.event_sequence - count, events, now).await
    }

    /// Writes events whose sequence numbers after `last` the account's row already counts.
    pub(super) async fn append(
        &self,
        tx: &mut Link,
        account: AccountId,
        last: i64,
        events: &[Happened],
        now: UnixTime,
    ) -> Result<(), Error> {
        for (sequence, (kind, data)) in (last + 1..).zip(events) {
            execute!(
                &mut *tx,
                "INSERT INTO outbox (id, account, sequence, kind, data, occurred_at) VALUES ($1, $2, $3, $4, $5, $6)",
                self.event_id(now).as_uuid(),
                account.as_uuid(),
                sequence,
                *kind,
                data.to_string(),
                now.0
            )?;
        }
        Ok(())
    }

    /// Events in the order they were told, after one of them; of one account or of all.
    ///
    /// The order of all is that of their identifiers. Concurrent transactions on PostgreSQL may commit them in another
    /// order: a reader of all that must miss nothing stays some seconds behind, or asks per account, whose events have
    /// no gaps.
    pub async fn events(
        &self,
        account: Option<AccountId>,
        after: Option<EventId>,
        limit: i64,
    ) -> Result<Vec<Event>, Error> {
        let after = after.map_or(Uuid::nil(), |id| id.as_uuid());
        let mut link = self.db.read().await?;
        let rows = match account {
            Some(account) => fetch_all!(
                &mut link,
                EventRow,
                "SELECT id, account, sequence, kind, data, occurred_at FROM outbox WHERE account = $1 AND sequence > \
                 COALESCE((SELECT sequence FROM outbox WHERE id = $2 AND account = $1), 0) ORDER BY sequence LIMIT $3",
                account.as_uuid(),
                after,
                limit
            ),
            None => fetch_all!(
                &mut link,
                EventRow,
                "SELECT id, account, sequence, kind, data, occurred_at FROM outbox WHERE id > $1 ORDER BY id LIMIT $2",
                after,
                limit
            ),
        }?;
        rows.into_iter().map(Event::try_from).collect()
    }

    /// An identifier [RFC 9562 §5.7] greater than every one given out here before: its count goes on within a
    /// millisecond.
    fn event_id(&self, now: UnixTime) -> EventId {
        const COUNT_BITS: u32 = 12;
        let earliest = now.0.max(0).saturating_mul(1000) << COUNT_BITS;
        let next = |last: i64| Some(last.saturating_add(1).max(earliest));
        let last = self.last_event.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        let ticket = last.saturating_add(1).max(earliest);
        let mut random = self.random.bytes::<10>();
        let [high, low, ..] = &mut random;
        [*high, *low] = u16::try_from(ticket & 0xfff).unwrap_or_default().to_be_bytes();
        let milliseconds = u64::try_from(ticket >> COUNT_BITS).unwrap_or_default();
        Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid().into()
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.into(),
            kind: row.kind,
            account: row.account.map(AccountId::from),
            sequence: row.sequence,
            data: serde_json::from_str(&row.data)?,
            occurred_at: UnixTime(row.occurred_at),
        })
    }
}
