use serde_json::json;

use super::{Bench, NOW, family, kinds, refresh, register};
use crate::model::account::Status;
use crate::model::consent::{Consent, Decision};
use crate::model::grant::Sector;
use crate::model::{AccountId, FamilyId, Random};
use crate::store::{NewRefresh, Opened, Rotation};

pub(super) async fn open_and_read(store: Bench) {
    let id = register(&store).await;
    let granted = family(id, None, "openid email offline_access");
    assert_eq!(store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap(), Opened::Opened);
    assert_eq!(store.family(granted.id).await.unwrap().unwrap(), granted);
    let record = store.refresh_token(&[1; 32]).await.unwrap().unwrap();
    let (same, person) = store.refresh_grant(&[1; 32], &"shop".into(), &Sector::public()).await.unwrap().unwrap();
    assert_eq!((same, person.profile.account.id), (record.clone(), id));
    assert!(store.refresh_grant(&[2; 32], &"shop".into(), &Sector::public()).await.unwrap().is_none());
    assert_eq!((record.family, record.account_status), (granted, Status::Active));
    assert_eq!((record.hash, record.expires_at, record.used_at), ([1; 32], NOW + 1000, None));
    assert!(store.refresh_token(&[2; 32]).await.unwrap().is_none());
    assert!(store.family(Random::new().id(NOW)).await.unwrap().is_none());
    let mut plain = family(id, None, "openid");
    (plain.claims, plain.nonce) = (None, None);
    store.open_family(&plain, None, None, NOW).await.unwrap();
    assert_eq!(store.family(plain.id).await.unwrap().unwrap(), plain);
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.created"]);
}

