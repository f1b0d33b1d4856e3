use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{
    Bench, CROWD, MASTER, NOW, attribute, email, family, kakao, kinds, membership, nobody, open, refresh, register,
    session,
};
use crate::model::account::Status;
use crate::model::grant::Sector;
use crate::store::{Error, Linked, NewAccount, Opened, Rotation, Store};

/// Lets a crowd do the same thing at the same moment, on two nodes; gives what each came back with.
async fn crowd<T: Send + 'static, F>(store: &Bench, act: impl Fn(Store, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let nodes = [store.store.clone(), store.another_node().await];
    let start = Arc::new(Barrier::new(CROWD));
    let mut tasks = JoinSet::new();
    for index in 0..CROWD {
        let deed = act(nodes[index % 2].clone(), index);
        let start = Arc::clone(&start);
        tasks.spawn(async move {
            start.wait().await;
            deed.await
        });
    }
    tasks.join_all().await
}

fn count<T>(outcomes: &[T], is: impl Fn(&T) -> bool) -> usize {
    outcomes.iter().filter(|outcome| is(outcome)).count()
}

pub(super) async fn one_code_fifty_redemptions(store: Bench) {
    let id = register(&store).await;
    let outcomes = crowd(&store, |store, index| async move {
        let granted = family(id, None, "openid offline_access");
        let token = refresh(u8::try_from(index).unwrap());
        (granted.id, store.open_family(&granted, Some(&[9; 32]), Some(token), NOW).await.unwrap())
    })
    .await;
    assert_eq!(count(&outcomes, |(_, opened)| *opened == Opened::Opened), 1);
    for (family, opened) in outcomes {
        let stored = store.family(family).await.unwrap();
        assert_eq!(stored.is_some(), opened == Opened::Opened);
        assert!(stored.is_none_or(|family| family.revoked_at.is_some()), "reuse revokes what the code gave");
    }
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.revoked"]);
}

pub(super) async fn one_refresh_token_fifty_rotations(store: Bench) {
    for grace in [10, 0] {
        let id = register(&store).await;
        let granted = family(id, None, "openid");
        let first = if grace == 0 { 201 } else { 200 };
        store.open_family(&granted, None, Some(refresh(first)), NOW).await.unwrap();
        let outcomes = crowd(&store, |store, index| async move {
            let mut successor = refresh(u8::try_from(index).unwrap());
            successor.hash[0] = first;
            store.rotate_refresh_token(&[first; 32], successor, &successor.hash, grace, NOW).await.unwrap()
        })
        .await;
        assert_eq!(count(&outcomes, |outcome| *outcome == Rotation::Rotated), 1);
        let sealed = store.refresh_token(&[first; 32]).await.unwrap().unwrap().successor_sealed.unwrap();
        let revoked = store.family(granted.id).await.unwrap().unwrap().revoked_at.is_some();
        if grace == 0 {
            assert_eq!(count(&outcomes, |outcome| *outcome == Rotation::Reused), 1);
            assert_eq!(count(&outcomes, |outcome| *outcome == Rotation::Gone), CROWD - 2);
            assert!(revoked);
        } else {
            let repeated = Rotation::Repeated { sealed };
            assert_eq!(count(&outcomes, |outcome| *outcome == repeated), CROWD - 1, "all get the same successor");
            assert!(!revoked);
        }
    }
}

pub(super) async fn refresh_against_revoke(store: Bench) {
    let id = register(&store).await;
    let granted = family(id, None, "openid");
    store.open_family(&granted, None, Some(refresh(200)), NOW).await.unwrap();
    let family = granted.id;
    let outcomes = crowd(&store, |store, index| async move {
        if index % 10 == 5 {
            return (store.revoke_family(family, NOW).await.unwrap(), None);
        }
        let token = refresh(u8::try_from(index).unwrap());
        (false, Some(store.rotate_refresh_token(&[200; 32], token, &token.hash, 10, NOW).await.unwrap()))
    })
    .await;
    assert_eq!(count(&outcomes, |(revoked, _)| *revoked), 1);
    assert!(store.family(family).await.unwrap().unwrap().revoked_at.is_some());
    for index in 0..CROWD {
        let hash = [u8::try_from(index).unwrap(); 32];
        assert!(!store.use_refresh_token(&hash, NOW).await.unwrap(), "nothing outlives the revocation");
        let later = store.rotate_refresh_token(&hash, refresh(201), &[0], 10, NOW).await.unwrap();
        assert_eq!(later, Rotation::Gone);
    }
    assert_eq!(kinds(&store, id).await[1..], ["grant.created", "grant.revoked"]);
}

