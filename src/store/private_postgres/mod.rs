//! PostgreSQL of the test process's own: on temporary directories and free ports, gone when the process is, however
//! that ends. Needs the programs of PostgreSQL installed; `COMITY_TEST_SERVICES=required` makes their absence a failure.

mod server;
mod standby;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use self::server::Server;
#[allow(unused_imports, reason = "not all who include this lose a primary")]
pub(crate) use self::standby::Pair;

/// A running cluster with a database for whoever asks.
pub(crate) struct PrivatePostgres {
    server: Server,
    databases: AtomicU32,
}

impl PrivatePostgres {
    /// The cluster of this process, started by whoever asks first; `None`, with a line that says so, without PostgreSQL.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PrivatePostgres>> = OnceLock::new();
        let start = || {
            let server = Server::create("shared", &["synchronous_commit=off"])?;
            Some(Self { server, databases: AtomicU32::new(0) })
        };
        SHARED.get_or_init(start).as_ref()
    }

    /// Creates an empty database; gives its URL.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.server.create_database(&name);
        format!("postgres://{}/{name}", self.server.address())
    }
}
