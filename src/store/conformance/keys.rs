use super::{Bench, NOW};
use crate::model::Secret;
use crate::model::key::StoredKey;
use crate::store::Error;

pub(super) fn key(kid: &str, later: i64) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        alg: "ES256".to_owned(),
        pkcs8: Secret::new(b"private".to_vec()),
        created_at: NOW,
        active_at: NOW + later,
        retired_at: None,
        remove_at: None,
    }
}

pub(super) async fn schedule(store: Bench) {
    let mut version = store.keys_version().await.unwrap();
    for (kid, later) in [("b", 10), ("a", 0)] {
        let next = store.add_signing_key(&key(kid, later), version).await.unwrap();
        assert!(next > version);
        assert_eq!(store.keys_version().await.unwrap(), next);
        version = next;
    }
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(keys[0].pkcs8.expose(), b"private");
    assert!(store.retire_signing_key("a", NOW + 10, NOW + 20).await.unwrap());
    assert!(!store.retire_signing_key("a", NOW + 11, NOW + 21).await.unwrap());
    let retired = &store.signing_keys().await.unwrap()[0];
    assert_eq!((retired.retired_at, retired.remove_at), (Some(NOW + 10), Some(NOW + 20)));
    assert!(store.remove_signing_key("a").await.unwrap());
    assert!(!store.remove_signing_key("a").await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap().len(), 1);
    assert_eq!(store.keys_version().await.unwrap(), version + 2);
}

pub(super) async fn two_nodes_do_not_both_rotate(store: Bench) {
    let other = store.another_node().await;
    let seen = (store.keys_version().await.unwrap(), other.keys_version().await.unwrap());
    store.add_signing_key(&key("a", 0), seen.0).await.unwrap();
    let late = other.add_signing_key(&key("b", 0), seen.1).await;
    assert!(matches!(late, Err(Error::Conflict("signing_key"))));
    assert_eq!(other.signing_keys().await.unwrap().len(), 1);
    let version = other.keys_version().await.unwrap();
    let twice = other.add_signing_key(&key("a", 0), version).await;
    assert!(matches!(twice, Err(Error::Conflict("signing_key"))), "a kid names one key");
    assert_eq!(other.keys_version().await.unwrap(), version);
}
