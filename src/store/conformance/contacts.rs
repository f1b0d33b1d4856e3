use serde_json::json;

use super::{Bench, NOW, attribute, email, family, kakao, kinds, nobody, register, session};
use crate::model::Secret;
use crate::model::account::{Stage, Status};
use crate::model::contact::ContactKind::{Email, Phone};
use crate::store::{Error, NewAccount};

/// The published classes of pre-hijacking: whatever was created in an account while its address was unproven must not
/// survive the proof by the address's owner.
pub(super) async fn verification_voids_claims(store: Bench) {
    let trap = NewAccount {
        stage: Stage::LiteUnverified,
        contact: Some(email("mina@example.com", false)),
        identity: Some(kakao("attacker")),
        password_hash: Some(Secret::from("$argon2id$attacker")),
        attributes: vec![attribute("name", json!("Mal"))],
        ..nobody()
    };
    let trap = store.register_account(trap, NOW).await.unwrap();
    let browser = session(trap);
    store.start_session(&browser, &[1; 32], None, NOW).await.unwrap();
    let tokens = family(trap, Some(browser.id), "openid offline_access");
    store.open_family(&tokens, None, None, NOW).await.unwrap();
    // An account with more than this claim keeps the rest: a pending change of address.
    let other = NewAccount { contact: Some(email("mal@example.com", true)), ..nobody() };
    let other = store.register_account(other, NOW).await.unwrap();
    store.claim_contact(other, Email, "mina@example.com", NOW).await.unwrap();

    let owner = register(&store).await;
    store.verify_contact(owner, Email, "mina@example.com", NOW).await.unwrap();

    assert!(store.contacts(trap).await.unwrap().is_empty());
    assert!(store.identity(&kakao("attacker").key).await.unwrap().is_none());
    assert!(store.password_hash(trap).await.unwrap().is_none());
    assert!(store.session(&[1; 32], NOW).await.unwrap().is_none());
    assert!(store.live_grant(tokens.id, "jti", &tokens.client).await.unwrap().is_none());
    assert_eq!(store.account(trap).await.unwrap().unwrap().status, Status::Erased);
    assert_eq!(store.contacts(other).await.unwrap().len(), 1);
    assert_eq!(store.account(other).await.unwrap().unwrap().status, Status::Active);
    assert_eq!(store.verified_owners(Email, "mina@example.com").await.unwrap(), [owner]);
}

pub(super) async fn contacts_are_unique_while_verified(store: Bench) {
    let owner = register(&store).await;
    let first = store.verify_contact(owner, Email, "mina@example.com", NOW).await.unwrap();
    assert_eq!(store.verify_contact(owner, Email, "mina@example.com", NOW + 1).await.unwrap(), first);
    assert_eq!(kinds(&store, owner).await, ["account.created", "contact.verified"]);
    let other = register(&store).await;
    let attempt = store.verify_contact(other, Email, "mina@example.com", NOW).await;
    assert!(matches!(attempt, Err(Error::Conflict("contact"))));
    let attempt = store.claim_contact(other, Email, "mina@example.com", NOW).await;
    assert!(matches!(attempt, Err(Error::Conflict("contact"))));
    for verified in [true, false] {
        let new = NewAccount { contact: Some(email("mina@example.com", verified)), ..nobody() };
        assert!(matches!(store.register_account(new, NOW).await, Err(Error::Conflict("contact"))));
    }
    // The same text as another kind is another address.
    store.verify_contact(other, Phone, "mina@example.com", NOW).await.unwrap();
    assert_eq!(store.verified_owners(Phone, "mina@example.com").await.unwrap(), [other]);
    assert_eq!(kinds(&store, other).await, ["account.created", "contact.verified"]);
}

pub(super) async fn claims_and_removal(store: Bench) {
    let id = register(&store).await;
    let claim = store.claim_contact(id, Email, "mina@example.com", NOW).await.unwrap();
    assert_eq!(store.claim_contact(id, Email, "mina@example.com", NOW).await.unwrap(), claim);
    assert!(store.verified_owners(Email, "mina@example.com").await.unwrap().is_empty());
    assert_eq!(store.contacts(id).await.unwrap()[0].verified_at, None);
    assert_eq!(store.verify_contact(id, Email, "mina@example.com", NOW + 1).await.unwrap(), claim);
    let contact = store.contacts(id).await.unwrap().remove(0);
    assert_eq!((contact.verified_at, contact.value.as_str()), (Some(NOW + 1), "mina@example.com"));
    let stranger = register(&store).await;
    assert!(!store.remove_contact(stranger, claim, NOW).await.unwrap());
    assert!(store.remove_contact(id, claim, NOW).await.unwrap());
    assert!(!store.remove_contact(id, claim, NOW).await.unwrap());
    assert!(store.contacts(id).await.unwrap().is_empty());
    assert_eq!(kinds(&store, id).await.last().unwrap(), "profile.changed");
    store.verify_contact(stranger, Email, "mina@example.com", NOW).await.unwrap();
}
