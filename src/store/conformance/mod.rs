//! What the store promises, tried on every database: each topic is a plain function over a fresh store, each runs on
//! SQLite in memory, SQLite in a file, where it is installed PostgreSQL, serializable as well, and a schema of the release
//! to come.

use std::ops::Deref;
use std::path::PathBuf;

use serde_json::json;

use super::private_postgres::PrivatePostgres;
use super::{
    DatabaseSettings, Durability, Isolation, NewAccount, NewContact, NewIdentity, NewMembership, Store, Vault,
};
use crate::model::account::{Attribute, Stage, Verification};
use crate::model::contact::ContactKind;
use crate::model::grant::Family;
use crate::model::identity::IdentityKey;
use crate::model::member::{MemberFacts, Proof, ProofLevel};
use crate::model::session::{Authentication, Session};
use crate::model::{AccountId, Clock, Locale, Random, Secret, SessionId, UnixTime};

mod accounts;
mod clients;
mod consents;
mod contacts;
mod copies;
mod grants;
mod keys;
mod link_notices;
mod logins;
mod members;
mod opening;
mod person;
mod plans;
mod races;
mod secrecy;
mod sessions;
mod upkeep;

pub(super) use self::grants::given;

pub(super) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(super) const MASTER: [u8; 32] = [7; 32];

/// Contenders in every race.
pub(super) const CROWD: usize = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    SqliteInMemory,
    SqliteFile,
    /// A file, and commits that several units of work share and that wait for the disk.
    SqliteFlushed,
    Postgres,
    /// A schema the next release has migrated already, as while nodes are replaced one after the other.
    NextSchema,
    /// As engines behave that keep transactions apart by aborting them.
    PostgresSerializable,
}

/// A fresh, migrated store, and where its file is, if it has one.
pub(super) struct Bench {
    pub(super) store: Store,
    pub(super) settings: DatabaseSettings,
    pub(super) file: Option<PathBuf>,
    _folder: tempfile::TempDir,
}

impl Deref for Bench {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Bench {
    async fn new(engine: Engine) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data").join("comity.sqlite");
        let (url, file) = match engine {
            Engine::SqliteInMemory | Engine::NextSchema => ("sqlite::memory:".to_owned(), None),
            Engine::SqliteFile | Engine::SqliteFlushed => (format!("sqlite:{}", file.display()), Some(file)),
            Engine::Postgres | Engine::PostgresSerializable => {
                let cluster = tokio::task::spawn_blocking(PrivatePostgres::shared).await.unwrap()?;
                (tokio::task::spawn_blocking(|| cluster.create_database()).await.unwrap(), None)
            }
        };
        let isolation = match engine {
            Engine::PostgresSerializable => Isolation::Serializable,
            _ => Isolation::ReadCommitted,
        };
        let durability = if engine == Engine::SqliteFlushed { Durability::Full } else { Durability::Normal };
        let acquire_timeout_seconds = 60;
        let settings =
            DatabaseSettings { isolation, acquire_timeout_seconds, durability, ..DatabaseSettings::new(url) };
        let store = open(&settings, vec![MASTER]).await;
        store.migrate().await.unwrap();
        if matches!(engine, Engine::NextSchema) {
            opening::migrate_further(&store).await;
            store.migrate().await.unwrap();
        }
        Some(Self { store, settings, file, _folder: folder })
    }

    /// The store of another node, on the same database unless that is in memory.
    pub(super) async fn another_node(&self) -> Store {
        if self.settings.url.expose() == "sqlite::memory:" {
            return self.store.clone();
        }
        open(&self.settings, vec![MASTER]).await
    }

    /// Two nodes on the same database, whose sense of time is the test's; `None` where that is in memory.
    pub(super) async fn two_nodes(&self) -> Option<(Store, Store, Clock)> {
        if self.settings.url.expose() == "sqlite::memory:" {
            return None;
        }
        let clock = Clock::manual(NOW);
        let [here, there] = [(); 2].map(|()| open(&self.settings, vec![MASTER]));
        Some((here.await.with_clock(clock.clone()), there.await.with_clock(clock.clone()), clock))
    }
}

pub(super) async fn open(settings: &DatabaseSettings, keys: Vec<[u8; 32]>) -> Store {
    let vault = Vault::new(keys.into_iter().map(Secret::new).collect()).unwrap();
    Store::open(settings, vault, Random::new()).await.unwrap()
}

async fn run<F: Future<Output = ()>>(engine: Engine, topic: impl FnOnce(Bench) -> F) {
    if let Some(bench) = Bench::new(engine).await {
        topic(bench).await;
    }
}

macro_rules! conformance {
    (@engine $module:ident, $engine:ident, $($topic:ident: $($name:ident),+;)+) => {
        mod $module {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    use crate::store::conformance::{Engine, run, $topic};
                    run(Engine::$engine, $topic::$name).await;
                })+
            })+
        }
    };
    ($($topic:ident: $($name:ident),+;)+) => {
        conformance!(@engine sqlite_in_memory, SqliteInMemory, $($topic: $($name),+;)+);
        conformance!(@engine sqlite_file, SqliteFile, $($topic: $($name),+;)+);
        conformance!(@engine postgres, Postgres, $($topic: $($name),+;)+);
        conformance!(@engine next_schema, NextSchema, $($topic: $($name),+;)+);
        conformance!(@engine postgres_serializable, PostgresSerializable, $($topic: $($name),+;)+);
    };
}

