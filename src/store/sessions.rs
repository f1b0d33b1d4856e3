//! Signed-in browsers. The cookie is a secret of which only the hash is kept.

use serde_json::json;
use uuid::Uuid;

use super::db::Link;
use super::error::Error;
use super::open::Store;
use super::outbox::Happened;
use crate::model::session::{Authentication, Session};
use crate::model::{AccountId, SessionId, UnixTime};

/// Seconds between two notes of a session being used.
const TOUCH_INTERVAL: i64 = 60;

row!(SessionRow {
    id: Uuid,
    account: Uuid,
    authentication: String,
    user_agent: Vec<u8>,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    data_key: Option<Vec<u8>>,
});
row!(EndedRow { id: Uuid });
row!(OwnerRow { account: Uuid });
row!(CountedRow { event_sequence: i64, data_key: Option<Vec<u8>> });

impl Store {
    /// Starts a session, ending the one it replaces, whosever that is; events `session.created` and, for the replaced
    /// one, `session.revoked`. `Conflict("account")` when the account is not active.
    pub async fn start_session(
        &self,
        session: &Session,
        token_hash: &[u8; 32],
        replaces: Option<SessionId>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let authentication = serde_json::to_string(&session.authentication)?;
        let created = [("session.created", json!({ "session": session.id, "amr": session.authentication.amr }))];
        unit!(self, tx => {
            if let Some(replaced) = replaces {
                self.end_one(tx, replaced, None, now).await?;
            }
            let counted = fetch_optional!(
                &mut *tx,
                CountedRow,
                "UPDATE accounts SET event_sequence = event_sequence + 1 WHERE id = $1 AND status = 'active' \
                 RETURNING event_sequence, data_key",
                session.account.as_uuid()
            )?
            .ok_or(Error::Conflict("account"))?;
            let key = self.key_of(session.account, counted.data_key.as_deref())?;
            execute!(
                &mut *tx,
                "INSERT INTO sessions (id, account, token_hash, authentication, user_agent, created_at, last_seen_at, \
                 expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                session.id.as_uuid(),
                session.account.as_uuid(),
                token_hash.as_slice(),
                &authentication,
                key.seal(&user_agent_place(session.id), session.user_agent.as_bytes())?,
                session.created_at.0,
                session.last_seen_at.0,
                session.expires_at.0
            )?;
            self.append(tx, session.account, counted.event_sequence - 1, &created, now).await?;
        })
    }