pub(super) async fn one_number_fifty_accounts(store: Bench) {
    let mut accounts = Vec::new();
    for _ in 0..CROWD {
        accounts.push(register(&store).await);
    }
    let outcomes = crowd(&store, |store, index| {
        let account = accounts[index];
        async move { (account, store.link_member(&membership(account, "1"), NOW).await.unwrap()) }
    })
    .await;
    let winners: Vec<_> = outcomes.iter().filter(|(_, it)| matches!(it, Linked::Linked(_))).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].0;
    assert_eq!(count(&outcomes, |(_, outcome)| *outcome == Linked::TakenBy(winner)), CROWD - 1);
    let holder = store.active_member(&"skyway".into(), "1").await.unwrap();
    assert_eq!(holder.map(|(account, _)| account), Some(winner));
}

pub(super) async fn one_identity_fifty_registrations(store: Bench) {
    let outcomes = crowd(&store, |store, _| async move {
        store.register_account(NewAccount { identity: Some(kakao("1")), ..nobody() }, NOW).await
    })
    .await;
    assert_one_winner(&store, &outcomes, "identity").await;
}

pub(super) async fn one_contact_fifty_registrations(store: Bench) {
    let outcomes = crowd(&store, |store, _| async move {
        let contact = Some(email("mina@example.com", true));
        store.register_account(NewAccount { contact, ..nobody() }, NOW).await
    })
    .await;
    assert_one_winner(&store, &outcomes, "contact").await;
}

async fn assert_one_winner<T>(store: &Store, outcomes: &[Result<T, Error>], name: &str) {
    assert_eq!(count(outcomes, Result::is_ok), 1);
    let lost = count(outcomes, |it| matches!(it, Err(Error::Conflict(taken)) if *taken == name));
    assert_eq!(lost, CROWD - 1);
    let told = store.events(None, None, 100).await.unwrap();
    assert_eq!(told.iter().filter(|event| event.kind == "account.created").count(), 1);
}

pub(super) async fn one_subject_fifty_requests(store: Bench) {
    let id = register(&store).await;
    let sector = Sector("shop.example".to_owned());
    let subjects = crowd(&store, |store, _| {
        let sector = sector.clone();
        async move { store.subject(id, &sector, NOW).await.unwrap() }
    })
    .await;
    assert!(subjects.iter().all(|subject| *subject == subjects[0]));
    assert_eq!(store.resolve_subject(&sector, &subjects[0].0).await.unwrap(), Some(id));
}

pub(super) async fn events_of_one_account(store: Bench) {
    let id = register(&store).await;
    crowd(&store, |store, index| async move {
        let name = format!("claim{}", index % 3);
        match index % 4 {
            0 => store.set_password(id, &"$x".into(), NOW).await.unwrap(),
            1 => drop(store.open_family(&family(id, None, "openid"), None, None, NOW).await.unwrap()),
            2 => drop(store.link_member(&membership(id, &index.to_string()), NOW).await.unwrap()),
            _ => store.put_attributes(id, vec![attribute(&name, json!(index))], NOW).await.unwrap(),
        }
    })
    .await;
    // One event of each deed and one change of stage; `kinds` fails on a gap.
    assert_eq!(kinds(&store, id).await.len(), 1 + CROWD + 1);
}

/// Whoever comes first: no family outlives the session it came from.
pub(super) async fn grants_against_the_end_of_their_session(store: Bench) {
    for way in 0..3 {
        let id = register(&store).await;
        let browser = session(id);
        store.start_session(&browser, &[1; 32], None, NOW).await.unwrap();
        let outcomes = crowd(&store, |store, index| async move {
            if index == CROWD / 2 {
                match way {
                    0 => assert!(store.end_session(id, browser.id, NOW).await.unwrap()),
                    1 => assert_eq!(store.end_sessions(id, None, NOW).await.unwrap(), [browser.id]),
                    _ => store.set_status(id, Status::Suspended, NOW).await.unwrap(),
                }
                return None;
            }
            let granted = family(id, Some(browser.id), "openid");
            let opened = store.open_family(&granted, None, None, NOW).await;
            assert!(matches!(opened, Ok(Opened::Opened) | Err(Error::Conflict("session" | "account"))));
            Some(granted.id)
        })
        .await;
        for granted in outcomes.into_iter().flatten() {
            let found = store.family(granted).await.unwrap();
            assert!(found.is_none_or(|family| family.revoked_at.is_some()));
        }
        kinds(&store, id).await;
    }
}

pub(super) async fn first_use_of_the_root(store: Bench) {
    if store.settings.url.expose() == "sqlite::memory:" {
        return;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let settings = store.settings.clone();
        tasks.spawn(async move {
            let node = open(&settings, vec![MASTER]).await;
            node.root().await.unwrap().blind_index("label", "value")
        });
    }
    let indexes = tasks.join_all().await;
    assert!(indexes.iter().all(|index| *index == indexes[0]));
}
