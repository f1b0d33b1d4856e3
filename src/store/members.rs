//! Memberships: one number belongs to one account at a time, by a unique index over all that are not closed.

use serde_json::json;
use uuid::Uuid;

use super::accounts::{change_stage, has_membership};
use super::db::Link;
use super::error::Error;
use super::link_notices::notify_host;
use super::open::{Store, from_word, word};
use super::outbox::Happened;
use super::vault::{AccountKey, Root};
use crate::model::account::Stage;
use crate::model::member::{MemberFacts, Membership, MembershipState, Proof};
use crate::model::{AccountId, MembershipId, ProgrammeId, UnixTime};

/// A proven number that is to be linked.
#[derive(Clone, Debug)]
pub struct NewMembership {
    /// Whose it is.
    pub account: AccountId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The canonical number.
    pub number: String,
    /// The host's own identifier of the member.
    pub member_ref: String,
    /// How it was proven.
    pub proof: Proof,
    /// What the host says.
    pub facts: MemberFacts,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It is linked now.
    Linked(MembershipId),
    /// It was linked to this account already; a better proof replaced the former.
    AlreadyYours(MembershipId),
    /// It is linked to another account.
    TakenBy(AccountId),
}

row!(MembershipRow {
    id: Uuid,
    account: Uuid,
    programme: String,
    number: Vec<u8>,
    member_ref: Vec<u8>,
    proof_level: String,
    proof_method: String,
    proof_at: i64,
    state: String,
    facts: Vec<u8>,
    linked_at: i64,
    data_key: Option<Vec<u8>>,
});
row!(HolderRow { id: Uuid, account: Uuid, proof_level: String });
row!(ProgrammeRow { programme: String });

