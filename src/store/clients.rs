//! Registered clients and the hashes of their secrets. A version tells copies in memory when to read anew.

use super::db::Link;
use super::error::Error;
use super::open::Store;
use crate::model::client::{Client, RegisteredClient, SecretHash};
use crate::model::{ClientId, UnixTime};

row!(ClientRow { id: String, metadata: String, created_at: i64, updated_at: i64 });
row!(ClientSecretRow { client: String, sha256: String, expires_at: Option<i64> });
row!(VersionRow { value: i64 });

impl Store {
    /// A client by its `client_id`.
    pub async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, Error> {
        let mut link = self.db.read().await?;
        let row = fetch_optional!(
            &mut link,
            ClientRow,
            "SELECT id, metadata, created_at, updated_at FROM clients WHERE id = $1",
            id.as_str()
        )?;
        let Some(row) = row else { return Ok(None) };
        let secrets = fetch_all!(
            &mut link,
            ClientSecretRow,
            "SELECT client, sha256, expires_at FROM client_secrets WHERE client = $1 ORDER BY created_at DESC, sha256",
            id.as_str()
        )?;
        row.with(&secrets).map(Some)
    }

    /// All clients, by `client_id`.
    pub async fn clients(&self) -> Result<Vec<RegisteredClient>, Error> {
        let mut link = self.db.read().await?;
        let rows =
            fetch_all!(&mut link, ClientRow, "SELECT id, metadata, created_at, updated_at FROM clients ORDER BY id")?;
        let secrets = fetch_all!(
            &mut link,
            ClientSecretRow,
            "SELECT client, sha256, expires_at FROM client_secrets ORDER BY client, created_at DESC, sha256"
        )?;
        rows.into_iter().map(|row| row.with(&secrets)).collect()
    }

    /// Registers a client or replaces its metadata; a given secret becomes its only one. Saving what is stored already
    /// changes nothing.
    pub async fn save_client(&self, client: &Client, secret: Option<&SecretHash>, now: UnixTime) -> Result<(), Error> {
        let metadata = serde_json::to_string(client)?;
        unit!(self, tx => {
            let mut changed = execute!(
                &mut *tx,
                "INSERT INTO clients (id, metadata, created_at, updated_at) VALUES ($1, $2, $3, $3) \
                 ON CONFLICT (id) DO UPDATE SET metadata = excluded.metadata, updated_at = excluded.updated_at \
                 WHERE clients.metadata <> excluded.metadata",
                client.id.as_str(),
                &metadata,
                now.0
            )?;
            if let Some(secret) = secret {
                changed += execute!(
                    &mut *tx,
                    "DELETE FROM client_secrets WHERE client = $1 AND sha256 <> $2",
                    client.id.as_str(),
                    &secret.sha256
                )?;
                changed += execute!(
                    &mut *tx,
                    "INSERT INTO client_secrets (client, sha256, expires_at, created_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (client, sha256) DO UPDATE SET expires_at = excluded.expires_at \
                     WHERE COALESCE(client_secrets.expires_at, 0) <> COALESCE(excluded.expires_at, 0)",
                    client.id.as_str(),
                    &secret.sha256,
                    secret.expires_at.map(|at| at.0),
                    now.0
                )?;
            }
            if changed > 0 {
                bump_version(tx, "clients").await?;
            }
        })
    }

    /// Adds a secret; the previous one is accepted until `old_expires_at`, older ones no more. Gives whether the
    /// client exists.
    pub async fn rotate_client_secret(
        &self,
        id: &ClientId,
        new_sha256: &str,
        old_expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<bool, Error> {
        unit!(self, tx => {
            // Also the row lock that keeps two rotations apart.
            let known = execute!(&mut *tx, "UPDATE clients SET updated_at = $2 WHERE id = $1", id.as_str(), now.0)?;
            if known == 0 {
                return Ok(false);
            }
            execute!(
                &mut *tx,
                "DELETE FROM client_secrets WHERE client = $1 AND expires_at IS NOT NULL",
                id.as_str()
            )?;
            execute!(
                &mut *tx,
                "UPDATE client_secrets SET expires_at = $2 WHERE client = $1",
                id.as_str(),
                old_expires_at.0
            )?;
            execute!(
                &mut *tx,
                "INSERT INTO client_secrets (client, sha256, expires_at, created_at) VALUES ($1, $2, NULL, $3) \
                 ON CONFLICT (client, sha256) DO UPDATE SET expires_at = NULL",
                id.as_str(),
                new_sha256,
                now.0
            )?;
            bump_version(tx, "clients").await?;
            true
        })
    }

    /// Removes a client and revokes all its tokens; gives whether it was there.
    pub async fn remove_client(&self, id: &ClientId, now: UnixTime) -> Result<bool, Error> {
        unit!(self, tx => {
            let removed = execute!(&mut *tx, "DELETE FROM clients WHERE id = $1", id.as_str())?;
            if removed > 0 {
                execute!(
                    &mut *tx,
                    "UPDATE families SET revoked_at = $2 WHERE client = $1 AND revoked_at IS NULL",
                    id.as_str(),
                    now.0
                )?;
                bump_version(tx, "clients").await?;
            }
            removed > 0
        })
    }

    /// A number that changes whenever a client does.
    pub async fn clients_version(&self) -> Result<i64, Error> {
        self.version("clients").await
    }

    pub(super) async fn version(&self, name: &'static str) -> Result<i64, Error> {
        let mut link = self.db.read().await?;
        fetch_optional!(&mut link, VersionRow, "SELECT value FROM versions WHERE name = $1", name)?
            .map(|row| row.value)
            .ok_or_else(|| Error::fault("a version is missing"))
    }
}

/// Makes copies of `name` in memory outdated; gives the new version.
pub(super) async fn bump_version(tx: &mut Link, name: &'static str) -> Result<i64, Error> {
    fetch_optional!(tx, VersionRow, "UPDATE versions SET value = value + 1 WHERE name = $1 RETURNING value", name)?
        .map(|row| row.value)
        .ok_or_else(|| Error::fault("a version is missing"))
}

impl ClientRow {
    fn with(self, secrets: &[ClientSecretRow]) -> Result<RegisteredClient, Error> {
        let own = secrets.iter().filter(|secret| secret.client == self.id);
        Ok(RegisteredClient {
            client: serde_json::from_str(&self.metadata)?,
            secret_hashes: own
                .map(|secret| SecretHash { sha256: secret.sha256.clone(), expires_at: secret.expires_at.map(UnixTime) })
                .collect(),
            created_at: UnixTime(self.created_at),
            updated_at: UnixTime(self.updated_at),
        })
    }
}
