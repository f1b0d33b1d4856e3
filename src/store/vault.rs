//! Envelope encryption: master keys wrap system secrets and each account's own key; that key seals personal data.
//!
//! AES-256-GCM with a random nonce; the additional data names table, column and row, so that a sealed value opens only
//! where it was put. Destroying an account's key destroys what it sealed, in backups too.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use serde_json::Value;

use super::error::Error;
use crate::model::{Random, Secret};

const VERSION: u8 = 1;
const ID_LEN: usize = 4;

type Key = Secret<[u8; 32]>;

/// Holds the master keys and everything derived from them. The first key seals; all of them open.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[(KeyId, Key)]>,
    random: Random,
}

/// Tells which master key sealed a value, without telling anything of the key.
type KeyId = [u8; ID_LEN];

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Takes the master keys, the newest first. Fails without any.
    pub fn new(master_keys: Vec<Secret<[u8; 32]>>) -> Result<Self, Error> {
        if master_keys.is_empty() {
            return Err(Error::fault("no master key"));
        }
        let keys = master_keys.into_iter().map(|key| (key_id(&key), key)).collect();
        Ok(Self { keys, random: Random::new() })
    }

    /// The key a label stands for, derived from the newest master key [RFC 5869 §2.3]. It changes when that one does.
    pub fn key(&self, label: &str) -> [u8; 32] {
        self.keys.first().map_or([0; 32], |(_, master)| expand(master, label))
    }

    /// The label's key under every master key, the newest first: what was made before a rotation is checked with these.
    pub fn keys(&self, label: &str) -> Vec<[u8; 32]> {
        self.keys.iter().map(|(_, master)| expand(master, label)).collect()
    }

    /// Seals bytes of one kind (`label`) for one place (`aad`).
    pub fn seal(&self, label: &str, aad: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, master) = self.keys.first().ok_or_else(|| Error::fault("no master key"))?;
        let mut sealed = Vec::with_capacity(1 + ID_LEN + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(id);
        encrypt(&cipher(&expand(master, label))?, &self.random, aad, plain, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made with the same label and place, under this or an older master key.
    pub fn open(&self, label: &str, aad: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        let (master, body) = self.master_of(sealed).ok_or_else(broken)?;
        decrypt(&cipher(&expand(master, label))?, aad, body).map(Secret::new)
    }

    /// Whether a sealed value is under an older master key and wants sealing anew.
    pub(super) fn is_outdated(&self, sealed: &[u8]) -> bool {
        let current = self.keys.first().map(|(id, _)| id.as_slice());
        sealed.get(1..=ID_LEN) != current
    }

    fn master_of<'a>(&self, sealed: &'a [u8]) -> Option<(&Key, &'a [u8])> {
        let (version, rest) = sealed.split_first()?;
        let (id, body) = rest.split_at_checked(ID_LEN)?;
        let (_, master) = self.keys.iter().find(|(known, _)| known == id)?;
        (*version == VERSION).then_some((master, body))
    }

    /// A new account key, with its wrapped form for the account's row.
    pub(super) fn new_account_key(&self, account: &str) -> Result<(AccountKey, Vec<u8>), Error> {
        let key = Secret::new(self.random.bytes::<32>());
        let wrapped = self.seal(ACCOUNT_KEY, &account_key_place(account), key.expose())?;
        Ok((self.account_key_of(key.expose())?, wrapped))
    }

    /// The account key a row holds wrapped.
    pub(super) fn account_key(&self, account: &str, wrapped: &[u8]) -> Result<AccountKey, Error> {
        self.account_key_of(self.open(ACCOUNT_KEY, &account_key_place(account), wrapped)?.expose())
    }

    /// The same account key, wrapped by the newest master key.
    pub(super) fn rewrap_account_key(&self, account: &str, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        let place = account_key_place(account);
        self.seal(ACCOUNT_KEY, &place, self.open(ACCOUNT_KEY, &place, wrapped)?.expose())
    }

    fn account_key_of(&self, key: &[u8]) -> Result<AccountKey, Error> {
        Ok(AccountKey { cipher: cipher(key)?, random: self.random.clone() })
    }
}

const ACCOUNT_KEY: &str = "store/account-key";

fn account_key_place(account: &str) -> String {
    format!("accounts|data_key|{account}")
}

/// One account's own key: seals its personal data. `place` is `table|column|row`.
pub(super) struct AccountKey {
    cipher: LessSafeKey,
    random: Random,
}

