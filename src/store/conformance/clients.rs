use serde_json::json;

use super::{Bench, NOW, family, register};
use crate::model::client::{Client, SecretHash};

pub(super) fn shop(name: &str) -> Client {
    serde_json::from_value(json!({
        "client_id": "shop",
        "client_name": name,
        "redirect_uris": ["https://shop.example/cb"],
        "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA" }] },
    }))
    .unwrap()
}

pub(super) fn secret(sha256: &str) -> SecretHash {
    SecretHash { sha256: sha256.to_owned(), expires_at: None }
}

pub(super) async fn save_read_and_remove(store: Bench) {
    assert!(store.client(&"shop".into()).await.unwrap().is_none());
    let first = store.clients_version().await.unwrap();
    store.save_client(&shop("Shop"), Some(&secret("a")), NOW).await.unwrap();
    let saved = store.client(&"shop".into()).await.unwrap().unwrap();
    assert_eq!(((*saved.client).clone(), saved.secret_hashes.clone()), (shop("Shop"), vec![secret("a")]));
    let second = store.clients_version().await.unwrap();
    assert!(second > first);
    store.save_client(&shop("Shop"), Some(&secret("a")), NOW + 1).await.unwrap();
    assert_eq!(store.clients_version().await.unwrap(), second, "nothing changed");
    store.save_client(&shop("SkyWay Shop"), None, NOW + 2).await.unwrap();
    let saved = store.client(&"shop".into()).await.unwrap().unwrap();
    assert_eq!((saved.client.client_name.as_str(), saved.updated_at), ("SkyWay Shop", NOW + 2));
    assert_eq!(saved.secret_hashes, [secret("a")], "kept when none is given");
    store.save_client(&Client { id: "hotel".into(), ..shop("Hotel") }, None, NOW).await.unwrap();
    let all: Vec<_> = store.clients().await.unwrap().into_iter().map(|it| it.client.id.to_string()).collect();
    assert_eq!(all, ["hotel", "shop"]);

    let tokens = family(register(&store).await, None, "openid");
    store.open_family(&tokens, None, None, NOW).await.unwrap();
    let version = store.clients_version().await.unwrap();
    assert!(store.remove_client(&"shop".into(), NOW).await.unwrap());
    assert!(!store.remove_client(&"shop".into(), NOW).await.unwrap());
    assert!(store.client(&"shop".into()).await.unwrap().is_none());
    assert!(store.family(tokens.id).await.unwrap().unwrap().revoked_at.is_some());
    assert_eq!(store.clients_version().await.unwrap(), version + 1);
}

pub(super) async fn secrets_rotate(store: Bench) {
    assert!(!store.rotate_client_secret(&"shop".into(), "b", NOW, NOW).await.unwrap());
    store.save_client(&shop("Shop"), Some(&secret("a")), NOW).await.unwrap();
    let version = store.clients_version().await.unwrap();
    assert!(store.rotate_client_secret(&"shop".into(), "b", NOW + 60, NOW + 1).await.unwrap());
    let old = SecretHash { expires_at: Some(NOW + 60), ..secret("a") };
    assert_eq!(store.client(&"shop".into()).await.unwrap().unwrap().secret_hashes, [secret("b"), old]);
    assert!(store.rotate_client_secret(&"shop".into(), "c", NOW + 90, NOW + 2).await.unwrap());
    let old = SecretHash { expires_at: Some(NOW + 90), ..secret("b") };
    assert_eq!(store.clients().await.unwrap()[0].secret_hashes, [secret("c"), old]);
    assert_eq!(store.clients_version().await.unwrap(), version + 2);
}
