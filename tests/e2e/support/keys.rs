//! Signing keys made once for all servers of this process: RSA takes its time.

use std::sync::LazyLock;

use comity::jose::{Alg, SigningKey};
use comity::model::UnixTime;
use comity::model::key::StoredKey;

static KEYS: LazyLock<Vec<SigningKey>> =
    LazyLock::new(|| Alg::ALL.into_iter().map(|alg| SigningKey::generate(alg, None).unwrap()).collect());

/// The keys a server begins with.
pub fn stored(now: UnixTime) -> Vec<StoredKey> {
    let stored = |key: &SigningKey| StoredKey {
        kid: key.kid().to_owned(),
        alg: key.alg().to_string(),
        pkcs8: key.to_pkcs8().unwrap(),
        created_at: now,
        active_at: now,
        retired_at: None,
        remove_at: None,
    };
    KEYS.iter().map(stored).collect()
}

/// The servers' own key of an algorithm: for tokens that are signed well and wrong otherwise.
pub fn of(alg: Alg) -> SigningKey {
    KEYS.iter().find(|key| key.alg() == alg).unwrap().clone()
}
