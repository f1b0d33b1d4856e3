//! One connection to one primary, which all commands share, and which is made anew when it is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError,
    RedisResult, ServerErrorKind, Value, cmd,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::address::Sentinels;
use super::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, FIND_TIMEOUT, QUEUED_COMMANDS};

/// How long a server that was there a moment ago may be away unnoticed.
const OUTAGE_PATIENCE: Duration = Duration::from_millis(1400);
/// Between two tries to reach it.
const PAUSE: Duration = Duration::from_millis(30);

/// A connection that comes back by itself. Whoever sends first after it was lost dials, the others wait for that.
pub(super) struct Line {
    finder: Mutex<Finder>,
    current: RwLock<Option<Open>>,
    failures: AtomicU64,
    /// Until when a server that was there a moment ago is waited for: a restart is over in less.
    patience: std::sync::Mutex<Option<Instant>>,
}

/// Who knows where the primary is.
enum Finder {
    /// It is always there.
    Fixed(Client),
    /// These tell.
    Sentinels { sentinels: Sentinel, primary: String, access: SentinelNodeConnectionInfo },
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    lost: Arc<AtomicBool>,
}

impl Line {
    /// To the server at an address.
    pub(super) fn to(address: ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::found_by(Finder::Fixed(Client::open(address)?)))
    }

    /// To whichever server is the primary, according to its sentinels.
    pub(super) fn watched_by(sentinels: Sentinels) -> RedisResult<Self> {
        let (sentinels, primary, access) = sentinels.open()?;
        Ok(Self::found_by(Finder::Sentinels { sentinels, primary, access }))
    }

    fn found_by(finder: Finder) -> Self {
        Self {
            finder: Mutex::new(finder),
            current: RwLock::default(),
            failures: AtomicU64::new(0),
            patience: std::sync::Mutex::default(),
        }
    }

    /// Sends a command and gives the answer. It is sent again only where the server said that it did not run it.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self.attempt(command).await {
            // After a failover the old primary goes on answering; only a new connection finds the new one.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => self.attempt(command).await,
            answer => answer,
        }
    }

    async fn attempt(&self, command: &Cmd) -> RedisResult<Value> {
        let Open { mut connection, lost } = self.open().await?;
        let answer = match timeout(ANSWER_TIMEOUT, command.query_async(&mut connection)).await {
            Ok(answer) => answer,
            Err(_) => Err(silent("no answer came in time")),
        };
        if answer.as_ref().is_err_and(is_final) {
            lost.store(true, Ordering::Release);
        }
        answer
    }

    /// The connection there is, or a new one.
    async fn open(&self) -> RedisResult<Open> {
        let failures = self.failures.load(Ordering::Acquire);
        if let Some(open) = self.current() {
            return Ok(open);
        }
        let Ok(mut finder) = timeout(FIND_TIMEOUT, self.finder.lock()).await else {
            return Err(silent("no connection was made in time"));
        };
        if let Some(open) = self.current() {
            return Ok(open);
        }
        self.drop_lost();
        // Whoever dialled while this one waited did not get through: it would not either.
        if self.failures.load(Ordering::Acquire) != failures {
            return Err(silent("no connection could be made"));
        }
        match self.dial(&mut finder).await {
            Ok(open) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
                Ok(open)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    /// Dials again and again while the outage is young; in an older one, once.
    async fn dial(&self, finder: &mut Finder) -> RedisResult<Open> {
        let began = Instant::now();
        let last_try = self.patience(|patience| patience.map_or(began, |until| until.max(began)));
        loop {
            let late = || Err(silent("no connection was made in time"));
            let dialled = timeout(FIND_TIMEOUT, finder.dial()).await.unwrap_or_else(|_| late());
            if dialled.is_ok() {
                self.patience(|patience| *patience = None);
            }
            if dialled.is_ok() || Instant::now() >= last_try {
                return dialled;
            }
            sleep(PAUSE).await;
        }
    }

    fn patience<T>(&self, with: impl FnOnce(&mut Option<Instant>) -> T) -> T {
        with(&mut self.patience.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn current(&self) -> Option<Open> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|open| !open.lost.load(Ordering::Acquire)).cloned()
    }

    /// Forgets a connection that was lost: the outage begins.
    fn drop_lost(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.take_if(|open| open.lost.load(Ordering::Acquire)).is_some() {
            self.patience(|patience| *patience = Some(Instant::now() + OUTAGE_PATIENCE));
        }
    }
}

impl Finder {
    async fn dial(&mut self) -> RedisResult<Open> {
        let found;
        let client = match self {
            Self::Fixed(client) => &*client,
            Self::Sentinels { sentinels, primary, access } => {
                found = sentinels.async_master_for(primary, Some(access)).await?;
                &found
            }
        };
        let lost = Arc::new(AtomicBool::new(false));
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // Each command has one, around its wait for a connection.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUED_COMMANDS);
        if client.get_connection_info().redis_settings().protocol() == ProtocolVersion::RESP3 {
            let lost = lost.clone();
            config = config.set_push_sender(move |news: PushInfo| {
                if news.kind == PushKind::Disconnection {
                    lost.store(true, Ordering::Release);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        }
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        // One that is still reading what it kept takes connections and answers nothing.
        cmd("PING").exec_async(&mut connection).await?;
        Ok(Open { connection, lost })
    }
}

/// Whether the connection is of no more use after this error.
fn is_final(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_io_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

fn silent(what: &'static str) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, what).into()
}
