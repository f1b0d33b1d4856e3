//! What may leave: the URL is judged before the request, the address when the connection is made. The address judged
//! is the address connected to, so a name that resolves differently a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::is_public;
use super::error::Error;

/// Travels through reqwest's errors so that a refusal by address is told from a name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("no permitted address")]
pub(super) struct NoPermittedAddress;

/// The rules of one deployment.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allow_hosts: Arc<[String]>,
    ports: Arc<[u16]>,
}

impl Guard {
    pub(super) fn new(allow_hosts: &[String], ports: &[u16]) -> Self {
        let allow_hosts = allow_hosts.iter().map(|host| host.trim_matches('.').to_ascii_lowercase());
        Self { allow_hosts: allow_hosts.filter(|host| !host.is_empty()).collect(), ports: ports.into() }
    }

    /// Judges all of a URL but the address behind a name.
    pub(super) fn check(&self, url: &Url) -> Result<(), Error> {
        let host = url.host().ok_or(Error::Forbidden)?;
        let is_allowed = match &host {
            Host::Domain(name) => self.allows_name(name),
            Host::Ipv4(address) => self.allows_address((*address).into()),
            Host::Ipv6(address) => self.allows_address((*address).into()),
        };
        let is_public = match host {
            Host::Domain(name) => !is_localhost(name),
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
        };
        let is_https = url.scheme() == "https";
        let has_port = url.port_or_known_default().is_some_and(|port| self.ports.contains(&port));
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let passes = if is_allowed { is_https || url.scheme() == "http" } else { is_https && has_port && is_public };
        if passes && !has_credentials { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Whether the deployment named this host or one of its parents.
    fn allows_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.allow_hosts.iter().any(|allowed| {
            name.strip_suffix(allowed.as_str()).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
        })
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        self.allow_hosts.iter().any(|allowed| allowed.parse() == Ok(address))
    }

    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let is_allowed = self.allows_name(name);
        if is_localhost(name) {
            // RFC 6761 §6.3: these names mean this machine, and no DNS server has a say in it.
            let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            return if is_allowed { Ok(vec![here]) } else { Err(NoPermittedAddress.into()) };
        }
        let found = tokio::net::lookup_host((name, 0)).await?;
        let permitted: Vec<_> = found.filter(|address| is_allowed || is_public(address.ip())).collect();
        if permitted.is_empty() { Err(NoPermittedAddress.into()) } else { Ok(permitted) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses: Addrs = Box::new(guard.addresses(name.as_str()).await?.into_iter());
            Ok(addresses)
        })
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(guard: &Guard, url: &str) -> bool {
        guard.check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn strangers_need_https_a_listed_port_and_a_public_address() {
        let guard = Guard::new(&[], &[443, 8443]);
        for url in
            ["https://example.com/", "https://example.com:8443/a?b", "https://8.8.8.8/", "https://[2606:4700::1]/"]
        {
            assert!(passes(&guard, url), "{url}");
        }
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "data:text/plain,x",
            "file:///etc/passwd",
            "https://example.com:22/",
            "https://example.com:6379/",
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://１２７.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.100.100.200/",
        ] {
            assert!(!passes(&guard, url), "{url}");
        }
    }

    #[test]
    fn named_hosts_are_exempt_up_to_a_label_boundary() {
        let allowed = ["localhost", ".Loyalty.Internal", "10.1.2.3", "fd00::7"].map(str::to_owned);
        let guard = Guard::new(&allowed, &[443]);
        for url in [
            "http://localhost:8080/",
            "http://kakao.localhost:8080/",
            "http://a.b.localhost./",
            "https://localhost:1/",
            "http://loyalty.internal/",
            "http://api.loyalty.internal:9000/",
            "http://10.1.2.3:9000/",
            "http://[fd00::7]/",
        ] {
            assert!(passes(&guard, url), "{url}");
        }
        for url in [
            "http://evil-localhost/",
            "http://localhost.example.com/",
            "http://xloyalty.internal/",
            "http://internal/",
            "http://10.1.2.4/",
            "https://127.0.0.1/",
            "http://user@localhost/",
            "ftp://localhost/",
        ] {
            assert!(!passes(&guard, url), "{url}");
        }
    }

    #[tokio::test]
    async fn localhost_names_resolve_to_this_machine_only_where_allowed() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let allowing = Guard::new(&["localhost".to_owned()], &[443]);
        for name in ["localhost", "naver.localhost", "naver.localhost."] {
            assert_eq!(allowing.addresses(name).await.unwrap(), [here]);
            assert!(Guard::new(&[], &[443]).addresses(name).await.unwrap_err().is::<NoPermittedAddress>());
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_resolves() {
        // The system's resolver takes address literals as names: a public DNS record with a private address.
        for name in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"] {
            assert!(Guard::new(&[], &[443]).addresses(name).await.unwrap_err().is::<NoPermittedAddress>());
        }
        assert!(Guard::new(&[], &[443]).addresses("8.8.8.8").await.is_ok());
    }
}
