//! What `cache.url` says: one server, the nodes of a cluster, or sentinels that know where the primary is.
//!
//! With several hosts a URL is no longer one the crate reads, so hosts, credentials and path are taken apart here and each
//! host is handed on as a URL of its own. Nothing is decoded on the way: what is percent-encoded stays so.

use redis::io::tcp::TcpSettings;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult, TlsMode};

use super::DEAD_PEER_TIMEOUT;

/// Where the records are.
pub(super) enum Address {
    /// `redis://`, `rediss://`.
    Server(ConnectionInfo),
    /// `redis+cluster://`, `rediss+cluster://`: any of the nodes, the others are learnt from it.
    Cluster(Vec<ConnectionInfo>),
    /// `redis+sentinel://`, `rediss+sentinel://`.
    Sentinel(Sentinels),
}

/// The sentinels, which primary they are asked for, and how it is spoken to.
pub(super) struct Sentinels {
    /// The sentinels' addresses, with their own credentials.
    pub(super) seeds: Vec<ConnectionInfo>,
    /// The name the primary goes by.
    pub(super) primary: String,
    /// TLS, database and credentials of the primary.
    pub(super) access: SentinelNodeConnectionInfo,
}

impl Sentinels {
    /// What asks them.
    pub(super) fn open(self) -> RedisResult<(Sentinel, String, SentinelNodeConnectionInfo)> {
        Ok((Sentinel::build(self.seeds)?, self.primary, self.access))
    }
}

impl Address {
    /// Reads a URL.
    pub(super) fn parse(url: &str) -> RedisResult<Self> {
        let Some((scheme, rest)) = url.split_once("://") else { return Err(malformed("it has no scheme")) };
        match scheme {
            "redis" | "rediss" => Ok(Self::Server(open(url)?)),
            "redis+cluster" => Parts::of("redis", rest)?.cluster(),
            "rediss+cluster" => Parts::of("rediss", rest)?.cluster(),
            "redis+sentinel" => Parts::of("redis", rest)?.sentinels(),
            "rediss+sentinel" => Parts::of("rediss", rest)?.sentinels(),
            _ => Err(malformed("its scheme is unknown")),
        }
    }
}

/// A URL of several hosts in pieces.
struct Parts<'a> {
    scheme: &'static str,
    userinfo: &'a str,
    hosts: Vec<&'a str>,
    path: Vec<&'a str>,
    query: Vec<(&'a str, &'a str)>,
}

impl<'a> Parts<'a> {
    fn of(scheme: &'static str, rest: &'a str) -> RedisResult<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err(malformed("a host is missing"));
        }
        let query = query.split('&').filter(|pair| !pair.is_empty());
        Ok(Self {
            scheme,
            userinfo,
            hosts,
            path: path.split('/').filter(|segment| !segment.is_empty()).collect(),
            query: query.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect(),
        })
    }

    fn cluster(self) -> RedisResult<Address> {
        if !self.path.is_empty() || !self.query.is_empty() {
            return Err(malformed("a cluster has one database, and no other options"));
        }
        let seeds = self.hosts.iter().map(|host| self.host(self.userinfo, host, ""));
        Ok(Address::Cluster(seeds.collect::<RedisResult<_>>()?))
    }

    fn sentinels(self) -> RedisResult<Address> {
        let (primary, database) = match self.path.as_slice() {
            [primary] => (*primary, ""),
            [primary, database] => (*primary, *database),
            _ => return Err(malformed("the name of the sentinels' primary is missing: …:26379/NAME")),
        };
        let (mut username, mut password) = ("", "");
        for (name, value) in &self.query {
            match *name {
                "sentinel_username" => username = value,
                "sentinel_password" => password = value,
                _ => return Err(malformed("its options are sentinel_username and sentinel_password")),
            }
        }
        let own = if password.is_empty() { String::new() } else { format!("{username}:{password}") };
        let seeds = self.hosts.iter().map(|host| self.host(&own, with_port(host).as_str(), ""));
        let [first, ..] = self.hosts.as_slice() else { return Err(malformed("a host is missing")) };
        let server = self.host(self.userinfo, first, database)?;
        let mut access = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(server.redis_settings().clone())
            .set_tcp_settings(tcp());
        if self.scheme == "rediss" {
            access = access.set_tls_mode(TlsMode::Secure);
        }
        let seeds = seeds.collect::<RedisResult<_>>()?;
        Ok(Address::Sentinel(Sentinels { seeds, primary: primary.to_owned(), access }))
    }

    fn host(&self, userinfo: &str, host: &str, database: &str) -> RedisResult<ConnectionInfo> {
        let at = if userinfo.is_empty() { "" } else { "@" };
        open(&format!("{}://{userinfo}{at}{host}/{database}", self.scheme))
    }
}

