//! Our own keys, in use, upcoming and retiring.

use serde_json::{Value, json};

use super::public_key::{KeySource, PublicKey};
use super::{Alg, Error, InvalidKey, SigningKey};
use crate::model::UnixTime;
use crate::model::key::StoredKey;

/// All keys of the deployment that have not left the JWKS, parsed once. Built anew when the store's version changes.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: SigningKey,
    active_at: UnixTime,
    retired_at: Option<UnixTime>,
    remove_at: Option<UnixTime>,
}

impl Entry {
    fn is_published(&self, now: UnixTime) -> bool {
        self.remove_at.is_none_or(|remove_at| now < remove_at)
    }

    fn signs(&self, now: UnixTime) -> bool {
        self.active_at <= now && self.retired_at.is_none_or(|retired_at| now < retired_at) && self.is_published(now)
    }
}

impl KeyRing {
    /// Parses the stored keys.
    pub fn new(stored: &[StoredKey]) -> Result<Self, Error> {
        let entries = stored.iter().map(|stored| {
            let failed = |reason| Error::StoredKey { kid: stored.kid.clone(), reason };
            let alg: Alg = stored.alg.parse().map_err(|_| failed(InvalidKey::Unsupported))?;
            let key = SigningKey::from_pkcs8(alg, Some(&stored.kid), stored.pkcs8.expose()).map_err(failed)?;
            Ok(Entry { key, active_at: stored.active_at, retired_at: stored.retired_at, remove_at: stored.remove_at })
        });
        Ok(Self { entries: entries.collect::<Result<_, Error>>()? })
    }

    /// The key that signs with `alg` at `now`: the one that became active last.
    pub fn signer(&self, alg: Alg, now: UnixTime) -> Option<&SigningKey> {
        let signing = self.entries.iter().filter(|entry| entry.key.alg() == alg && entry.signs(now));
        signing.max_by(|a, b| (a.active_at, a.key.kid()).cmp(&(b.active_at, b.key.kid()))).map(|entry| &entry.key)
    }

    /// The algorithms something can be signed with at `now`.
    pub fn algs(&self, now: UnixTime) -> Vec<Alg> {
        Alg::ALL.into_iter().filter(|alg| self.signer(*alg, now).is_some()).collect()
    }

    /// When, after `now`, a key next begins or ceases to sign or to be published.
    pub fn next_change(&self, now: UnixTime) -> Option<UnixTime> {
        let times = |entry: &Entry| [Some(entry.active_at), entry.retired_at, entry.remove_at];
        self.entries.iter().flat_map(times).flatten().filter(|time| now < *time).min()
    }

    /// The JWK Set to publish at `now` [RFC 7517 §5]: upcoming keys so that caches know them in time, retired ones
    /// until their last token has expired.
    pub fn jwks(&self, now: UnixTime) -> Value {
        let published = self.entries.iter().filter(|entry| entry.is_published(now));
        json!({ "keys": published.map(|entry| entry.key.public_jwk().to_value()).collect::<Vec<_>>() })
    }
}

impl KeySource for KeyRing {
    /// Our own tokens always name their key.
    fn candidates(&self, kid: Option<&str>, alg: Alg, now: UnixTime) -> Vec<&PublicKey> {
        let named = self
            .entries
            .iter()
            .filter(|entry| Some(entry.key.kid()) == kid && entry.key.alg() == alg && entry.is_published(now));
        named.map(|entry| entry.key.public_key()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn stored(kid: &str, active: i64, retired: Option<i64>, remove: Option<i64>) -> StoredKey {
        let key = SigningKey::generate(Alg::EdDSA, Some(kid)).unwrap();
        StoredKey {
            kid: kid.to_owned(),
            alg: "EdDSA".to_owned(),
            pkcs8: key.to_pkcs8().unwrap(),
            created_at: UnixTime(0),
            active_at: UnixTime(active),
            retired_at: retired.map(UnixTime),
            remove_at: remove.map(UnixTime),
        }
    }

    #[test]
    fn signs_with_the_newest_active_and_publishes_the_rest() {
        let keys = [
            stored("old", 0, Some(100), Some(200)),
            stored("current", 100, None, None),
            stored("upcoming", 300, None, None),
        ];
        let ring = KeyRing::new(&keys).unwrap();
        let at = |now: i64| {
            let signer = ring.signer(Alg::EdDSA, UnixTime(now)).map(SigningKey::kid);
            let jwks = ring.jwks(UnixTime(now));
            let kids = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
            (signer, kids.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(at(50), (Some("old"), "old current upcoming".into()));
        assert_eq!(at(100), (Some("current"), "old current upcoming".into()));
        assert_eq!(at(200), (Some("current"), "current upcoming".into()));
        assert_eq!(at(300), (Some("upcoming"), "current upcoming".into()));
        assert_eq!(ring.signer(Alg::RS256, UnixTime(300)).map(SigningKey::kid), None);
        assert_eq!(ring.algs(UnixTime(300)), [Alg::EdDSA]);
        let next = |now: i64| ring.next_change(UnixTime(now)).map(|time| time.0);
        assert_eq!(
            [next(-1), next(0), next(199), next(200), next(300)],
            [Some(0), Some(100), Some(200), Some(300), None]
        );
        let verifying = |kid, now| ring.candidates(kid, Alg::EdDSA, UnixTime(now)).len();
        assert_eq!((verifying(Some("old"), 199), verifying(Some("old"), 200)), (1, 0));
        assert_eq!(verifying(None, 0), 0, "our own tokens always name their key");
        assert!(ring.candidates(Some("current"), Alg::RS256, UnixTime(0)).is_empty());
    }

    #[test]
    fn published_keys_are_public_distinct_and_complete() {
        let ring = KeyRing::new(&[stored("a", 0, None, None), stored("b", 0, None, None)]).unwrap();
        let jwks = ring.jwks(UnixTime(0));
        for key in jwks["keys"].as_array().unwrap() {
            let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
            assert_eq!((&key["use"], &key["alg"]), (&json!("sig"), &json!("EdDSA")));
        }
        assert_eq!(crate::jose::JwkSet::parse(&jwks).unwrap().keys().len(), 2);
    }

    #[test]
    fn an_unusable_stored_key_is_named() {
        let mut broken = stored("broken", 0, None, None);
        broken.pkcs8 = Secret::new(vec![1, 2, 3]);
        assert!(KeyRing::new(&[broken]).unwrap_err().to_string().contains("broken"));
        let mut foreign = stored("foreign", 0, None, None);
        foreign.alg = "HS256".to_owned();
        assert!(KeyRing::new(&[foreign]).is_err());
    }
}
