//! A replica that is behind shows nobody a login, a token or a consent that has ended.

use serde_json::json;

use super::{at_last, migrated, wait};
use crate::model::account::Status;
use crate::model::consent::Decision;
use crate::model::{AccountId, Secret};
use crate::store::conformance::{NOW, family, given, kinds, refresh, register, session};
use crate::store::private_postgres::Pair;
use crate::store::{DatabaseSettings, Store};

async fn with_replica() -> Option<(Store, Pair)> {
    let pair = wait(Pair::start)?;
    let replica_url = Some(Secret::new(Pair::url_of(&pair.standby)));
    let settings = DatabaseSettings { replica_url, ..DatabaseSettings::new(Pair::url_of(&pair.primary)) };
    Some((migrated(&settings).await, pair))
}

/// The events that a replica knows of.
async fn past(store: &Store, account: AccountId) -> Vec<String> {
    let events = store.lagging().events(Some(account), None, 1000).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_decides_is_never_read_from_a_replica() {
    let Some((store, pair)) = with_replica().await else { return };
    let account = register(&store).await;
    let (login, granted) = (session(account), family(account, None, "openid"));
    let shop = "shop".into();
    store.start_session(&login, &[1; 32], None, NOW).await.unwrap();
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    store.record_consents(account, &shop, vec![given(account, "email")], &json!({}), NOW).await.unwrap();
    wait(|| {
        pair.catch_up();
        pair.pause_replay();
    });
    let before = past(&store, account).await;
    assert_eq!(kinds(&store, account).await, before);

    store.end_session(account, login.id, NOW).await.unwrap();
    assert!(store.session(&[1; 32], NOW).await.unwrap().is_none());
    assert!(store.session_by_id(login.id, NOW).await.unwrap().is_none());
    assert!(store.sessions(account, NOW).await.unwrap().is_empty());
    store.withdraw_consent(account, &shop, ("email", "email"), NOW).await.unwrap();
    assert_eq!(store.consents(account, &shop).await.unwrap()[0].decision, Decision::Withdrawn);
    store.revoke_family(granted.id, NOW).await.unwrap();
    assert!(store.family(granted.id).await.unwrap().unwrap().revoked_at.is_some());
    assert!(store.live_grant(granted.id, "j", &shop).await.unwrap().is_none());
    assert!(store.refresh_token(&[1; 32]).await.unwrap().unwrap().family.revoked_at.is_some());
    store.set_status(account, Status::Suspended, NOW).await.unwrap();
    assert_eq!(store.account(account).await.unwrap().unwrap().status, Status::Suspended);

    assert_eq!(past(&store, account).await, before, "who allows it sees the past");
    assert!(kinds(&store, account).await.len() > before.len());
    wait(|| pair.resume_replay());
    let all = kinds(&store, account).await;
    at_last(async || if past(&store, account).await == all { Ok(()) } else { Err("behind") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_lost_is_done_without() {
    let Some((store, mut pair)) = with_replica().await else { return };
    let account = register(&store).await;
    wait(|| pair.catch_up());
    assert_eq!(past(&store, account).await, ["account.created"]);
    wait(|| {
        pair.primary.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
        pair.primary.sql("postgres", "SELECT pg_reload_conf()");
        pair.standby.kill();
    });
    // A connection that was open when the replica died may cost one attempt.
    at_last(async || store.lagging().events(Some(account), None, 10).await).await;
    assert_eq!(past(&store, account).await, ["account.created"], "the primary answers");
    wait(|| pair.standby.start_again());
    at_last(async || {
        past(&store, account).await;
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'comity'";
        if wait(|| pair.standby.sql("comity", asked)) == "0" { Err("not used again") } else { Ok(()) }
    })
    .await;
}
