//! The keys of a provider's ID tokens [OIDC Core §10.1.1].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::connection::Connection;
use super::failure::{Reason, Stopped};
use super::http::{max_age, object};
use crate::jose::JwkSet;
use crate::model::UnixTime;
use crate::outbound::{Outbound, Request};

/// What a key set that does not say counts as fresh for, in seconds.
const DEFAULT_LIFETIME: i64 = 3600;

/// A published key set.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) set: JwkSet,
    /// For whom alone a key speaks, by `kid`: Microsoft says so in a member `issuer` of the key.
    pub(super) issuers: BTreeMap<String, String>,
}

/// The connection's keys.
pub(super) async fn keys(
    connection: &Connection,
    outbound: &Outbound,
    url: &Url,
    now: UnixTime,
) -> Result<Arc<Keys>, Stopped> {
    connection.keys.get(now, || read(outbound, url)).await
}

/// Keys newer than `seen`, in which one was missing; `seen` itself when there are none or it is too soon to ask.
pub(super) async fn newer_keys(
    connection: &Connection,
    outbound: &Outbound,
    url: &Url,
    seen: Arc<Keys>,
    now: UnixTime,
) -> Arc<Keys> {
    connection.keys.newer(seen, now, || read(outbound, url)).await
}

async fn read(outbound: &Outbound, url: &Url) -> Result<(Keys, i64), Stopped> {
    let request = Request::get(url.clone()).accept(&["application/json", "application/jwk-set+json"]);
    let answer = object(outbound, request, Reason::IdTokenRejected).await;
    // A key set that cannot be read is the provider's trouble, not this person's.
    let (members, headers) = answer.map_err(|_| Stopped::Unavailable)?;
    let issuers = issuers(&members);
    let set = JwkSet::parse_published(&Value::Object(members)).map_err(|reason| {
        tracing::error!(host = url.host_str(), %reason, "key set is unusable");
        Stopped::Unavailable
    })?;
    Ok((Keys { set, issuers }, max_age(&headers).unwrap_or(DEFAULT_LIFETIME)))
}

fn issuers(members: &Map<String, Value>) -> BTreeMap<String, String> {
    let keys = members.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| Some((key.get("kid")?.as_str()?.to_owned(), key.get("issuer")?.as_str()?.to_owned())))
        .collect()
}
