use serde_json::json;

use super::grants::given;
use super::{Bench, NOW, attribute, email, kakao, membership, nobody, register};
use crate::model::Random;
use crate::model::account::Status;
use crate::model::consent::Acceptance;
use crate::model::grant::Sector;
use crate::store::NewAccount;

/// What one statement brings is what each statement for itself does.
pub(super) async fn one_statement_brings_all(store: Bench) {
    let acceptance = |document: &str, version, at| Acceptance {
        document: document.to_owned(),
        version,
        hash: "h".to_owned(),
        locale: "ko".parse().unwrap(),
        accepted_at: at,
    };
    let new = NewAccount {
        contact: Some(email("mina@example.com", true)),
        identity: Some(kakao("1")),
        attributes: vec![attribute("name", json!("Mina")), attribute("birthdate", json!("1990-02-28"))],
        acceptances: vec![acceptance("terms", 1, NOW), acceptance("privacy", 1, NOW), acceptance("terms", 2, NOW + 1)],
        ..nobody()
    };
    let id = store.register_account(new, NOW).await.unwrap();
    store.claim_contact(id, crate::model::contact::ContactKind::Phone, "+821012345678", NOW - 1).await.unwrap();
    for number in ["2", "1"] {
        store.link_member(&membership(id, number), NOW).await.unwrap();
    }
    let closed = store.memberships(id).await.unwrap().remove(0);
    store.unlink_member(id, closed.id, NOW).await.unwrap();
    let (shop, hotel) = ("shop".into(), "hotel".into());
    store.record_consents(id, &shop, vec![given(id, "email"), given(id, "address")], &json!({}), NOW).await.unwrap();
    let (public, own) = (Sector::public(), Sector("shop.example".to_owned()));
    let sub = store.subject(id, &own, NOW).await.unwrap();
    let other = register(&store).await;
    store.subject(other, &own, NOW).await.unwrap();

    let person = store.person(id, &shop, &own).await.unwrap().unwrap();
    assert_eq!(person.profile, store.profile(id).await.unwrap().unwrap());
    assert_eq!(person.profile.account, store.account(id).await.unwrap().unwrap());
    assert_eq!(person.profile.contacts, store.contacts(id).await.unwrap());
    assert_eq!(person.profile.memberships, store.memberships(id).await.unwrap());
    assert_eq!((person.profile.contacts.len(), person.profile.memberships.len()), (2, 1));
    let names: Vec<_> = person.profile.attributes.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["birthdate", "name"]);
    assert_eq!(person.consents, store.consents(id, &shop).await.unwrap());
    assert_eq!(person.consents.len(), 2);
    assert_eq!(person.acceptances, store.acceptances(id).await.unwrap());
    assert_eq!(person.acceptances.len(), 3);
    assert_eq!(person.subject, Some(sub));
    let elsewhere = store.person(id, &hotel, &public).await.unwrap().unwrap();
    assert_eq!((elsewhere.consents.len(), elsewhere.subject), (0, None));
    assert!(store.person(Random::new().id(NOW), &shop, &own).await.unwrap().is_none());

    store.set_status(id, Status::Erased, NOW).await.unwrap();
    let erased = store.person(id, &shop, &own).await.unwrap().unwrap();
    assert_eq!(erased.profile.account.status, Status::Erased);
    assert!(erased.profile.attributes.is_empty() && erased.profile.contacts.is_empty() && erased.consents.is_empty());
}