impl Store {
    /// The memberships of an account that are not closed, the oldest first.
    pub async fn memberships(&self, account: AccountId) -> Result<Vec<Membership>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            MembershipRow,
            "SELECT m.id, m.account, m.programme, m.number, m.member_ref, m.proof_level, m.proof_method, m.proof_at, \
             m.state, m.facts, m.linked_at, a.data_key FROM memberships m JOIN accounts a ON a.id = m.account \
             WHERE m.account = $1 AND m.state <> 'closed' ORDER BY m.linked_at, m.id",
            account.as_uuid()
        )?;
        rows.into_iter().map(|row| self.open_membership(row)).collect()
    }

    /// A membership, closed or not.
    pub async fn membership(&self, id: MembershipId) -> Result<Option<Membership>, Error> {
        let mut link = self.db.read().await?;
        let row = membership_row(&mut link, id).await?;
        row.map(|row| self.open_membership(row)).transpose()
    }

    /// Who holds a number, active or frozen.
    pub async fn active_member(
        &self,
        programme: &ProgrammeId,
        number: &str,
    ) -> Result<Option<(AccountId, MembershipId)>, Error> {
        let index = number_index(self.root().await?, programme, number);
        let mut link = self.db.read().await?;
        let holder = holder(&mut link, programme, &index).await?;
        Ok(holder.map(|row| (row.account.into(), row.id.into())))
    }

    /// The membership a host's identifier of a member stands for, the latest linked one that is not closed.
    pub async fn membership_by_ref(
        &self,
        programme: &ProgrammeId,
        member_ref: &str,
    ) -> Result<Option<Membership>, Error> {
        let index = ref_index(self.root().await?, programme, member_ref);
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            MembershipRow,
            "SELECT m.id, m.account, m.programme, m.number, m.member_ref, m.proof_level, m.proof_method, m.proof_at, \
             m.state, m.facts, m.linked_at, a.data_key FROM memberships m JOIN accounts a ON a.id = m.account \
             WHERE m.programme = $1 AND m.member_ref_index = $2 AND m.state <> 'closed' \
             ORDER BY m.linked_at DESC, m.id DESC LIMIT 1",
            programme.as_str(),
            index
        )?
        .map(|row| self.open_membership(row))
        .transpose()
    }

    /// The memberships of a programme that are not closed, page by page in the order of their identifiers.
    pub async fn memberships_of_programme(
        &self,
        programme: &ProgrammeId,
        after: Option<MembershipId>,
        limit: i64,
    ) -> Result<Vec<Membership>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            MembershipRow,
            "SELECT m.id, m.account, m.programme, m.number, m.member_ref, m.proof_level, m.proof_method, m.proof_at, \
             m.state, m.facts, m.linked_at, a.data_key FROM memberships m JOIN accounts a ON a.id = m.account \
             WHERE m.programme = $1 AND m.id > $2 AND m.state <> 'closed' ORDER BY m.id LIMIT $3",
            programme.as_str(),
            after.map_or(Uuid::nil(), |id| id.as_uuid()),
            limit
        )?;
        rows.into_iter().map(|row| self.open_membership(row)).collect()
    }

    /// Links a number to an account, unless another holds it; a registered account becomes a member. Events
    /// `membership.linked` and `account.stage_changed`.
    pub async fn link_member(&self, new: &NewMembership, now: UnixTime) -> Result<Linked, Error> {
        let root = self.root().await?;
        let index = number_index(root, &new.programme, &new.number);
        let id: MembershipId = self.random.id(now);
        unit!(self, tx => {
            let locked = self.lock_account(tx, new.account).await?;
            // A holder that lets go between the two statements leaves the number free.
            while self.insert_membership(tx, root, &locked.key, id, new, now).await? == 0 {
                let Some(holder) = holder(tx, &new.programme, &index).await? else { continue };
                if holder.account != new.account.as_uuid() {
                    return Ok(Linked::TakenBy(holder.account.into()));
                }
                improve_proof(tx, &holder, &new.proof).await?;
                return Ok(Linked::AlreadyYours(holder.id.into()));
            }
            notify_host(tx, id, new.programme.as_str(), true, now).await?;
            let details = json!({ "membership": id, "programme": new.programme, "level": new.proof.level });
            let mut events: Vec<Happened> = vec![("membership.linked", details)];
            if locked.stage == Stage::Registered.as_str() {
                events.extend(change_stage(tx, new.account, &locked.stage, Stage::Member).await?);
            }
            self.tell_changed(tx, new.account, &events, now).await?;
            Linked::Linked(id)
        })
    }

    async fn insert_membership(
        &self,
        tx: &mut Link,
        root: &Root,
        key: &AccountKey,
        id: MembershipId,
        new: &NewMembership,
        now: UnixTime,
    ) -> Result<u64, Error> {
        execute!(
            tx,
            "INSERT INTO memberships (id, account, programme, number_index, number, member_ref_index, member_ref, \
             proof_level, proof_method, proof_at, state, facts, linked_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'active', $11, $12) \
             ON CONFLICT (programme, number_index) WHERE state <> 'closed' DO NOTHING",
            id.as_uuid(),
            new.account.as_uuid(),
            new.programme.as_str(),
            number_index(root, &new.programme, &new.number),
            key.seal(&place("number", id), new.number.as_bytes())?,
            ref_index(root, &new.programme, &new.member_ref),
            key.seal(&place("member_ref", id), new.member_ref.as_bytes())?,
            word(&new.proof.level)?,
            &new.proof.method,
            new.proof.at.0,
            key.seal(&place("facts", id), &serde_json::to_vec(&new.facts)?)?,
            now.0
        )
    }

    /// Closes a membership of an account; gives whether it was open. Without another the account is registered again.
    /// Events `membership.unlinked` and `account.stage_changed`.
    pub async fn unlink_member(&self, account: AccountId, id: MembershipId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let locked = self.lock_account(tx, account).await?;
            let closed = fetch_optional!(
                &mut *tx,
                ProgrammeRow,
                "UPDATE memberships SET state = 'closed', closed_at = $3 WHERE id = $1 AND account = $2 \
                 AND state <> 'closed' RETURNING programme",
                id.as_uuid(),
                account.as_uuid(),
                now.0
            )?;
            let Some(closed) = closed else { return Ok(false) };
            notify_host(tx, id, &closed.programme, false, now).await?;
            let details = json!({ "membership": id, "programme": closed.programme });
            let mut events: Vec<Happened> = vec![("membership.unlinked", details)];
            if locked.stage == Stage::Member.as_str() && !has_membership(tx, account).await? {
                events.extend(change_stage(tx, account, &locked.stage, Stage::Registered).await?);
            }
            self.tell_changed(tx, account, &events, now).await?;
            true
        })
    }

    /// Keeps what the host said of a member, unless something later is kept already; gives whether it was kept. Event
    /// `membership.changed` when tier or status changed, naming which.
    pub async fn put_member_facts(&self, id: MembershipId, facts: &MemberFacts, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let Some(row) = lock_membership(tx, id).await? else { return Ok(false) };
            let account = AccountId::from(row.account);
            let key = self.key_of(account, row.data_key.as_deref())?;
            let programme = row.programme.clone();
            let known = row.open(&key)?.facts;
            if known.as_of.is_some() && facts.as_of < known.as_of {
                return Ok(false);
            }
            execute!(
                &mut *tx,
                "UPDATE memberships SET facts = $2 WHERE id = $1",
                id.as_uuid(),
                key.seal(&place("facts", id), &serde_json::to_vec(facts)?)?
            )?;
            let changed = changed_facts(&known, facts);
            if !changed.is_empty() {
                let details = json!({ "membership": id, "programme": programme, "changed": changed });
                self.tell_changed(tx, account, &[("membership.changed", details)], now).await?;
            }
            true
        })
    }

    /// Freezes a membership or puts it in force again; gives whether that changed anything. Closing is
    /// [`unlink_member`](Self::unlink_member). Event `membership.changed`.
    pub async fn freeze_member(&self, id: MembershipId, frozen: bool, now: UnixTime) -> Result<bool, Error> {
        let (from, to) = if frozen {
            (MembershipState::Active, MembershipState::Frozen)
        } else {
            (MembershipState::Frozen, MembershipState::Active)
        };
        unit!(self, tx => {
            let Some(row) = lock_membership(tx, id).await? else { return Ok(false) };
            let changed = execute!(
                &mut *tx,
                "UPDATE memberships SET state = $3 WHERE id = $1 AND state = $2",
                id.as_uuid(),
                word(&from)?,
                word(&to)?
            )?;
            if changed > 0 {
                let details = json!({ "membership": id, "programme": row.programme, "changed": ["state"] });
                self.tell_changed(tx, row.account.into(), &[("membership.changed", details)], now).await?;
            }
            changed > 0
        })
    }

    fn open_membership(&self, row: MembershipRow) -> Result<Membership, Error> {
        let key = self.key_of(row.account.into(), row.data_key.as_deref())?;
        row.open(&key)
    }
}