impl AccountKey {
    pub(super) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        encrypt(&self.cipher, &self.random, place, plain, &mut sealed)?;
        Ok(sealed)
    }

    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        match sealed.split_first() {
            Some((&VERSION, body)) => decrypt(&self.cipher, place, body),
            _ => Err(broken()),
        }
    }

    pub(super) fn open_text(&self, place: &str, sealed: &[u8]) -> Result<String, Error> {
        String::from_utf8(self.open(place, sealed)?).map_err(|_| broken())
    }

    pub(super) fn seal_json(&self, place: &str, value: &Value) -> Result<Vec<u8>, Error> {
        self.seal(place, value.to_string().as_bytes())
    }
}

/// The root of blind indexes and of the ledger's chain: stored sealed, because it must outlive every master key.
pub(super) struct Root(Key);

impl Root {
    pub(super) const fn new(secret: [u8; 32]) -> Self {
        Self(Secret::new(secret))
    }

    /// A key for what must stay the same whatever the master keys.
    pub(super) fn key(&self, label: &str) -> [u8; 32] {
        expand(&self.0, &format!("lasting/{label}"))
    }

    /// Stands for a value in unique indexes and lookups without revealing it.
    pub(super) fn blind_index(&self, label: &str, value: &str) -> Vec<u8> {
        mac(&expand(&self.0, &format!("index/{label}")), value.as_bytes()).to_vec()
    }

    /// Authenticates one link of the consent ledger's chain.
    pub(super) fn chain(&self, link: &[u8]) -> Vec<u8> {
        mac(&expand(&self.0, "ledger"), link).to_vec()
    }
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn key_id(master: &Key) -> KeyId {
    let [a, b, c, d, ..] = expand(master, "key-id");
    [a, b, c, d]
}

/// HKDF-Expand to one block [RFC 5869 §2.3]; the extraction step is for keys that are not uniform, master keys are.
fn expand(key: &Key, label: &str) -> [u8; 32] {
    let info = [b"comity/".as_slice(), label.as_bytes(), &[1]].concat();
    mac(key.expose(), &info)
}

fn mac(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes);
    let mut output = [0; 32];
    output.copy_from_slice(tag.as_ref());
    output
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| broken())
}

fn encrypt(key: &LessSafeKey, random: &Random, aad: &str, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), Error> {
    let nonce = random.bytes::<NONCE_LEN>();
    sealed.extend_from_slice(&nonce);
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad.as_bytes()), &mut body)
        .map_err(|_| Error::fault("a value cannot be sealed"))?;
    sealed.append(&mut body);
    Ok(())
}

fn decrypt(key: &LessSafeKey, aad: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, sealed) = body.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut body = sealed.to_vec();
    let length = key.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut body).map_err(|_| broken())?.len();
    body.truncate(length);
    Ok(body)
}

fn broken() -> Error {
    Error::fault("a sealed value cannot be opened")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(keys: &[u8]) -> Vault {
        Vault::new(keys.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_in_its_own_place_only() {
        let vault = vault(&[1]);
        let sealed = vault.seal("signing", "keys|1", b"secret").unwrap();
        assert_eq!(vault.open("signing", "keys|1", &sealed).unwrap().expose(), b"secret");
        assert!(vault.open("signing", "keys|2", &sealed).is_err());
        assert!(vault.open("other", "keys|1", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[index] ^= 1;
            assert!(vault.open("signing", "keys|1", &bent).is_err(), "byte {index}");
        }
        for length in 0..sealed.len() {
            assert!(vault.open("signing", "keys|1", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn an_older_master_key_still_opens_and_the_value_is_then_outdated() {
        let sealed = vault(&[1]).seal("l", "p", b"x").unwrap();
        let rotated = vault(&[2, 1]);
        assert!(rotated.is_outdated(&sealed));
        assert_eq!(rotated.open("l", "p", &sealed).unwrap().expose(), b"x");
        let renewed = rotated.seal("l", "p", b"x").unwrap();
        assert!(!rotated.is_outdated(&renewed));
        assert!(vault(&[1]).open("l", "p", &renewed).is_err());
        assert_eq!(rotated.keys("web"), [vault(&[2]).key("web"), vault(&[1]).key("web")]);
    }

    #[test]
    fn an_account_key_is_bound_to_its_account() {
        let vault = vault(&[1]);
        let (key, wrapped) = vault.new_account_key("a").unwrap();
        let sealed = key.seal("contacts|value|1", "mina@example.com".as_bytes()).unwrap();
        let again = vault.account_key("a", &vault.rewrap_account_key("a", &wrapped).unwrap()).unwrap();
        assert_eq!(again.open_text("contacts|value|1", &sealed).unwrap(), "mina@example.com");
        assert!(again.open_text("contacts|value|2", &sealed).is_err());
        assert!(vault.account_key("b", &wrapped).is_err());
    }

    #[test]
    fn no_master_key_is_an_error_and_debug_shows_none() {
        assert!(Vault::new(Vec::new()).is_err());
        assert_eq!(format!("{:?}", vault(&[7])), "Vault { keys: 1, .. }");
    }
}