    /// The session a cookie stands for: not expired, of an active account.
    pub async fn session(&self, token_hash: &[u8; 32], now: UnixTime) -> Result<Option<Session>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            SessionRow,
            "SELECT s.id, s.account, s.authentication, s.user_agent, s.created_at, s.last_seen_at, s.expires_at, \
             a.data_key FROM sessions s JOIN accounts a ON a.id = s.account \
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.status = 'active'",
            token_hash.as_slice(),
            now.0
        )?
        .map(|row| self.open_session(&row))
        .transpose()
    }

    /// The session of an identifier (claim `sid`), under the same conditions.
    pub async fn session_by_id(&self, id: SessionId, now: UnixTime) -> Result<Option<Session>, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(
            &mut link,
            SessionRow,
            "SELECT s.id, s.account, s.authentication, s.user_agent, s.created_at, s.last_seen_at, s.expires_at, \
             a.data_key FROM sessions s JOIN accounts a ON a.id = s.account \
             WHERE s.id = $1 AND s.expires_at > $2 AND a.status = 'active'",
            id.as_uuid(),
            now.0
        )?
        .map(|row| self.open_session(&row))
        .transpose()
    }

    /// The sessions of an active account, the latest used first.
    pub async fn sessions(&self, account: AccountId, now: UnixTime) -> Result<Vec<Session>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            SessionRow,
            "SELECT s.id, s.account, s.authentication, s.user_agent, s.created_at, s.last_seen_at, s.expires_at, \
             a.data_key FROM sessions s JOIN accounts a ON a.id = s.account \
             WHERE s.account = $1 AND s.expires_at > $2 AND a.status = 'active' ORDER BY s.last_seen_at DESC, s.id DESC",
            account.as_uuid(),
            now.0
        )?;
        rows.iter().map(|row| self.open_session(row)).collect()
    }

    /// Notes that a session is in use, at most once a minute.
    pub async fn touch_session(&self, id: SessionId, now: UnixTime) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        execute!(
            &mut link,
            "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at <= $3",
            id.as_uuid(),
            now.0,
            (now - TOUCH_INTERVAL).0
        )
        .map(drop)
    }

    /// Renews a session of an active account after a fresh proof, under a new cookie; gives whether it still was there.
    pub async fn reauthenticated(
        &self,
        id: SessionId,
        new_token_hash: &[u8; 32],
        authentication: &Authentication,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let authentication = serde_json::to_string(authentication)?;
        let mut link = self.db.write().await?;
        let renewed = execute!(
            &mut link,
            "UPDATE sessions SET token_hash = $2, authentication = $3, last_seen_at = $4 \
             WHERE id = $1 AND expires_at > $4 \
             AND EXISTS (SELECT 1 FROM accounts WHERE id = sessions.account AND status = 'active')",
            id.as_uuid(),
            new_token_hash.as_slice(),
            authentication,
            now.0
        )?;
        Ok(renewed > 0)
    }

    /// Ends a session of an account; gives whether it was there. Its tokens are revoked, except under
    /// `offline_access`. Event `session.revoked`.
    pub async fn end_session(&self, account: AccountId, id: SessionId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => { self.end_one(tx, id, Some(account), now).await? })
    }

    /// Ends all sessions of an account, or all but one, in the same way; gives those ended.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
        now: UnixTime,
    ) -> Result<Vec<SessionId>, Error> {
        let except = except.map_or(Uuid::nil(), |id| id.as_uuid());
        unit!(self, tx => {
            hold_owner(tx, None, Some(account)).await?;
            let ended = fetch_all!(
                &mut *tx,
                EndedRow,
                "DELETE FROM sessions WHERE account = $1 AND id <> $2 RETURNING id",
                account.as_uuid(),
                except
            )?;
            execute!(
                &mut *tx,
                "UPDATE families SET session = NULL, revoked_at = CASE WHEN is_offline = 0 \
                 THEN COALESCE(revoked_at, $3) ELSE revoked_at END \
                 WHERE account = $1 AND session IS NOT NULL AND session <> $2",
                account.as_uuid(),
                except,
                now.0
            )?;
            let ended: Vec<SessionId> = ended.into_iter().map(|row| row.id.into()).collect();
            let events: Vec<Happened> = ended.iter().copied().map(revoked_event).collect();
            self.tell(tx, account, &events, now).await?;
            ended
        })
    }

    async fn end_one(
        &self,
        tx: &mut Link,
        id: SessionId,
        owner: Option<AccountId>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let Some(owner) = hold_owner(tx, Some(id), owner).await? else { return Ok(false) };
        if execute!(&mut *tx, "DELETE FROM sessions WHERE id = $1", id.as_uuid())? == 0 {
            return Ok(false);
        }
        execute!(
            &mut *tx,
            "UPDATE families SET session = NULL, revoked_at = CASE WHEN is_offline = 0 \
             THEN COALESCE(revoked_at, $2) ELSE revoked_at END WHERE session = $1",
            id.as_uuid(),
            now.0
        )?;
        self.tell(tx, owner, &[revoked_event(id)], now).await?;
        Ok(true)
    }

    fn open_session(&self, row: &SessionRow) -> Result<Session, Error> {
        let id = SessionId::from(row.id);
        let account = AccountId::from(row.account);
        let key = self.key_of(account, row.data_key.as_deref())?;
        Ok(Session {
            id,
            account,
            authentication: serde_json::from_str(&row.authentication)?,
            created_at: UnixTime(row.created_at),
            last_seen_at: UnixTime(row.last_seen_at),
            expires_at: UnixTime(row.expires_at),
            user_agent: key.open_text(&user_agent_place(id), &row.user_agent)?,
        })
    }
}

/// Locks the account whose sessions are about to end, found by itself or by one of them: a grant that is being made
/// meanwhile is made before, and found, or after, and refused.
async fn hold_owner(
    tx: &mut Link,
    session: Option<SessionId>,
    account: Option<AccountId>,
) -> Result<Option<AccountId>, Error> {
    let row = match session {
        None => fetch_optional!(
            tx,
            OwnerRow,
            "UPDATE accounts SET event_sequence = event_sequence WHERE id = $1 RETURNING id AS account",
            account.map(|account| account.as_uuid())
        ),
        Some(session) => fetch_optional!(
            tx,
            OwnerRow,
            "UPDATE accounts SET event_sequence = event_sequence WHERE id = (SELECT account FROM sessions \
             WHERE id = $1 AND ($2 IS NULL OR account = $2)) RETURNING id AS account",
            session.as_uuid(),
            account.map(|account| account.as_uuid())
        ),
    }?;
    Ok(row.map(|row| row.account.into()))
}

fn revoked_event(id: SessionId) -> Happened {
    ("session.revoked", json!({ "session": id }))
}

fn user_agent_place(id: SessionId) -> String {
    format!("sessions|user_agent|{id}")
}
