//! The hosts of a URL: `postgres://user:password@a:5432,b:5432/name` names two.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::store::error::Error;

/// Statements a connection keeps prepared: more than the house has. One that is put out to make room costs two round
/// trips more each time it comes back.
const STATEMENTS: usize = 512;

/// One URL for each host; `None` when it is no URL of PostgreSQL.
pub(in crate::store) fn split(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let several = hosts.contains(',');
    let one = |host: &str| {
        let url = format!("{scheme}://{user}{host}{tail}");
        (url.parse::<url::Url>().is_ok() && !(several && host.is_empty())).then_some(url)
    };
    hosts.split(',').map(one).collect()
}

/// How each host of a URL is reached.
pub(super) fn options(url: &str) -> Result<Vec<PgConnectOptions>, Error> {
    let hosts = split(url).ok_or_else(|| Error::fault("the database url is neither sqlite: nor postgres:"))?;
    let own_capacity = url.contains("statement-cache-capacity=");
    let mut options = Vec::with_capacity(hosts.len());
    for host in hosts {
        let host = PgConnectOptions::from_str(&host)?.application_name("comity");
        options.push(if own_capacity { host } else { host.statement_cache_capacity(STATEMENTS) });
    }
    Ok(options)
}

/// A host as messages name it.
pub(super) fn name(host: &PgConnectOptions) -> String {
    format!("{}:{}", host.get_host(), host.get_port())
}

#[cfg(test)]
mod tests {
    use super::{name, options, split};

    #[test]
    fn a_url_may_name_several_hosts() {
        for (url, hosts) in [
            ("postgres://u:p@a/d", &["a:5432"][..]),
            ("postgres://u:p@a:1,b:2,c/d?sslmode=disable", &["a:1", "b:2", "c:5432"]),
            ("postgresql://u:a%2Cb@[::1]:1,10.0.0.2/d", &["[::1]:1", "10.0.0.2:5432"]),
        ] {
            let options = options(url).unwrap();
            assert_eq!(options.iter().map(name).collect::<Vec<_>>(), hosts, "{url}");
            for host in &options {
                assert_eq!((host.get_username(), host.get_database()), ("u", Some("d")), "{url}");
            }
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for url in ["mysql://a/b", "a:5432", "postgres:a", "postgres://u@a,,b/d", "postgres://u@a:x,b/d", ""] {
            assert!(split(url).is_none(), "{url}");
        }
    }
}