/// Sentinels listen on a port of their own.
fn with_port(host: &str) -> String {
    let has_port = host.rsplit_once(':').is_some_and(|(before, _)| !before.starts_with('[') || before.ends_with(']'));
    if has_port { host.to_owned() } else { format!("{host}:26379") }
}

fn open(url: &str) -> RedisResult<ConnectionInfo> {
    let address = url.into_connection_info()?.set_tcp_settings(tcp());
    if url.contains("protocol=") {
        return Ok(address);
    }
    // Says at once when the connection is lost; in the older protocol the next command finds out.
    let settings = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(address.set_redis_settings(settings))
}

/// How connections are kept: small commands leave at once, and a peer that vanished is noticed.
pub(super) fn tcp() -> TcpSettings {
    let tcp = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(DEAD_PEER_TIMEOUT);
    tcp
}

fn malformed(what: &str) -> RedisError {
    RedisError::from((redis::ErrorKind::InvalidClientConfig, "the address is malformed", what.to_owned()))
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;

    fn hosts(seeds: &[ConnectionInfo]) -> Vec<String> {
        seeds.iter().map(|seed| seed.addr().to_string()).collect()
    }

    fn credentials(address: &ConnectionInfo) -> (Option<&str>, Option<&str>) {
        (address.redis_settings().username(), address.redis_settings().password())
    }

    #[test]
    fn a_cluster_is_any_of_its_nodes() {
        let Address::Cluster(seeds) = Address::parse("redis+cluster://comity:p%40ss@a:7000,b,[::1]:7002").unwrap()
        else {
            panic!("no cluster")
        };
        assert_eq!(hosts(&seeds), ["a:7000", "b:6379", "::1:7002"]);
        assert!(seeds.iter().all(|seed| credentials(seed) == (Some("comity"), Some("p@ss"))));
        let Address::Cluster(seeds) = Address::parse("rediss+cluster://a:7000,b:7001/").unwrap() else {
            panic!("no cluster")
        };
        assert!(matches!(seeds[1].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
    }

    #[test]
    fn sentinels_and_the_primary_have_credentials_of_their_own() {
        let url = "rediss+sentinel://comity:s%3Acret@s1:26380,s2,[::1]/mymaster/3?sentinel_username=watch&sentinel_password=w";
        let Address::Sentinel(sentinels) = Address::parse(url).unwrap() else { panic!("no sentinels") };
        assert_eq!(hosts(&sentinels.seeds), ["s1:26380", "s2:26379", "::1:26379"]);
        assert_eq!(sentinels.primary, "mymaster");
        assert!(sentinels.seeds.iter().all(|seed| credentials(seed) == (Some("watch"), Some("w"))));
        assert!(sentinels.seeds.iter().all(|seed| seed.redis_settings().db() == 0));
        let access = format!("{:?}", sentinels.access);
        assert!(access.contains("Secure") && access.contains("comity") && access.contains('3'), "{access}");
    }

    #[test]
    fn sentinels_may_ask_for_nothing() {
        let Address::Sentinel(sentinels) = Address::parse("redis+sentinel://s1,s2/mymaster").unwrap() else {
            panic!("no sentinels")
        };
        assert!(sentinels.seeds.iter().all(|seed| credentials(seed) == (None, None)));
        assert!(!format!("{:?}", sentinels.access).contains("Secure"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "memory",
            "http://a",
            "redis+cluster://",
            "redis+cluster://a:7000,,b:7001",
            "redis+cluster://a:7000/1",
            "redis+cluster://a:none",
            "redis+sentinel://a:26379",
            "redis+sentinel://a:26379/",
            "redis+sentinel://a:26379/name/none",
            "redis+sentinel://a:26379/name/1/2",
            "redis+sentinel://a:26379/name?password=x",
            "redis+unix:///run/redis.sock",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
