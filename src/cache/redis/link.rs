//! The way to the servers, whichever kind they are of.

use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::time::timeout;

use super::address::Address;
use super::line::Line;
use super::script::Call;
use super::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, DEADLINE};

/// One primary, or the primaries of a cluster. No command names more than one key, so the cluster needs no thought.
pub(super) enum Link {
    /// A server, fixed or found by sentinels.
    Line(Box<Line>),
    /// All nodes of a cluster. What a node moved away, or what its successor has, is asked of that one.
    Cluster(ClusterConnection),
}

impl Link {
    /// Opens the way; a single server is only spoken to by the first command.
    pub(super) async fn open(address: Address) -> RedisResult<Self> {
        match address {
            Address::Server(address) => Ok(Self::Line(Box::new(Line::to(address)?))),
            Address::Sentinel(sentinels) => Ok(Self::Line(Box::new(Line::watched_by(sentinels)?))),
            Address::Cluster(seeds) => Ok(Self::Cluster(join(seeds).await?)),
        }
    }

    /// Sends a command of one key and gives the answer.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Line(line) => within(line.send(command)).await,
            Self::Cluster(cluster) => within(command.query_async(&mut cluster.clone())).await,
        }
    }

    /// Runs a script; sends its text where the server does not know it yet.
    pub(super) async fn run(&self, call: &Call<'_>) -> RedisResult<Value> {
        match self.send(&call.by_hash()).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(&call.by_text()).await
            }
            answer => answer,
        }
    }

    /// Asks for a sign of life: of the primary, or of any node of the cluster. Were it each of them, one that is down
    /// would take all of us out of service for a part of the records.
    pub(super) async fn ping(&self) -> RedisResult<()> {
        let answer = match self {
            Self::Line(line) => within(line.send(&cmd("PING"))).await,
            Self::Cluster(cluster) => {
                let anywhere = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                within(cluster.clone().route_command(cmd("PING"), anywhere)).await
            }
        };
        answer.map(drop)
    }
}

/// Connects to a cluster by any of its nodes.
///
/// A command is tried again when its node was lost in between, though it may have been run: then a code is refused that
/// was just taken, or an attempt counts twice. Nothing is ever granted twice by it.
async fn join(seeds: Vec<ConnectionInfo>) -> RedisResult<ClusterConnection> {
    let client = ClusterClient::builder(seeds)
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(ANSWER_TIMEOUT)
        .overall_response_timeout(Some(DEADLINE))
        .tcp_settings(super::address::tcp())
        .retries(5)
        .retry_wait_formula(10, 2)
        .min_retry_wait(5)
        .max_retry_wait(200)
        .build()?;
    client.get_async_connection().await
}

/// Whatever happens on the way, there is an answer by the deadline.
async fn within<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(DEADLINE, answer).await.unwrap_or_else(|_| {
        let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer came in time");
        Err(RedisError::from(late))
    })
}
