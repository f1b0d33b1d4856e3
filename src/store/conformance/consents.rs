use serde_json::json;

use super::grants::given;
use super::{Bench, NOW, family, kinds, register};
use crate::model::account::Status;
use crate::model::consent::{Consent, Decision};

pub(super) async fn answers_and_ledger(store: Bench) {
    let id = register(&store).await;
    let shop = "shop".into();
    let declined = Consent { decision: Decision::Declined, ..given(id, "phone_number") };
    let answers = vec![given(id, "email"), declined.clone()];
    store.record_consents(id, &shop, answers.clone(), &json!({ "page": "consent" }), NOW).await.unwrap();
    store.record_consents(id, &shop, Vec::new(), &json!({}), NOW).await.unwrap();
    assert_eq!(store.consents(id, &shop).await.unwrap(), answers);
    assert_eq!(store.all_consents(id).await.unwrap(), answers);
    assert!(store.consents(id, &"hotel".into()).await.unwrap().is_empty());
    assert!(store.withdraw_consent(id, &shop, ("email", "email"), NOW + 1).await.unwrap());
    assert!(!store.withdraw_consent(id, &shop, ("email", "email"), NOW + 2).await.unwrap());
    assert!(!store.withdraw_consent(id, &shop, ("email", "phone_number"), NOW + 2).await.unwrap());
    let now_withdrawn = &store.consents(id, &shop).await.unwrap()[0];
    assert_eq!((now_withdrawn.decision, now_withdrawn.decided_at), (Decision::Withdrawn, NOW + 1));
    let again = Consent { decided_at: NOW + 3, ..given(id, "email") };
    store.record_consents(id, &shop, vec![again.clone()], &json!({}), NOW + 3).await.unwrap();
    assert_eq!(store.consents(id, &shop).await.unwrap(), [again, declined]);

    let ledger = store.consent_events(id).await.unwrap();
    assert_eq!(ledger.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(ledger[0].evidence, json!({ "page": "consent" }));
    assert_eq!((ledger[0].answers.len(), ledger[1].answers[0].decision), (2, Decision::Withdrawn));
    assert!(store.verify_consent_chain(id).await.unwrap());
    assert_eq!(kinds(&store, id).await[1..], ["consent.given", "consent.withdrawn", "consent.given"]);
    let told = &store.events(Some(id), None, 10).await.unwrap()[1].data;
    assert_eq!(told["consents"].as_array().unwrap().len(), 1, "a refusal is nobody's news");
    store.set_status(id, Status::Erased, NOW + 4).await.unwrap();
    assert!(store.verify_consent_chain(id).await.unwrap(), "the chain outlives the account's key");
    assert!(store.consent_events(id).await.unwrap()[0].evidence.is_null());
}

pub(super) async fn a_tampered_ledger_is_noticed(store: Bench) {
    let id = register(&store).await;
    for claim in ["email", "name", "phone_number"] {
        store.record_consents(id, &"shop".into(), vec![given(id, claim)], &json!({}), NOW).await.unwrap();
    }
    assert!(store.verify_consent_chain(id).await.unwrap());
    for tampering in [
        "UPDATE consent_events SET client = 'rogue' WHERE sequence = 1",
        "UPDATE consent_events SET client = 'shop' WHERE sequence = 1; DELETE FROM consent_events WHERE sequence = 3",
        "UPDATE accounts SET ledger_sequence = 2",
    ] {
        let mut link = store.db.write().await.unwrap();
        link.script(tampering).await.unwrap();
        drop(link);
        assert!(!store.verify_consent_chain(id).await.unwrap(), "{tampering}");
    }
}

pub(super) async fn connected_apps(store: Bench) {
    let id = register(&store).await;
    assert!(store.connected_apps(id).await.unwrap().is_empty());
    for (scope, later) in [("openid", 0), ("openid email", 5)] {
        let mut granted = family(id, None, scope);
        granted.created_at = NOW + later;
        store.open_family(&granted, None, None, NOW + later).await.unwrap();
    }
    let mut hotel = family(id, None, "openid");
    (hotel.client, hotel.created_at) = ("hotel".into(), NOW + 9);
    store.open_family(&hotel, None, None, NOW + 9).await.unwrap();
    let apps = store.connected_apps(id).await.unwrap();
    assert_eq!(apps.iter().map(|app| app.client.as_str()).collect::<Vec<_>>(), ["hotel", "shop"]);
    assert_eq!((apps[1].since, apps[1].last_used), (NOW, NOW + 5));
    assert_eq!(apps[1].scope.iter().map(String::as_str).collect::<Vec<_>>(), ["email", "openid"]);
    store.revoke_family(hotel.id, NOW).await.unwrap();
    assert_eq!(store.connected_apps(id).await.unwrap().len(), 1);
}
