//! Records in Redis: a server, the primary its sentinels name, or a cluster.
//!
//! A value is `<expires_at>|<bytes>`: Redis forgets it after its time to live, and the house's own [`Clock`] decides
//! whether it still counts, so both backends tell the same time. Each method is one command or one script on one key,
//! hence atomic, and at home on one node of a cluster.
//!
//! `address` reads the URL, `link` carries commands, `line` is the connection to one primary, `script` the Lua. Replicas
//! are never asked: what was taken on the primary may still lie there.

mod address;
mod line;
mod link;
mod script;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Value};

use self::address::Address;
use self::link::Link;
use self::script::{Call, Script};
use super::error::Error;
use crate::model::{Clock, Secret, UnixTime};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// To find the primary and connect to it.
const FIND_TIMEOUT: Duration = Duration::from_millis(1500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Waiting for a connection and for the answer together.
const DEADLINE: Duration = Duration::from_secs(2);
/// A peer that vanished without a word is given up after this long.
const DEAD_PEER_TIMEOUT: Duration = Duration::from_secs(5);
const QUEUED_COMMANDS: usize = 1024;

#[derive(Clone)]
pub(super) struct Redis(Arc<Server>);

struct Server {
    clock: Clock,
    link: Link,
    put_new: Script,
    replace: Script,
    count: Script,
}

/// Whether a URL is one of a Redis.
pub(super) fn is_address(url: &str) -> bool {
    Address::parse(url).is_ok()
}

impl Redis {
    pub(super) async fn connect(url: &Secret<String>, clock: Clock) -> Result<Self, Error> {
        let address = Address::parse(url.expose()).map_err(fault)?;
        let server = Server {
            clock,
            link: Link::open(address).await.map_err(unavailable)?,
            put_new: Script::new(script::PUT_NEW),
            replace: Script::new(script::REPLACE),
            count: Script::new(script::COUNT),
        };
        let redis = Self(Arc::new(server));
        redis.ping().await?;
        Ok(redis)
    }

    pub(super) async fn put(&self, path: &str, value: Vec<u8>, ttl: i64) -> Result<(), Error> {
        let held = seal(self.0.clock.now() + ttl, value);
        self.ask(Cmd::new().arg("SET").arg(path).arg(held).arg("EX").arg(ttl)).await
    }

    pub(super) async fn put_new(&self, path: &str, value: Vec<u8>, ttl: i64) -> Result<bool, Error> {
        let now = self.0.clock.now();
        let held = seal(now + ttl, value);
        self.run(self.0.put_new.on(path, [text(now), held, text(ttl)])).await
    }

    pub(super) async fn replace(&self, path: &str, value: Vec<u8>) -> Result<bool, Error> {
        let now = self.0.clock.now();
        self.run(self.0.replace.on(path, [text(now), value])).await
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

    pub(super) async fn count(&self, path: &str, window: i64) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let first = seal(now + window, text(1));
        self.run(self.0.count.on(path, [text(now), first, text(window)])).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        self.0.link.ping().await.map_err(unavailable)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        settle(self.0.link.send(command).await)
    }

    async fn run<T: FromRedisValue>(&self, call: Call<'_>) -> Result<T, Error> {
        settle(self.0.link.run(&call).await)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

fn settle<T: FromRedisValue>(answer: RedisResult<Value>) -> Result<T, Error> {
    let read = answer.and_then(|value| Ok(redis::from_redis_value(value)?));
    read.map_err(
        |error| if error.kind() == ErrorKind::UnexpectedReturnType { fault(error) } else { unavailable(error) },
    )
}

fn seal(expires_at: UnixTime, mut value: Vec<u8>) -> Vec<u8> {
    value.splice(0..0, format!("{expires_at}|").into_bytes());
    value
}

fn text(number: impl fmt::Display) -> Vec<u8> {
    number.to_string().into_bytes()
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
