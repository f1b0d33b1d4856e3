//! Registered clients and the hashes of their secrets, nearly always read from copies in memory.

use std::sync::{Arc, OnceLock};

use super::db::Link;
use super::error::Error;
use super::open::Store;
use crate::jose::JwkSet;
use crate::model::client::{Client, SecretHash};
use crate::model::{ClientId, UnixTime};

row!(ClientRow { id: String, metadata: String, created_at: i64, updated_at: i64 });
row!(ClientSecretRow { client: String, sha256: String, expires_at: Option<i64> });
row!(FoundRow {
    version: i64,
    metadata: String,
    created_at: i64,
    updated_at: i64,
    sha256: Option<String>,
    expires_at: Option<i64>,
});
row!(VersionRow { value: i64 });

/// A client as the store keeps it.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// Its metadata.
    pub client: Arc<Client>,
    /// SHA-256 of each valid secret (two while one is being rotated), with the time it ends.
    pub secret_hashes: Vec<SecretHash>,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When it last changed.
    pub updated_at: UnixTime,
    keys: OnceLock<Option<JwkSet>>,
}

impl RegisteredClient {
    /// Its public keys, parsed once; none where it has no set or one that cannot be used.
    pub fn keys(&self) -> Option<&JwkSet> {
        let parse = || self.client.jwks.as_ref().and_then(|keys| JwkSet::parse(keys).ok());
        self.keys.get_or_init(parse).as_ref()
    }
}

impl Store {
    /// A client by its `client_id`, as it was less than a second ago; changed through this process, as it is now.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<RegisteredClient>>, Error> {
        match self.kept_client(id).await? {
            Some(client) => Ok(Some(client)),
            None => self.read_client(id).await,
        }
    }

    /// Reads a client and keeps a copy. Version and client come in one statement: what it saw was true together.
    async fn read_client(&self, id: &ClientId) -> Result<Option<Arc<RegisteredClient>>, Error> {
        let moment = self.copies.moment();
        let mut link = self.db.read().await?;
        let rows = fetch_all!(
            &mut link,
            FoundRow,
            "SELECT versions.value AS version, clients.metadata, clients.created_at, clients.updated_at, \
             client_secrets.sha256, client_secrets.expires_at \
             FROM clients JOIN versions ON versions.name = 'clients' \
             LEFT JOIN client_secrets ON client_secrets.client = clients.id \
             WHERE clients.id = $1 ORDER BY client_secrets.created_at DESC, client_secrets.sha256",
            id.as_str()
        )?;
        drop(link);
        let Some(first) = rows.first() else { return Ok(None) };
        let secrets = rows.iter().filter_map(|row| {
            let sha256 = row.sha256.clone()?;
            Some(SecretHash { sha256, expires_at: row.expires_at.map(UnixTime) })
        });
        let client = Arc::new(registered(&first.metadata, secrets.collect(), first.created_at, first.updated_at)?);
        self.copies.keep(&client, first.version, &moment);
        Ok(Some(client))
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
        let _change = self.copies.change();
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
        let _change = self.copies.change();
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
        let _change = self.copies.change();
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
        Ok(self.versions_now().await?.clients)
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
        let own =
            own.map(|secret| SecretHash { sha256: secret.sha256.clone(), expires_at: secret.expires_at.map(UnixTime) });
        registered(&self.metadata, own.collect(), self.created_at, self.updated_at)
    }
}

pub(super) fn registered(
    metadata: &str,
    secret_hashes: Vec<SecretHash>,
    created_at: i64,
    updated_at: i64,
) -> Result<RegisteredClient, Error> {
    Ok(RegisteredClient {
        client: serde_json::from_str::<Client>(metadata)?.into(),
        secret_hashes,
        created_at: UnixTime(created_at),
        updated_at: UnixTime(updated_at),
        keys: OnceLock::new(),
    })
}
