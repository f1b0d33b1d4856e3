use serde_json::json;

use super::grants::given;
use super::keys::key;
use super::{Bench, NOW, attribute, email, family, kakao, membership, nobody, refresh, session};
use crate::model::contact::ContactKind::Phone;
use crate::model::identity::UpstreamTokens;
use crate::model::{Secret, UnixTime};
use crate::store::db::Link;
use crate::store::{NewAccount, NewIdentity, Store};

const CANARIES: [&str; 12] = [
    "canary-mail@example.com",
    "+821099998888",
    "Canary Mina",
    "canary-upstream-subject",
    "canary-label",
    "canary-access-token",
    "canary-password-hash",
    "canary-user-agent",
    "canary-number-0012345674",
    "canary-tier",
    "canary-evidence",
    "canary-private-key",
];

pub(super) async fn no_personal_value_in_the_clear(store: Bench) {
    fill(&store).await;
    let dump = dump(&store).await;
    let names: &[u8] = b"kakao";
    assert!(contains(&dump, names), "the dump shows what is stored in the clear");
    for canary in CANARIES {
        assert!(!contains(&dump, canary.as_bytes()), "{canary}");
        let hex: Vec<String> = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!contains(&dump, hex.concat().as_bytes()), "{canary} in hexadecimal");
    }
}

async fn fill(store: &Store) {
    let tokens = UpstreamTokens { access_token: Some(Secret::from("canary-access-token")), ..Default::default() };
    let new = NewAccount {
        contact: Some(email("canary-mail@example.com", true)),
        identity: Some(NewIdentity {
            label: Some("canary-label".to_owned()),
            tokens: Some(tokens),
            ..kakao("canary-upstream-subject")
        }),
        password_hash: Some(Secret::from("canary-password-hash")),
        attributes: vec![attribute("name", json!("Canary Mina"))],
        ..nobody()
    };
    let id = store.register_account(new, NOW).await.unwrap();
    store.claim_contact(id, Phone, "+821099998888", NOW).await.unwrap();
    let mut browser = session(id);
    browser.user_agent = "canary-user-agent".to_owned();
    store.start_session(&browser, &[1; 32], None, NOW).await.unwrap();
    let mut granted = family(id, Some(browser.id), "openid email");
    granted.claims = Some(json!({ "userinfo": { "email": { "value": "canary-mail@example.com" } } }).to_string());
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    let mut member = membership(id, "canary-number-0012345674");
    member.facts.tier = Some("canary-tier".to_owned());
    store.link_member(&member, NOW).await.unwrap();
    member.facts.as_of = Some(UnixTime(NOW.0 + 1));
    let linked = store.memberships(id).await.unwrap()[0].id;
    store.put_member_facts(linked, &member.facts, NOW).await.unwrap();
    let evidence = json!({ "ip": "canary-evidence" });
    store.record_consents(id, &"shop".into(), vec![given(id, "email")], &evidence, NOW).await.unwrap();
    let mut signing = key("kid", 0);
    signing.pkcs8 = Secret::new(b"canary-private-key".to_vec());
    store.add_signing_key(&signing, store.keys_version().await.unwrap()).await.unwrap();
    store.remove_contact(id, store.contacts(id).await.unwrap()[0].id, NOW).await.unwrap();
}

/// Everything there is: the pages of SQLite's files, or every row of PostgreSQL as text.
async fn dump(store: &Bench) -> Vec<u8> {
    if let Some(file) = &store.file {
        let mut bytes = std::fs::read(file).unwrap();
        bytes.extend(std::fs::read(file.with_extension("sqlite-wal")).unwrap());
        return bytes;
    }
    let mut link = store.db.read().await.unwrap();
    match &mut link {
        Link::Sqlite(link) => link.connection().unwrap().serialize("main").unwrap().to_vec(),
        Link::Postgres(link) => {
            let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(link.connection()).await.unwrap();
            assert!(tables.len() > 20);
            let mut text = String::new();
            for table in tables {
                let sql = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
                let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(link.connection()).await.unwrap();
                text.extend(rows);
            }
            text.into_bytes()
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
