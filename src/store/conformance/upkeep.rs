use super::keys::key;
use super::{Bench, MASTER, NOW, email, family, kakao, nobody, open, refresh, register, session};
use crate::model::contact::ContactKind::Email;
use crate::model::grant::{Family, Sector};
use crate::model::{Random, UnixTime};
use crate::store::{NewAccount, NewRefresh};

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

pub(super) async fn what_ended_goes_in_batches(store: Bench) {
    for index in 0..1100 {
        store.revoke_token(&format!("jti-{index}"), NOW).await.unwrap();
    }
    assert_eq!(store.sweep(NOW).await.unwrap(), 1100);
    assert_eq!(store.sweep(NOW).await.unwrap(), 0);
}

async fn spent(store: &Bench, at: UnixTime) -> u64 {
    let (mut removed, mut after) = (0, None);
    loop {
        let (batch, next) = store.sweep_families(after, at).await.unwrap();
        removed += batch;
        match next {
            Some(_) => after = next,
            None => return removed,
        }
    }
}

pub(super) async fn spent_families_go(store: Bench) {
    let id = register(&store).await;
    let (here, there) = (session(id), session(id));
    store.start_session(&here, &[1; 32], None, NOW).await.unwrap();
    store.start_session(&there, &[2; 32], None, NOW).await.unwrap();
    let logins = |session, scope, count: i64| {
        (0..count).map(move |at| {
            let mut login = family(id, Some(session), scope);
            (login.created_at, login.id) = (NOW + at, Random::new().id(NOW + at));
            login
        })
    };
    let plain: Vec<_> = logins(here.id, "openid", 5).collect();
    let wider: Vec<_> = logins(here.id, "openid email", 2).collect();
    let elsewhere: Vec<_> = logins(there.id, "openid", 1).collect();
    let offline: Vec<_> = logins(there.id, "openid offline_access", 3).collect();
    for (byte, login) in (1..).zip(plain.iter().chain(&wider).chain(&elsewhere)) {
        store.open_family(login, Some(&[byte; 32]), None, NOW).await.unwrap();
    }
    for (byte, login) in (101..).zip(&offline) {
        let token = NewRefresh { expires_at: NOW + 10 * DAY, ..refresh(byte) };
        store.open_family(login, None, Some(token), NOW).await.unwrap();
    }
    let apps = store.connected_apps(id).await.unwrap();
    assert_eq!(spent(&store, NOW + DAY - 1).await, 0, "their access tokens may still live");
    assert_eq!(spent(&store, NOW + DAY + 5).await, 3, "the first and the latest of those alike stay");
    assert_eq!(spent(&store, NOW + DAY + 5).await, 0);
    assert_eq!(store.connected_apps(id).await.unwrap(), apps);
    let left = async |family: &Family| store.family(family.id).await.unwrap().is_some();
    assert!(left(&plain[0]).await && left(&plain[4]).await && !left(&plain[2]).await);
    // Sessions that expired take along what came from them, as far as it does not work by itself.
    assert!(store.sweep(NOW + DAY).await.unwrap() >= 2);
    assert_eq!(spent(&store, NOW + DAY + 5).await, 5);
    for token in &offline {
        assert!(left(token).await);
    }
    store.sweep(NOW + 10 * DAY).await.unwrap();
    assert_eq!(spent(&store, NOW + 10 * DAY).await, 3);
    assert!(store.connected_apps(id).await.unwrap().is_empty());
}

pub(super) async fn browsers_are_known_for_a_while(store: Bench) {
    assert!(!store.knows_browser("mina", "a", NOW).await.unwrap());
    store.remember_browser("mina", None, "a", NOW + 10).await.unwrap();
    assert!(store.knows_browser("mina", "a", NOW + 9).await.unwrap());
    assert!(!store.knows_browser("mina", "a", NOW + 10).await.unwrap());
    assert!(!store.knows_browser("mina", "b", NOW).await.unwrap());
    assert!(!store.knows_browser("ken", "a", NOW).await.unwrap());
    store.remember_browser("mina", Some("mailbox"), "a", NOW + 20).await.unwrap();
    store.remember_browser("mina", Some("mina"), "a", NOW + 20).await.unwrap();
    assert!(store.knows_browser("mina", "a", NOW + 19).await.unwrap());
    assert!(store.knows_browser("mailbox", "a", NOW + 19).await.unwrap());
    assert_eq!(store.sweep(NOW + 19).await.unwrap(), 0);
    assert_eq!(store.sweep(NOW + 20).await.unwrap(), 2);
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
