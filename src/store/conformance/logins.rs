use super::{Bench, NOW, kakao, kinds, register};
use crate::model::identity::UpstreamTokens;
use crate::model::{Random, Secret};
use crate::store::{Error, NewIdentity};

pub(super) async fn passwords(store: Bench) {
    let id = register(&store).await;
    assert!(store.password_hash(id).await.unwrap().is_none());
    store.set_password(id, &Secret::from("$a"), NOW).await.unwrap();
    store.set_password(id, &Secret::from("$b"), NOW).await.unwrap();
    assert_eq!(store.password_hash(id).await.unwrap().unwrap().expose(), "$b");
    assert!(store.remove_password(id, NOW).await.unwrap());
    assert!(!store.remove_password(id, NOW).await.unwrap());
    assert_eq!(kinds(&store, id).await[1..], ["credential.changed"; 3]);
    let unknown = store.set_password(Random::new().id(NOW), &Secret::from("$a"), NOW).await;
    assert!(matches!(unknown, Err(Error::Conflict("account"))));
}

pub(super) async fn identities_and_tokens(store: Bench) {
    let (mine, yours) = (register(&store).await, register(&store).await);
    let new = NewIdentity { label: Some("Mina".to_owned()), ..kakao("1") };
    let id = store.link_identity(mine, &new, NOW).await.unwrap();
    let attempt = store.link_identity(yours, &new, NOW).await;
    assert!(matches!(attempt, Err(Error::Conflict("identity"))));
    // The same subject at another issuer is another person.
    let mut elsewhere = kakao("1");
    elsewhere.key.issuer = "https://rogue.example".to_owned();
    store.link_identity(yours, &elsewhere, NOW).await.unwrap();

    let identity = store.identity(&new.key).await.unwrap().unwrap();
    assert_eq!((identity.account, identity.label.as_deref()), (mine, Some("Mina")));
    assert!(store.upstream_tokens(id).await.unwrap().is_none());
    let tokens =
        UpstreamTokens { access_token: Some(Secret::from("at")), refresh_token: None, expires_at: Some(NOW + 60) };
    store.identity_used(id, Some(&tokens), NOW + 5).await.unwrap();
    store.identity_used(id, None, NOW + 6).await.unwrap();
    store.identity_used(Random::new().id(NOW), Some(&tokens), NOW).await.unwrap();
    let read = store.upstream_tokens(id).await.unwrap().unwrap();
    assert_eq!((read.access_token, read.expires_at), (tokens.access_token, tokens.expires_at));
    assert!(read.refresh_token.is_none());
    let identities = store.identities(mine).await.unwrap();
    assert_eq!((identities.len(), identities[0].last_used_at), (1, NOW + 6));
    assert_eq!(identities[0].key, new.key);

    assert!(!store.unlink_identity(yours, id, NOW).await.unwrap(), "only the owner's");
    assert!(store.unlink_identity(mine, id, NOW).await.unwrap());
    assert!(!store.unlink_identity(mine, id, NOW).await.unwrap());
    assert!(store.identity(&new.key).await.unwrap().is_none());
    assert!(store.upstream_tokens(id).await.unwrap().is_none());
    assert_eq!(kinds(&store, mine).await, ["account.created", "identity.linked", "identity.unlinked"]);
    store.link_identity(yours, &new, NOW).await.unwrap();
}
