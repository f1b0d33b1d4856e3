use super::keys::key;
use super::{Bench, MASTER, NOW, email, family, kakao, nobody, open, refresh, register, session};
use crate::model::Random;
use crate::model::contact::ContactKind::Email;
use crate::model::grant::Sector;
use crate::store::NewAccount;

const DAY: i64 = 24 * 3600;

pub(super) async fn sweep(store: Bench) {
    let id = register(&store).await;
    store.start_session(&session(id), &[1; 32], None, NOW).await.unwrap();
    let granted = family(id, None, "openid");
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    store.revoke_token("jti", NOW + 60).await.unwrap();
    assert_eq!(store.sweep(NOW).await.unwrap(), 0);
    store.revoke_family(granted.id, NOW).await.unwrap();
    assert_eq!(store.sweep(NOW + DAY).await.unwrap(), 3);
    assert!(store.family(granted.id).await.unwrap().is_some(), "kept for those who look into it");
    assert_eq!(store.sweep(NOW + 90 * DAY).await.unwrap(), 1);
    assert!(store.family(granted.id).await.unwrap().is_none());
}

pub(super) async fn master_keys_rotate(store: Bench) {
    const NEXT: [u8; 32] = [8; 32];
    let mut accounts = Vec::new();
    for number in 0..5 {
        let contact = Some(email(&format!("{number}@example.com"), true));
        let identity = Some(kakao(&number.to_string()));
        let new = NewAccount { contact, identity, ..nobody() };
        accounts.push(store.register_account(new, NOW).await.unwrap());
    }
    store.add_signing_key(&key("kid", 0), store.keys_version().await.unwrap()).await.unwrap();
    if store.settings.url.expose() == "sqlite::memory:" {
        assert!(store.rewrap_keys(None, 10).await.unwrap().is_some());
        return;
    }
    let rotating = open(&store.settings, vec![NEXT, MASTER]).await;
    let mut page = rotating.rewrap_keys(None, 2).await.unwrap();
    let mut pages = 0;
    while let Some(after) = page {
        pages += 1;
        page = rotating.rewrap_keys(Some(after), 2).await.unwrap();
    }
    assert_eq!(pages, 3);
    let rotated = open(&store.settings, vec![NEXT]).await;
    let lasting = store.lasting_key("a").await.unwrap();
    assert_eq!(rotated.lasting_key("a").await.unwrap(), lasting, "what others keep does not change");
    assert_ne!(rotated.lasting_key("b").await.unwrap(), lasting);
    assert_ne!(rotated.vault().key("a"), store.vault().key("a"));
    for (number, account) in accounts.iter().enumerate() {
        let value = format!("{number}@example.com");
        assert_eq!(rotated.verified_owners(Email, &value).await.unwrap(), [*account], "indexes outlive master keys");
        assert_eq!(rotated.contacts(*account).await.unwrap()[0].value, value);
        let identity = rotated.identity(&kakao(&number.to_string()).key).await.unwrap().unwrap();
        assert_eq!(identity.account, *account);
    }
    assert_eq!(rotated.signing_keys().await.unwrap()[0].pkcs8.expose(), b"private");
    let stranger = open(&store.settings, vec![[9; 32]]).await;
    assert!(stranger.contacts(accounts[0]).await.is_err());
    assert!(stranger.signing_keys().await.is_err());
    assert!(stranger.verified_owners(Email, "0@example.com").await.is_err());
}

pub(super) async fn subjects_resolve(store: Bench) {
    let (a, b) = (register(&store).await, register(&store).await);
    let (shop, public) = (Sector("shop.example".to_owned()), Sector::public());
    let sub = store.subject(a, &shop, NOW).await.unwrap();
    assert_eq!(store.subject(a, &shop, NOW + 9).await.unwrap(), sub);
    assert_ne!(store.subject(a, &public, NOW).await.unwrap(), sub);
    assert_ne!(store.subject(b, &shop, NOW).await.unwrap(), sub);
    assert_eq!(store.resolve_subject(&shop, &sub.0).await.unwrap(), Some(a));
    assert_eq!(store.resolve_subject(&public, &sub.0).await.unwrap(), None, "a sub means nothing to other sectors");
    assert!(store.subject(Random::new().id(NOW), &shop, NOW).await.is_err());
}
