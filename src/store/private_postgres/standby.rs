//! A primary and a standby that follows it: for what happens when the one is lost.
#![allow(dead_code, reason = "each crate of tests uses its own part of it")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::server::Server;

/// Two clusters of the caller's own. A commit is answered once the standby has it.
pub(crate) struct Pair {
    /// Where writing begins.
    pub(crate) primary: Server,
    /// What follows it.
    pub(crate) standby: Server,
}

/// The one database of a pair.
const DATABASE: &str = "comity";

impl Pair {
    /// A new pair with an empty database; `None`, with a line that says so, without PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let primary = Server::create(&format!("primary-{number}"), &["synchronous_commit=on"])?;
        primary.create_database(DATABASE);
        let standby = primary.follower(&format!("standby-{number}"));
        let pair = Self { primary, standby };
        pair.wait_for("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1");
        pair.primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        pair.primary.sql("postgres", "SELECT pg_reload_conf()");
        pair.wait_for("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1");
        Some(pair)
    }

    /// The database with both hosts, the primary first.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{},127.0.0.1:{}/{DATABASE}", self.primary.address(), self.standby.port())
    }

    /// The database on one of the two alone.
    pub(crate) fn url_of(server: &Server) -> String {
        format!("postgres://{}/{DATABASE}", server.address())
    }

    /// The standby takes over from here; it waits for no standby of its own.
    pub(crate) fn promote(&self) {
        self.standby.promote();
    }

    /// The standby goes on receiving, and shows nothing new.
    pub(crate) fn pause_replay(&self) {
        self.standby.sql("postgres", "SELECT pg_wal_replay_pause()");
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.standby.sql("postgres", "SELECT pg_get_wal_replay_pause_state()") != "paused" {
            assert!(Instant::now() < deadline, "the standby does not pause");
            sleep(Duration::from_millis(5));
        }
    }

    /// The standby shows all it has, and what comes.
    pub(crate) fn resume_replay(&self) {
        self.standby.sql("postgres", "SELECT pg_wal_replay_resume()");
    }

    /// Waits until the standby shows all that was committed.
    pub(crate) fn catch_up(&self) {
        let at = self.primary.sql("postgres", "SELECT pg_current_wal_lsn()");
        let deadline = Instant::now() + Duration::from_secs(20);
        let behind = format!("SELECT pg_last_wal_replay_lsn() >= '{at}'");
        while self.standby.sql("postgres", &behind) != "t" {
            assert!(Instant::now() < deadline, "the standby does not follow");
            sleep(Duration::from_millis(5));
        }
    }

    fn wait_for(&self, question: &str, answer: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.primary.sql("postgres", question) != answer {
            assert!(Instant::now() < deadline, "the standby does not follow");
            sleep(Duration::from_millis(20));
        }
    }
}