/// The tier's and status's fields that differ.
fn changed_facts(known: &MemberFacts, new: &MemberFacts) -> Vec<&'static str> {
    let fields = [
        ("tier", known.tier != new.tier),
        ("tier_rank", known.tier_rank != new.tier_rank),
        ("tier_expires", known.tier_expires != new.tier_expires),
        ("status", known.status != new.status),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

async fn improve_proof(tx: &mut Link, holder: &HolderRow, proof: &Proof) -> Result<(), Error> {
    if proof.level < from_word(&holder.proof_level)? {
        return Ok(());
    }
    execute!(
        tx,
        "UPDATE memberships SET proof_level = $2, proof_method = $3, proof_at = $4 WHERE id = $1",
        holder.id,
        word(&proof.level)?,
        &proof.method,
        proof.at.0
    )
    .map(drop)
}

async fn holder(link: &mut Link, programme: &ProgrammeId, index: &[u8]) -> Result<Option<HolderRow>, Error> {
    fetch_optional!(
        link,
        HolderRow,
        "SELECT id, account, proof_level FROM memberships \
         WHERE programme = $1 AND number_index = $2 AND state <> 'closed'",
        programme.as_str(),
        index
    )
}

/// A membership's row, locked until the transaction ends, unless it is closed.
async fn lock_membership(tx: &mut Link, id: MembershipId) -> Result<Option<MembershipRow>, Error> {
    let locked =
        execute!(&mut *tx, "UPDATE memberships SET state = state WHERE id = $1 AND state <> 'closed'", id.as_uuid())?;
    if locked == 0 { Ok(None) } else { membership_row(tx, id).await }
}

async fn membership_row(link: &mut Link, id: MembershipId) -> Result<Option<MembershipRow>, Error> {
    fetch_optional!(
        link,
        MembershipRow,
        "SELECT m.id, m.account, m.programme, m.number, m.member_ref, m.proof_level, m.proof_method, m.proof_at, \
         m.state, m.facts, m.linked_at, a.data_key FROM memberships m JOIN accounts a ON a.id = m.account \
         WHERE m.id = $1",
        id.as_uuid()
    )
}

fn number_index(root: &Root, programme: &ProgrammeId, number: &str) -> Vec<u8> {
    root.blind_index(&format!("member-number/{programme}"), number)
}

fn ref_index(root: &Root, programme: &ProgrammeId, member_ref: &str) -> Vec<u8> {
    root.blind_index(&format!("member-ref/{programme}"), member_ref)
}

pub(super) fn member_ref_place(id: MembershipId) -> String {
    place("member_ref", id)
}

fn place(column: &str, id: MembershipId) -> String {
    format!("memberships|{column}|{id}")
}

impl MembershipRow {
    pub(super) fn open(self, key: &AccountKey) -> Result<Membership, Error> {
        let id = MembershipId::from(self.id);
        Ok(Membership {
            id,
            account: self.account.into(),
            programme: self.programme.into(),
            number: key.open_text(&place("number", id), &self.number)?,
            member_ref: key.open_text(&place("member_ref", id), &self.member_ref)?,
            proof: Proof {
                level: from_word(&self.proof_level)?,
                method: self.proof_method,
                at: UnixTime(self.proof_at),
            },
            state: from_word(&self.state)?,
            facts: serde_json::from_slice(&key.open(&place("facts", id), &self.facts)?)?,
            linked_at: UnixTime(self.linked_at),
        })
    }
}
