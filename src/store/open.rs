//! The handle every room above holds.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::copies::Copies;
use super::db::Db;
use super::error::Error;
use super::lagging::Lagging;
use super::migrations;
use super::settings::DatabaseSettings;
use super::vault::{AccountKey, Root, Vault};
use crate::model::{AccountId, Clock, Random};

/// The durable records. A clone speaks to the same database.
#[derive(Clone)]
pub struct Store {
    pub(super) db: Db,
    pub(super) vault: Vault,
    pub(super) random: Random,
    /// The latest event identifier given out here, as milliseconds and a count within them.
    pub(super) last_event: Arc<AtomicI64>,
    pub(super) copies: Arc<Copies>,
    root: Arc<OnceCell<Root>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

row!(SecretRow { sealed: Vec<u8> });

impl Store {
    /// Opens the database; a SQLite file is created when missing, PostgreSQL is reached on first use.
    pub async fn open(settings: &DatabaseSettings, vault: Vault, random: Random) -> Result<Self, Error> {
        let db = Db::open(settings, &random).await?;
        let copies = Arc::new(Copies::new(Clock::system()));
        Ok(Self { db, vault, random, last_event: Arc::default(), copies, root: Arc::default() })
    }

    /// The same store, measuring the age of its copies in memory by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { copies: Arc::new(Copies::new(clock)), ..self }
    }

    /// Brings the schema up to date. Several nodes may do so at once.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrations::migrate(&self.db, &self.random).await
    }

    /// The records for those who can do with the past.
    pub fn lagging(&self) -> Lagging {
        Lagging(Self { db: self.db.lagging(), ..self.clone() })
    }

    /// Succeeds when the database answers and has a schema.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut link = self.db.write().await?;
        fetch_optional!(&mut link, SecretRow, "SELECT sealed FROM system_secrets WHERE name = 'root'").map(drop)
    }

    /// Waits for work in flight and closes the database.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The vault everything here is sealed with.
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// A key of this deployment that outlives every master key, for identifiers others keep.
    pub async fn lasting_key(&self, label: &str) -> Result<[u8; 32], Error> {
        Ok(self.root().await?.key(label))
    }

    /// The root of blind indexes, made on first use. To be asked for before a transaction begins: in memory there is
    /// but one connection.
    pub(super) async fn root(&self) -> Result<&Root, Error> {
        self.root.get_or_try_init(|| self.load_root()).await
    }

    async fn load_root(&self) -> Result<Root, Error> {
        const LABEL: &str = "store/root";
        const PLACE: &str = "system_secrets|sealed|root";
        const SELECT: &str = "SELECT sealed FROM system_secrets WHERE name = 'root'";
        let mut link = self.db.write().await?;
        let mut row = fetch_optional!(&mut link, SecretRow, SELECT)?;
        if row.is_none() {
            let fresh = self.vault.seal(LABEL, PLACE, &self.random.bytes::<32>())?;
            // Of two nodes one is first; both then use what is stored.
            execute!(
                &mut link,
                "INSERT INTO system_secrets (name, sealed) VALUES ('root', $1) ON CONFLICT (name) DO NOTHING",
                fresh
            )?;
            row = fetch_optional!(&mut link, SecretRow, SELECT)?;
        }
        let sealed = row.ok_or_else(|| Error::fault("the root secret is missing"))?.sealed;
        let secret = self.vault.open(LABEL, PLACE, &sealed)?;
        if self.vault.is_outdated(&sealed) {
            let renewed = self.vault.seal(LABEL, PLACE, secret.expose())?;
            execute!(&mut link, "UPDATE system_secrets SET sealed = $1 WHERE name = 'root'", renewed)?;
        }
        let secret = secret.expose().as_slice().try_into().map_err(|_| Error::fault("the root secret is too short"))?;
        Ok(Root::new(secret))
    }

    /// The key of an account from its row; an erased account has none.
    pub(super) fn key_of(&self, account: AccountId, wrapped: Option<&[u8]>) -> Result<AccountKey, Error> {
        let wrapped = wrapped.ok_or(Error::Conflict("account"))?;
        self.vault.account_key(&account.to_string(), wrapped)
    }
}

/// The one word an enum of the model is stored as.
pub(super) fn word(value: &impl Serialize) -> Result<String, Error> {
    match serde_json::to_value(value)? {
        Value::String(word) => Ok(word),
        _ => Err(Error::fault("a word expected")),
    }
}

/// The enum of the model a word stands for.
pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, Error> {
    let deserializer: StrDeserializer<'_, WordError> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| Error::fault("an unknown word"))
}

/// A count or version of the model from its column.
pub(super) fn small(value: i64) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::fault("a number out of range"))
}