conformance! {
    accounts: register_and_read, one_identity_one_account, attributes_replace_and_go, stages_move_once,
        suspension_ends_everything, erasure_leaves_the_bare_row, acceptances_stand, sequences_have_no_gaps;
    clients: save_read_and_remove, secrets_rotate;
    copies: a_copy_costs_nothing, what_does_not_exist_is_not_kept, other_nodes_see_changes_within_a_second,
        other_nodes_see_removals_and_secrets, fifty_who_want_to_know_ask_once, rows_changed_by_hand_are_seen, a_silent_store_is_not_believed_for_long;
    consents: answers_and_ledger, a_tampered_ledger_is_noticed, connected_apps;
    contacts: verification_voids_claims, contacts_are_unique_while_verified, claims_and_removal;
    grants: open_and_read, a_code_opens_one_family, rotation, grace_ends_with_the_successors_use, expiry_and_idling,
        tokens_that_do_not_rotate, status_of_access_tokens, revocation, a_grant_goes_with_its_consents;
    keys: schedule, two_nodes_do_not_both_rotate;
    link_notices: notices_wait_for_delivery, abuse_is_told_of;
    logins: passwords, identities_and_tokens;
    members: link_and_unlink, facts_and_freezing, numbers_are_taken, feeds;
    opening: nodes_migrate_together, ping_needs_a_schema, a_changed_migration_is_refused,
        a_cancelled_unit_leaves_nothing_behind;
    person: one_statement_brings_all;
    plans: every_statement_finds_its_rows_by_an_index;
    races: one_code_fifty_redemptions, one_refresh_token_fifty_rotations, refresh_against_revoke,
        one_number_fifty_accounts, one_identity_fifty_registrations, one_contact_fifty_registrations,
        one_subject_fifty_requests, events_of_one_account, grants_against_the_end_of_their_session,
        first_use_of_the_root;
    secrecy: no_personal_value_in_the_clear;
    sessions: start_read_and_end, replacing_and_renewing, ending_all;
    upkeep: sweep, what_ended_goes_in_batches, spent_families_go, browsers_are_known_for_a_while, master_keys_rotate,
        subjects_resolve;
}

conformance! {
    @engine sqlite_flushed, SqliteFlushed,
    grants: rotation;
    opening: nodes_migrate_together, a_cancelled_unit_leaves_nothing_behind;
    races: one_code_fifty_redemptions, one_refresh_token_fifty_rotations, refresh_against_revoke,
        one_number_fifty_accounts, one_identity_fifty_registrations, one_contact_fifty_registrations,
        one_subject_fifty_requests, events_of_one_account, first_use_of_the_root;
    sessions: start_read_and_end;
}

pub(super) fn nobody() -> NewAccount {
    NewAccount {
        stage: Stage::Registered,
        locale: Locale::english(),
        zoneinfo: "Asia/Seoul".to_owned(),
        contact: None,
        identity: None,
        password_hash: None,
        attributes: Vec::new(),
        acceptances: Vec::new(),
    }
}

pub(super) async fn register(store: &Store) -> AccountId {
    store.register_account(nobody(), NOW).await.unwrap()
}

pub(super) fn email(value: &str, verified: bool) -> NewContact {
    NewContact { kind: ContactKind::Email, value: value.to_owned(), verified }
}

pub(super) fn kakao(subject: &str) -> NewIdentity {
    let key = IdentityKey {
        connection: "kakao".into(),
        issuer: "https://kauth.kakao.com".to_owned(),
        subject: subject.to_owned(),
    };
    NewIdentity { key, label: None, tokens: None }
}

pub(super) fn attribute(name: &str, value: serde_json::Value) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value,
        source: "user".to_owned(),
        verification: Verification::Unverified,
        observed_at: NOW,
    }
}

pub(super) fn authentication() -> Authentication {
    Authentication {
        time: NOW,
        amr: vec!["otp".to_owned()],
        acr: "urn:comity:acr:1".to_owned(),
        connection: Some("kakao".into()),
    }
}

pub(super) fn session(account: AccountId) -> Session {
    Session {
        id: Random::new().id(NOW),
        account,
        authentication: authentication(),
        created_at: NOW,
        last_seen_at: NOW,
        expires_at: NOW + 3600,
        user_agent: "a browser".to_owned(),
    }
}

pub(super) fn family(account: AccountId, session: Option<SessionId>, scope: &str) -> Family {
    Family {
        id: Random::new().id(NOW),
        account,
        client: "shop".into(),
        session,
        scope: scope.split(' ').map(str::to_owned).collect(),
        authentication: authentication(),
        nonce: Some("n".to_owned()),
        claims: Some(json!({ "userinfo": { "email": null } }).to_string()),
        created_at: NOW,
        revoked_at: None,
    }
}

pub(super) fn refresh(byte: u8) -> super::NewRefresh {
    super::NewRefresh { hash: [byte; 32], expires_at: NOW + 1000, idle_seconds: None }
}

pub(super) fn membership(account: AccountId, number: &str) -> NewMembership {
    NewMembership {
        account,
        programme: "skyway".into(),
        number: number.to_owned(),
        member_ref: format!("ref-{number}"),
        proof: Proof { level: ProofLevel::Low, method: "kba".to_owned(), at: NOW },
        facts: MemberFacts { tier: Some("gold".to_owned()), as_of: Some(NOW), ..MemberFacts::default() },
    }
}

/// The kinds of an account's events, in order; fails when their sequence has a gap.
pub(super) async fn kinds(store: &Store, account: AccountId) -> Vec<String> {
    let events = store.events(Some(account), None, 1000).await.unwrap();
    for (expected, event) in (1..).zip(&events) {
        assert_eq!(event.sequence, expected);
    }
    events.into_iter().map(|event| event.kind).collect()
}