pub(super) async fn a_code_opens_one_family(store: Bench) {
    let id = register(&store).await;
    let (first, second) = (family(id, None, "openid"), family(id, None, "openid"));
    store.open_family(&first, Some(&[9; 32]), Some(refresh(1)), NOW).await.unwrap();
    for later in 1..3 {
        let outcome = store.open_family(&second, Some(&[9; 32]), Some(refresh(2)), NOW + later).await.unwrap();
        assert_eq!(outcome, Opened::CodeReused);
    }
    assert_eq!(store.family(first.id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    assert!(store.family(second.id).await.unwrap().is_none());
    assert!(store.refresh_token(&[2; 32]).await.unwrap().is_none());
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.revoked"]);
}

pub(super) async fn rotation(store: Bench) {
    let id = register(&store).await;
    let granted = family(id, None, "openid offline_access");
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    let rotate =
        async |from: u8, to: u8, at| store.rotate_refresh_token(&[from; 32], refresh(to), &[to], 10, at).await.unwrap();
    assert_eq!(rotate(7, 8, NOW).await, Rotation::Gone, "unknown");
    assert_eq!(rotate(1, 2, NOW + 1).await, Rotation::Rotated);
    let used = store.refresh_token(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((used.used_at, used.successor_sealed), (Some(NOW + 1), Some(vec![2])));
    // The answer was lost: the same successor again, never a second one.
    assert_eq!(rotate(1, 3, NOW + 10).await, Rotation::Repeated { sealed: vec![2] });
    assert!(store.refresh_token(&[3; 32]).await.unwrap().is_none());
    assert_eq!(rotate(1, 3, NOW + 11).await, Rotation::Reused, "the grace is over");
    assert_eq!(store.family(granted.id).await.unwrap().unwrap().revoked_at, Some(NOW + 11));
    assert_eq!(rotate(2, 4, NOW + 11).await, Rotation::Gone, "the successor went with its family");
    assert_eq!(rotate(1, 4, NOW + 12).await, Rotation::Gone);
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.revoked"]);
}

pub(super) async fn grace_ends_with_the_successors_use(store: Bench) {
    let id = register(&store).await;
    store.open_family(&family(id, None, "openid"), None, Some(refresh(1)), NOW).await.unwrap();
    let rotate = async |from: u8, to: u8| {
        store.rotate_refresh_token(&[from; 32], refresh(to), &[to], 10, NOW + 1).await.unwrap()
    };
    assert_eq!(rotate(1, 2).await, Rotation::Rotated);
    assert_eq!(rotate(2, 3).await, Rotation::Rotated);
    assert_eq!(rotate(1, 4).await, Rotation::Reused, "whoever holds the successor cannot have lost it");
    assert_eq!(rotate(3, 4).await, Rotation::Gone);

    store.open_family(&family(id, None, "openid"), None, Some(refresh(5)), NOW).await.unwrap();
    let strict =
        async |from: u8, to: u8| store.rotate_refresh_token(&[from; 32], refresh(to), &[to], 0, NOW).await.unwrap();
    assert_eq!(strict(5, 6).await, Rotation::Rotated);
    assert_eq!(strict(5, 7).await, Rotation::Reused, "no grace at all");
}

pub(super) async fn expiry_and_idling(store: Bench) {
    let id = register(&store).await;
    let idling = |byte| NewRefresh { idle_seconds: Some(100), ..refresh(byte) };
    let rotate =
        async |from: u8, to: u8, at| store.rotate_refresh_token(&[from; 32], idling(to), &[to], 10, at).await.unwrap();
    store.open_family(&family(id, None, "openid"), None, Some(idling(1)), NOW).await.unwrap();
    assert_eq!(store.refresh_token(&[1; 32]).await.unwrap().unwrap().expires_at, NOW + 100);
    assert_eq!(rotate(1, 2, NOW + 99).await, Rotation::Rotated);
    for idle_end in [
        store.refresh_token(&[2; 32]).await.unwrap().unwrap(),
        store.refresh_grant(&[2; 32], &"shop".into(), &Sector::public()).await.unwrap().unwrap().0,
    ] {
        assert_eq!(idle_end.expires_at, NOW + 199);
    }
    assert_eq!(rotate(2, 3, NOW + 199).await, Rotation::Gone, "idled away");
    let granted = family(id, None, "openid");
    store.open_family(&granted, None, Some(refresh(4)), NOW).await.unwrap();
    assert_eq!(rotate(4, 5, NOW + 1000).await, Rotation::Gone, "expired");
    assert_eq!(rotate(4, 5, NOW + 999).await, Rotation::Rotated);
    assert_eq!(rotate(4, 6, NOW + 1000).await, Rotation::Gone, "expired after use: no theft to tell");
    assert!(store.family(granted.id).await.unwrap().unwrap().revoked_at.is_none());
}

pub(super) async fn tokens_that_do_not_rotate(store: Bench) {
    let id = register(&store).await;
    let idling = NewRefresh { idle_seconds: Some(100), ..refresh(1) };
    let granted = family(id, None, "openid");
    store.open_family(&granted, None, Some(idling), NOW).await.unwrap();
    assert!(store.use_refresh_token(&[1; 32], NOW + 99).await.unwrap());
    assert!(store.use_refresh_token(&[1; 32], NOW + 198).await.unwrap());
    assert!(!store.use_refresh_token(&[1; 32], NOW + 298).await.unwrap(), "idled away");
    assert!(!store.use_refresh_token(&[2; 32], NOW).await.unwrap());
    store.open_family(&family(id, None, "openid"), None, Some(refresh(3)), NOW).await.unwrap();
    assert!(!store.use_refresh_token(&[3; 32], NOW + 1000).await.unwrap(), "expired");
    assert!(store.use_refresh_token(&[3; 32], NOW + 999).await.unwrap());
    assert!(store.revoke_refresh_token(&[3; 32], NOW).await.unwrap());
    assert!(!store.use_refresh_token(&[3; 32], NOW).await.unwrap(), "revoked");
    store.open_family(&family(id, None, "openid"), None, Some(refresh(4)), NOW).await.unwrap();
    store.rotate_refresh_token(&[4; 32], refresh(5), &[5], 10, NOW).await.unwrap();
    assert!(!store.use_refresh_token(&[4; 32], NOW).await.unwrap(), "used up");
}

pub(super) async fn status_of_access_tokens(store: Bench) {
    let id = register(&store).await;
    let granted = family(id, None, "openid");
    let live = async |family: FamilyId, jti: &str| store.live_grant(family, jti, &"shop".into()).await.unwrap();
    store.open_family(&granted, None, None, NOW).await.unwrap();
    let (found, person) = live(granted.id, "a").await.unwrap();
    assert_eq!((found, person.profile.account.id), (granted.clone(), id));
    assert!(store.live_grant(granted.id, "a", &"hotel".into()).await.unwrap().is_none(), "it is another's");
    store.revoke_token("a", NOW + 60).await.unwrap();
    store.revoke_token("a", NOW + 60).await.unwrap();
    assert!(live(granted.id, "a").await.is_none());
    assert!(live(granted.id, "b").await.is_some());
    assert!(live(Random::new().id(NOW), "b").await.is_none());
    assert!(store.revoke_family(granted.id, NOW + 1).await.unwrap());
    assert!(live(granted.id, "b").await.is_none());
    let other = family(id, None, "openid");
    store.open_family(&other, None, None, NOW).await.unwrap();
    store.set_status(id, Status::Suspended, NOW).await.unwrap();
    assert!(live(other.id, "b").await.is_none());
}

pub(super) async fn revocation(store: Bench) {
    let id = register(&store).await;
    let granted = family(id, None, "openid");
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    assert!(!store.revoke_refresh_token(&[2; 32], NOW).await.unwrap());
    assert!(store.revoke_refresh_token(&[1; 32], NOW).await.unwrap());
    assert!(!store.revoke_refresh_token(&[1; 32], NOW).await.unwrap());
    assert!(!store.revoke_family(granted.id, NOW).await.unwrap());
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.revoked"]);
}

pub(super) async fn a_grant_goes_with_its_consents(store: Bench) {
    let id = register(&store).await;
    let (shop, hotel) = ("shop".into(), "hotel".into());
    assert!(!store.revoke_grant(id, &shop, NOW).await.unwrap());
    let mut elsewhere = family(id, None, "openid");
    elsewhere.client = hotel;
    let granted = [family(id, None, "openid"), family(id, None, "openid offline_access")];
    for it in granted.iter().chain([&elsewhere]) {
        store.open_family(it, None, None, NOW).await.unwrap();
    }
    store.record_consents(id, &shop, vec![given(id, "email")], &json!({}), NOW).await.unwrap();
    assert!(store.revoke_grant(id, &shop, NOW + 1).await.unwrap());
    for it in &granted {
        assert_eq!(store.family(it.id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    }
    assert!(store.family(elsewhere.id).await.unwrap().unwrap().revoked_at.is_none());
    assert!(store.consents(id, &shop).await.unwrap().is_empty());
    let ledger = store.consent_events(id).await.unwrap();
    assert_eq!(ledger[1].answers[0].decision, Decision::Withdrawn);
    assert!(store.verify_consent_chain(id).await.unwrap());
    assert_eq!(kinds(&store, id).await.last().unwrap(), "grant.revoked");
}

pub(in crate::store) fn given(account: AccountId, claim: &str) -> Consent {
    Consent {
        account,
        client: "shop".into(),
        scope: "email".to_owned(),
        claim: claim.to_owned(),
        purpose: "orders".to_owned(),
        purpose_version: 2,
        decision: Decision::Given,
        decided_at: NOW,
        expires_at: Some(NOW + 100),
    }
}
