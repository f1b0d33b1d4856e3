use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Bench, MASTER, NOW, email, kinds, nobody, open, register};
use crate::model::contact::ContactKind::Email;
use crate::store::{DatabaseSettings, Durability, Error, NewAccount};

row!(NameRow { name: String });

/// Does what a migration may do: more columns everywhere, one more table.
pub(super) async fn migrate_further(store: &crate::store::Store) {
    let mut link = store.db.write().await.unwrap();
    let tables = fetch_all!(
        &mut link,
        NameRow,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'comity_migrations'"
    )
    .unwrap();
    assert!(tables.len() > 20);
    let columns = tables.iter().map(|NameRow { name }| {
        format!(
            "ALTER TABLE {name} ADD COLUMN later TEXT;\n\
             ALTER TABLE {name} ADD COLUMN later_still INTEGER NOT NULL DEFAULT 7;\n"
        )
    });
    let rest = "CREATE TABLE later (id BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;\n\
        INSERT INTO versions (name, value) VALUES ('later', 1);\n\
        INSERT INTO comity_migrations (version, checksum) VALUES (1000, x'00');\n";
    let script = columns.collect::<String>() + rest;
    let crate::store::db::Link::Sqlite(mut link) = link else { panic!("this engine is SQLite") };
    link.script(&script).await.unwrap();
}

pub(super) async fn nodes_migrate_together(store: Bench) {
    if store.settings.url.expose() == "sqlite::memory:" {
        return store.migrate().await.unwrap();
    }
    let mut link = store.db.write().await.unwrap();
    let script = "DROP TABLE known_browsers; DROP TABLE outbox; DROP TABLE feed_cursors; DROP TABLE link_notices; \
        DROP TABLE memberships; DROP TABLE signing_keys; DROP TABLE consent_events; \
        DROP TABLE consents; DROP TABLE revoked_tokens; DROP TABLE refresh_tokens; \
        DROP TABLE families; DROP TABLE subjects; DROP TABLE client_secrets; \
        DROP TABLE clients; DROP TABLE sessions; DROP TABLE identities; \
        DROP TABLE passwords; DROP TABLE contacts; DROP TABLE acceptances; \
        DROP TABLE attributes; DROP TABLE accounts; DROP TABLE versions; \
        DROP TABLE system_secrets; DROP TABLE comity_migrations";
    link.script(script).await.unwrap();
    drop(link);
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let settings = store.settings.clone();
        nodes.spawn(async move {
            let node = open(&settings, vec![MASTER]).await;
            node.migrate().await.unwrap();
            register(&node).await
        });
    }
    assert_eq!(nodes.join_all().await.len(), 8);
    assert_eq!(store.events(None, None, 100).await.unwrap().len(), 8);
}

pub(super) async fn ping_needs_a_schema(store: Bench) {
    store.ping().await.unwrap();
    let empty = open(&DatabaseSettings::new("sqlite::memory:"), vec![MASTER]).await;
    assert!(empty.ping().await.is_err());
    let full = DatabaseSettings { durability: Durability::Full, ..store.settings.clone() };
    let full = open(&full, vec![MASTER]).await;
    full.migrate().await.unwrap();
    full.ping().await.unwrap();
    full.close().await;
    let nowhere =
        DatabaseSettings { acquire_timeout_seconds: 2, ..DatabaseSettings::new("postgres://u@127.0.0.1:1/d") };
    assert!(matches!(open(&nowhere, vec![MASTER]).await.ping().await, Err(Error::Unavailable(_))));
    for url in ["mysql://x", "comity.sqlite", ""] {
        let vault = crate::store::Vault::new(vec![MASTER.into()]).unwrap();
        let opened = crate::store::Store::open(&DatabaseSettings::new(url), vault, crate::model::Random::new()).await;
        assert!(matches!(opened, Err(Error::Fault(_))), "{url}");
    }
}

pub(super) async fn a_changed_migration_is_refused(store: Bench) {
    store.migrate().await.unwrap();
    let mut link = store.db.write().await.unwrap();
    let later = "INSERT INTO comity_migrations (version, checksum) VALUES (999, $1)";
    execute!(&mut link, later, b"x".as_slice()).unwrap();
    drop(link);
    store.migrate().await.unwrap();
    let mut link = store.db.write().await.unwrap();
    execute!(&mut link, "UPDATE comity_migrations SET checksum = $1 WHERE version = 1", b"x".as_slice()).unwrap();
    drop(link);
    assert!(matches!(store.migrate().await, Err(Error::Fault(_))));
}

/// A caller may go away at any moment: its transaction must go with it, and the connection stay usable.
pub(super) async fn a_cancelled_unit_leaves_nothing_behind(store: Bench) {
    let id = register(&store).await;
    for patience in 0..60 {
        let value = format!("{patience}@example.com");
        let new = NewAccount { contact: Some(email(&value, true)), ..nobody() };
        let _ = timeout(Duration::from_micros(patience * 40), store.register_account(new, NOW)).await;
        store.set_password(id, &"$x".into(), NOW).await.unwrap();
        let owners = store.verified_owners(Email, &value).await.unwrap();
        for owner in owners {
            assert_eq!(kinds(&store, owner).await, ["account.created"]);
        }
    }
    assert_eq!(kinds(&store, id).await.len(), 61);
}
