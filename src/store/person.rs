//! All that decides what a relying party learns of a person, in one statement: a round trip costs more than what it
//! fetches.

use super::error::Error;
use super::open::Store;
use super::parts::{Gathered, PartRow};
use super::profile::Profile;
use super::tokens::RefreshRecord;
use crate::model::account::Status;
use crate::model::consent::{Acceptance, Consent};
use crate::model::grant::{Family, Sector, Subject};
use crate::model::{AccountId, ClientId, FamilyId};

/// A person as one relying party meets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account with everything that hangs on it.
    pub profile: Profile,
    /// Their answers for this relying party.
    pub consents: Vec<Consent>,
    /// The terms they accepted, the latest first.
    pub acceptances: Vec<Acceptance>,
    /// What the relying party's sector knows them by, if it met them before.
    pub subject: Option<Subject>,
}

/// The statement: `$who` is the account, `$2` the client, `$3` its sector. Each row is a part of the person; its kind
/// says what is in which column (see `parts.rs`). The first part gives the columns their types.
macro_rules! person {
    ($who:literal $(, $more:expr)* $(,)?) => {
        concat!(
            "SELECT 'account' AS part, id, CAST(NULL AS UUID) AS session, stage AS text_a, status AS text_b, \
             locale AS text_c, zoneinfo AS text_d, data_key AS blob_a, CAST(NULL AS BYTEA) AS blob_b, \
             CAST(NULL AS BYTEA) AS blob_c, created_at AS number_a, updated_at AS number_b, \
             CAST(NULL AS BIGINT) AS number_c FROM accounts WHERE id = ",
            $who,
            " UNION ALL SELECT 'attribute', NULL, NULL, name, source, verification, NULL, value, NULL, NULL, \
             observed_at, NULL, NULL FROM attributes WHERE account = ",
            $who,
            " UNION ALL SELECT 'contact', id, NULL, kind, NULL, NULL, NULL, value, NULL, NULL, created_at, verified_at, \
             NULL FROM contacts WHERE account = ",
            $who,
            " UNION ALL SELECT 'membership', id, NULL, programme, proof_level, proof_method, state, number, \
             member_ref, facts, proof_at, linked_at, NULL FROM memberships WHERE state <> 'closed' AND account = ",
            $who,
            " UNION ALL SELECT 'consent', NULL, NULL, scope, claim, purpose, decision, NULL, NULL, NULL, \
             purpose_version, decided_at, expires_at FROM consents WHERE client = $2 AND account = ",
            $who,
            " UNION ALL SELECT 'acceptance', NULL, NULL, document, hash, locale, NULL, NULL, NULL, NULL, version, \
             accepted_at, NULL FROM acceptances WHERE account = ",
            $who,
            " UNION ALL SELECT 'subject', NULL, NULL, sub, NULL, NULL, NULL, NULL, NULL, NULL, created_at, NULL, NULL \
             FROM subjects WHERE is_current = 1 AND sector = $3 AND account = ",
            $who,
            $(" UNION ALL ", $more),*
        )
    };
}

/// By the account.
pub(super) const BY_ACCOUNT: &str = person!("$1");

/// By a family of theirs, which is a part too, as is the revocation of the token `$4`.
pub(super) const BY_FAMILY: &str = person!(
    "(SELECT account FROM families WHERE id = $1)",
    "SELECT 'family', id, session, client, scope, authentication, nonce, claims, NULL, NULL, created_at, revoked_at, \
     NULL FROM families WHERE id = $1",
    "SELECT 'revoked', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, expires_at, NULL, NULL \
     FROM revoked_tokens WHERE jti = $4",
);

/// By a refresh token of theirs, which is a part too, as is its family.
pub(super) const BY_REFRESH_TOKEN: &str = person!(
    "(SELECT f.account FROM refresh_tokens r JOIN families f ON f.id = r.family WHERE r.hash = $1)",
    "SELECT 'family', f.id, f.session, f.client, f.scope, f.authentication, f.nonce, f.claims, NULL, NULL, \
     f.created_at, f.revoked_at, NULL FROM refresh_tokens r JOIN families f ON f.id = r.family WHERE r.hash = $1",
    "SELECT 'refresh', NULL, NULL, NULL, NULL, NULL, NULL, r.successor_sealed, NULL, NULL, r.expires_at, \
     COALESCE(f.last_used_at + r.idle_seconds, r.expires_at), r.used_at \
     FROM refresh_tokens r JOIN families f ON f.id = r.family WHERE r.hash = $1",
);

impl Store {
    /// A person as a client of a sector meets them; `None` when there is no such account.
    pub async fn person(
        &self,
        account: AccountId,
        client: &ClientId,
        sector: &Sector,
    ) -> Result<Option<Person>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(&mut link, PartRow, BY_ACCOUNT, account.as_uuid(), client.as_str(), &sector.0)?;
        drop(link);
        Ok(self.gather(rows, client)?.map(|gathered| gathered.person))
    }

    /// What an access token of a client stands on: its family and the person it is about. `None` unless it stands, that
    /// is when token or family were revoked, or the account may not be used.
    pub async fn live_grant(
        &self,
        family: FamilyId,
        jti: &str,
        client: &ClientId,
    ) -> Result<Option<(Family, Person)>, Error> {
        let mut link = self.db.read().await?;
        // An access token brings its subject along.
        let rows = fetch_all!(&mut link, PartRow, BY_FAMILY, family.as_uuid(), client.as_str(), "", jti)?;
        drop(link);
        let Some(Gathered { person, family: Some(family), is_revoked: false, .. }) = self.gather(rows, client)? else {
            return Ok(None);
        };
        let stands =
            family.revoked_at.is_none() && family.client == *client && person.profile.account.status == Status::Active;
        Ok(stands.then_some((family, person)))
    }

    /// A refresh token a client presents, by its hash, in whatever state, and the person it is about.
    pub async fn refresh_grant(
        &self,
        hash: &[u8; 32],
        client: &ClientId,
        sector: &Sector,
    ) -> Result<Option<(RefreshRecord, Person)>, Error> {
        let mut link = self.db.read().await?;
        let rows = fetch_all!(&mut link, PartRow, BY_REFRESH_TOKEN, hash.as_slice(), client.as_str(), &sector.0)?;
        drop(link);
        let Some(Gathered { person, family: Some(family), refresh: Some(refresh), .. }) = self.gather(rows, client)?
        else {
            return Ok(None);
        };
        let record = RefreshRecord {
            family,
            account_status: person.profile.account.status,
            hash: *hash,
            expires_at: refresh.expires_at,
            used_at: refresh.used_at,
            successor_sealed: refresh.successor_sealed,
        };
        Ok(Some((record, person)))
    }
}
