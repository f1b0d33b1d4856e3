//! The PostgreSQL of the run: a primary, and a standby without which it answers no commit.

use std::time::Duration;

#[path = "../../src/store/private_postgres/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod private_postgres;

use self::private_postgres::Pair;

pub struct Postgres {
    pair: Pair,
}

impl Postgres {
    pub fn start() -> Self {
        Self { pair: Pair::start().expect("postgres") }
    }

    /// Both hosts.
    pub fn url(&self) -> String {
        self.pair.url()
    }

    /// The primary alone.
    pub fn primary_url(&self) -> String {
        Pair::url_of(&self.pair.primary)
    }

    /// Kills the primary without warning; the standby takes over as soon as whoever watches them would have noticed.
    pub fn fail_over(&mut self, notice: Duration) {
        self.pair.primary.kill();
        std::thread::sleep(notice);
        self.pair.promote();
    }
}
