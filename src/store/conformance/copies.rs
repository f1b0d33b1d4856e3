use super::clients::{secret, shop};
use super::{Bench, CROWD, NOW};
use crate::store::Store;
use crate::trips::counted;

async fn name(store: &Store) -> Option<String> {
    store.client(&"shop".into()).await.unwrap().map(|shop| shop.client.client_name.clone())
}

/// What is read, and by how many statements.
async fn named(store: &Store) -> (Option<String>, u32) {
    let (name, trips) = counted(name(store)).await;
    (name, trips.sql)
}

fn is(name: &str, statements: u32) -> (Option<String>, u32) {
    (Some(name.to_owned()), statements)
}

pub(super) async fn a_copy_costs_nothing(bench: Bench) {
    let Some((here, _, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), Some(&secret("a")), NOW).await.unwrap();
    assert_eq!(named(&here).await, is("Shop", 1));
    assert_eq!(named(&here).await, is("Shop", 0));
    clock.advance(1);
    assert_eq!(named(&here).await, is("Shop", 1), "the versions");
    assert_eq!(named(&here).await, is("Shop", 0));
    let copies = [here.client(&"shop".into()).await.unwrap(), here.client(&"shop".into()).await.unwrap()];
    let [first, second] = copies.map(Option::unwrap);
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    // What this process changes it sees at once.
    here.save_client(&shop("New Shop"), None, NOW).await.unwrap();
    assert_eq!(named(&here).await, is("New Shop", 1));
    assert!(here.remove_client(&"shop".into(), NOW).await.unwrap());
    assert_eq!(named(&here).await, (None, 1));
}

pub(super) async fn what_does_not_exist_is_not_kept(store: Bench) {
    store.save_client(&shop("Shop"), None, NOW).await.unwrap();
    name(&store).await.unwrap();
    for _ in 0..2 {
        let ((), trips) = counted(async {
            for id in 0..100_u32 {
                assert!(store.client(&format!("made-up-{id}").as_str().into()).await.unwrap().is_none());
            }
        })
        .await;
        assert_eq!(trips.sql, 100);
    }
    assert_eq!(store.copies.len(), 1);
}

pub(super) async fn other_nodes_see_changes_within_a_second(bench: Bench) {
    let Some((here, there, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), None, NOW).await.unwrap();
    assert_eq!(name(&there).await.unwrap(), "Shop");
    for round in 0..3 {
        let changed = format!("Shop {round}");
        here.save_client(&shop(&changed), None, NOW).await.unwrap();
        assert_eq!(named(&here).await, is(&changed, 1));
        clock.advance(1);
        // The versions, then the row.
        assert_eq!(named(&there).await, is(&changed, 2));
        assert_eq!(named(&there).await, is(&changed, 0));
    }
    // Nobody is found to exist later than a registration.
    let hotel = crate::model::client::Client { id: "hotel".into(), ..shop("Hotel") };
    assert!(there.client(&"hotel".into()).await.unwrap().is_none());
    here.save_client(&hotel, None, NOW).await.unwrap();
    assert!(there.client(&"hotel".into()).await.unwrap().is_some());
}

pub(super) async fn other_nodes_see_removals_and_secrets(bench: Bench) {
    let Some((here, there, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), Some(&secret("a")), NOW).await.unwrap();
    name(&there).await.unwrap();
    assert!(here.rotate_client_secret(&"shop".into(), "b", NOW + 9, NOW + 1).await.unwrap());
    clock.advance(1);
    let hashes = there.client(&"shop".into()).await.unwrap().unwrap().secret_hashes.clone();
    assert_eq!(hashes.iter().map(|hash| hash.sha256.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(here.remove_client(&"shop".into(), NOW).await.unwrap());
    clock.advance(1);
    assert_eq!(name(&there).await, None);
}

pub(super) async fn fifty_who_want_to_know_ask_once(bench: Bench) {
    let Some((here, _, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), None, NOW).await.unwrap();
    name(&here).await.unwrap();
    clock.advance(1);
    let crowd = (0..CROWD).map(|_| {
        let here = here.clone();
        tokio::spawn(async move { named(&here).await })
    });
    let mut statements = 0;
    for one in crowd.collect::<Vec<_>>() {
        let (found, asked) = one.await.unwrap();
        assert_eq!(found.unwrap(), "Shop");
        statements += asked;
    }
    assert_eq!(statements, 1);
}

pub(super) async fn rows_changed_by_hand_are_seen(bench: Bench) {
    let Some((here, there, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), None, NOW).await.unwrap();
    name(&there).await.unwrap();
    let mut link = here.db.write().await.unwrap();
    execute!(&mut link, "UPDATE clients SET metadata = REPLACE(metadata, 'Shop', 'Stall')").unwrap();
    drop(link);
    clock.advance(59);
    assert_eq!(named(&there).await, is("Shop", 1));
    clock.advance(1);
    assert_eq!(named(&there).await, is("Stall", 1));
}

pub(super) async fn a_silent_store_is_not_believed_for_long(bench: Bench) {
    let Some((here, there, clock)) = bench.two_nodes().await else { return };
    here.save_client(&shop("Shop"), None, NOW).await.unwrap();
    name(&there).await.unwrap();
    let mut link = here.db.write().await.unwrap();
    execute!(&mut link, "ALTER TABLE versions RENAME TO lost").unwrap();
    drop(link);
    assert_eq!(named(&there).await, is("Shop", 0));
    clock.advance(1);
    for _ in 0..2 {
        assert!(there.client(&"shop".into()).await.is_err());
    }
    let mut link = here.db.write().await.unwrap();
    execute!(&mut link, "ALTER TABLE lost RENAME TO versions").unwrap();
    drop(link);
    assert_eq!(named(&there).await, is("Shop", 1));
}
