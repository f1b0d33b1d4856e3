//! Seeing a browser come back.

use serde_json::Value;

use super::begin::retry_key;
use super::connection::Connection;
use super::connections::Federation;
use super::connector::{IssuerRule, Protocol};
use super::discovery::{Addresses, addresses};
use super::failure::{Failure, Reason, Stopped};
use super::login::{Identified, Login};
use super::pending::{CallbackParams, HELD, Intent, LIFETIME, PENDING, Pending, RETRIES};
use super::profile::UpstreamProfile;
use super::{oauth2, oidc, tokens};
use crate::model::digest::constant_time_eq;
use crate::model::identity::{IdentityKey, UpstreamTokens};
use crate::model::json::parse_object;
use crate::model::{ConnectionId, UnixTime};

/// A login that ended well.
#[derive(Debug)]
pub struct Completed {
    /// The sign-in it was part of.
    pub txn: String,
    /// What it was for.
    pub intent: Intent,
    /// Who it is.
    pub profile: UpstreamProfile,
}

impl Federation {
    /// Finishes a login. `browser` is the hash [`begin`](Self::begin) was given, computed anew from the browser that is
    /// here now.
    pub async fn complete(
        &self,
        connection: &ConnectionId,
        params: CallbackParams,
        browser: &str,
    ) -> Result<Completed, Failure> {
        let parts = &*self.0;
        let now = parts.clock.now();
        let here = self.connection(connection).ok_or(Failure::Unknown)?;
        let state = params.state.as_deref().unwrap_or_default();
        let Some(pending) = parts.cache.take(&PENDING, state).await? else {
            let may_retry = here.settings.enabled;
            return Err(if may_retry { self.retry(here, browser).await? } else { Failure::Unknown });
        };
        // A login of another browser is none of this one's business, not even that it exists.
        let same = !browser.is_empty() && constant_time_eq(pending.browser.as_bytes(), browser.as_bytes());
        if !same || now.since(pending.begun_at) > LIFETIME {
            return Err(Failure::Unknown);
        }
        if here.preset.retry.is_some() {
            parts.cache.remove(&RETRIES, &retry_key(here, browser)).await?;
        }
        let finished = self.finish(here, &params, state, &pending, now).await;
        let Pending { txn, intent, .. } = pending;
        match finished {
            Ok(profile) => Ok(Completed { txn, intent, profile }),
            Err(Ended::Cancelled) => Err(Failure::Cancelled { txn }),
            Err(Ended::Stopped(stopped)) => Err(stopped.of(txn)),
        }
    }

    /// Keeps a form post until the browser comes back by a GET that carries its cookie, which a cross-site POST does
    /// not. Gives the handle to [`release`](Self::release) it by.
    pub async fn hold(&self, connection: &ConnectionId, params: &CallbackParams) -> Result<String, Failure> {
        let parts = &*self.0;
        let here = self.connection(connection).filter(|it| it.preset.form_post).ok_or(Failure::Unknown)?;
        let state = params.state.as_deref().unwrap_or_default();
        // Only for a login that is under way: strangers cannot fill the cache.
        let pending: Option<Pending> = parts.cache.get(&PENDING, state).await?;
        if pending.is_none_or(|pending| pending.connection != *here.id()) {
            return Err(Failure::Unknown);
        }
        let handle = parts.random.handle();
        parts.cache.put(&HELD, &held_key(connection, &handle), params).await?;
        Ok(handle)
    }

    /// The form post kept under a handle, once.
    pub async fn release(&self, connection: &ConnectionId, handle: &str) -> Result<CallbackParams, Failure> {
        self.0.cache.take(&HELD, &held_key(connection, handle)).await?.ok_or(Failure::Unknown)
    }

    async fn finish(
        &self,
        connection: &Connection,
        params: &CallbackParams,
        state: &str,
        pending: &Pending,
        now: UnixTime,
    ) -> Result<UpstreamProfile, Ended> {
        if pending.connection != *connection.id() {
            return Err(Reason::ConnectionMismatch.into());
        }
        if !connection.settings.enabled {
            return Err(Reason::ConnectionDisabled.into());
        }
        let outbound = &self.0.outbound;
        let addresses = addresses(connection, outbound, now).await?;
        let code = accepted(connection, &addresses, params)?;
        let user = params.user.as_deref().and_then(|user| parse_object(user.as_bytes()));
        let user = user.map_or(Value::Null, Value::Object);
        let login = Login { connection, outbound, addresses: &addresses, pending, state, user: &user, now };
        let tokens = tokens::redeem(&login, code).await?;
        let identified = match connection.preset.protocol {
            Protocol::Oidc => oidc::identify(&login, &tokens).await?,
            Protocol::Oauth2 => oauth2::identify(&login, &tokens).await?,
        };
        Ok(profile(connection, identified, tokens.kept(now)))
    }
}

fn held_key(connection: &ConnectionId, handle: &str) -> String {
    format!("{connection}|{handle}")
}

/// How a pending login ends without a profile.
enum Ended {
    Cancelled,
    Stopped(Stopped),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Self::Stopped(reason.into())
    }
}

/// The code of a callback that is what it claims to be.
fn accepted<'a>(connection: &Connection, addresses: &Addresses, params: &'a CallbackParams) -> Result<&'a str, Ended> {
    // Before anything else is believed, errors included [RFC 9207 §2.4].
    if !comes_from(connection, params.iss.as_deref(), addresses.require_iss) {
        return Err(Reason::IssuerMismatch.into());
    }
    match params.error.as_deref() {
        Some(error) if connection.is_cancel(error) => Err(Ended::Cancelled),
        Some("temporarily_unavailable" | "server_error") => Err(Stopped::Unavailable.into()),
        Some(error) => {
            let error: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
            tracing::warn!(connection = connection.id().as_str(), error, "upstream refuses the login");
            Err(Reason::ProviderRefused.into())
        }
        None => params.code.as_deref().ok_or_else(|| Reason::MalformedCallback.into()),
    }
}

fn comes_from(connection: &Connection, iss: Option<&str>, required: bool) -> bool {
    match (iss, connection.preset.issuer_rule) {
        (None, _) => !required,
        (Some(iss), IssuerRule::Exact | IssuerRule::WithoutScheme) => iss == connection.issuer,
        // Which tenant it is only the ID token will prove.
        (Some(iss), IssuerRule::Tenant) => {
            let around = connection.issuer.split_once("{tenantid}");
            iss == connection.issuer || around.is_some_and(|(head, tail)| iss.starts_with(head) && iss.ends_with(tail))
        }
    }
}

fn profile(connection: &Connection, identified: Identified, tokens: UpstreamTokens) -> UpstreamProfile {
    let Identified { issuer, person, claims } = identified;
    let trusted = connection.settings.trust_amr;
    let email_trust = person.email.as_ref().map(|(address, claimed)| connection.email_trust(address, *claimed));
    let acr = claims.get("acr").and_then(Value::as_str).filter(|_| trusted);
    let amr = claims.get("amr").and_then(Value::as_array).filter(|_| trusted);
    UpstreamProfile {
        key: IdentityKey { connection: connection.id().clone(), issuer, subject: person.subject },
        email: person.email.map(|(address, _)| address),
        email_trust: email_trust.unwrap_or_default(),
        attributes: person.attributes,
        auth_time: claims.get("auth_time").and_then(Value::as_i64).map(UnixTime),
        acr: acr.map(str::to_owned),
        amr: amr.into_iter().flatten().filter_map(|method| method.as_str().map(str::to_owned)).collect(),
        tokens,
    }
}
