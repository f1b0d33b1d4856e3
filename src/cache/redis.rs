//! Records in Redis. One connection carries all commands and comes back by itself after an outage.
//!
//! A value is `<expires_at>|<bytes>`: Redis forgets it after its time to live, and the house's own [`Clock`] decides
//! whether it still counts, so both backends tell the same time. Each method is one command or one script, hence atomic.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult, Script, ScriptInvocation,
    ServerErrorKind,
};
use tokio::time::timeout;

use super::error::Error;
use crate::model::{Clock, Secret, UnixTime};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Waiting for a connection and for the answer together.
const DEADLINE: Duration = Duration::from_secs(2);
/// A peer that vanished without a word is given up after this long.
const DEAD_PEER_TIMEOUT: Duration = Duration::from_secs(5);
const QUEUED_COMMANDS: usize = 1024;

const PUT_NEW: &str = r"
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^(%-?%d+)|')) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1";

const REPLACE: &str = r"
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local expires_at = string.match(held, '^(%-?%d+)|')
if tonumber(expires_at) <= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], expires_at .. '|' .. ARGV[2], 'KEEPTTL')
return 1";

const COUNT: &str = r"
local held = redis.call('GET', KEYS[1])
if held then
  local expires_at, sum = string.match(held, '^(%-?%d+)|(%d+)$')
  if tonumber(expires_at) > tonumber(ARGV[1]) then
    sum = string.format('%d', tonumber(sum) + 1)
    redis.call('SET', KEYS[1], expires_at .. '|' .. sum, 'KEEPTTL')
    return tonumber(sum)
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1";

#[derive(Clone)]
pub(super) struct Redis(Arc<Server>);

struct Server {
    clock: Clock,
    client: Client,
    connection: RwLock<ConnectionManager>,
    put_new: Script,
    replace: Script,
    count: Script,
}

impl Redis {
    pub(super) async fn connect(url: &Secret<String>, clock: Clock) -> Result<Self, Error> {
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(DEAD_PEER_TIMEOUT);
        let address = url.expose().as_str().into_connection_info().map_err(fault)?.set_tcp_settings(tcp);
        let client = Client::open(address).map_err(fault)?;
        let connection = RwLock::new(dial(&client).map_err(fault)?);
        let server = Server {
            clock,
            client,
            connection,
            put_new: Script::new(PUT_NEW),
            replace: Script::new(REPLACE),
            count: Script::new(COUNT),
        };
        let redis = Self(Arc::new(server));
        redis.ping().await?;
        Ok(redis)
    }

    pub(super) async fn put(&self, path: String, value: Vec<u8>, ttl: i64) -> Result<(), Error> {
        let held = seal(self.0.clock.now() + ttl, &value);
        self.ask(Cmd::new().arg("SET").arg(path).arg(held).arg("EX").arg(ttl)).await
    }

    pub(super) async fn put_new(&self, path: String, value: Vec<u8>, ttl: i64) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let held = seal(now + ttl, &value);
        self.run(self.0.put_new.key(path).arg(now.0).arg(held).arg(ttl)).await
    }

    pub(super) async fn replace(&self, path: String, value: Vec<u8>) -> Result<bool, Error> {
        let now = self.0.clock.now();
        self.run(self.0.replace.key(path).arg(now.0).arg(value)).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let held: Option<Vec<u8>> = self.ask(Cmd::new().arg("GET").arg(path)).await?;
        held.map_or(Ok(None), |held| open(&held, self.0.clock.now()))
    }

    pub(super) async fn take(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let held: Option<Vec<u8>> = self.ask(Cmd::new().arg("GETDEL").arg(path)).await?;
        held.map_or(Ok(None), |held| open(&held, self.0.clock.now()))
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), Error> {
        self.ask(Cmd::new().arg("DEL").arg(path)).await
    }

    pub(super) async fn count(&self, path: String, window: i64) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let first = seal(now + window, b"1");
        self.run(self.0.count.key(path).arg(now.0).arg(first).arg(window)).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        self.ask(Cmd::new().arg("PING")).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let mut connection = self.connection();
        self.settle(timeout(DEADLINE, command.query_async(&mut connection)).await)
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut connection = self.connection();
        self.settle(timeout(DEADLINE, script.invoke_async(&mut connection)).await)
    }

    fn settle<T>(&self, answer: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> Result<T, Error> {
        let error = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(elapsed) => return Err(Error::Unavailable(Box::new(elapsed))),
        };
        // After a failover the old primary goes on answering; only a new connection finds the new one.
        if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) {
            self.redial();
        }
        Err(if error.kind() == ErrorKind::UnexpectedReturnType { fault(error) } else { unavailable(error) })
    }

    fn connection(&self) -> ConnectionManager {
        self.0.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn redial(&self) {
        if let Ok(fresh) = dial(&self.0.client) {
            *self.0.connection.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

/// A connection that is opened by the first command sent over it.
fn dial(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200))
        .set_pipeline_buffer_size(QUEUED_COMMANDS);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

fn seal(expires_at: UnixTime, value: &[u8]) -> Vec<u8> {
    let mut held = format!("{expires_at}|").into_bytes();
    held.extend_from_slice(value);
    held
}

fn open(held: &[u8], now: UnixTime) -> Result<Option<Vec<u8>>, Error> {
    let mut parts = held.splitn(2, |byte| *byte == b'|');
    let expires_at = parts.next().and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok().map(UnixTime));
    match (expires_at, parts.next()) {
        (Some(expires_at), Some(value)) => Ok((expires_at > now).then(|| value.to_vec())),
        _ => Err(Error::Fault("a record without its expiry".into())),
    }
}

fn unavailable(error: RedisError) -> Error {
    Error::Unavailable(Box::new(error))
}

fn fault(error: RedisError) -> Error {
    Error::Fault(Box::new(error))
}
