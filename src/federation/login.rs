//! A login in the middle: everything the engines need to finish it.

use serde_json::{Map, Value};
use url::Url;

use super::connection::Connection;
use super::connector::{Answers, Person};
use super::connectors::{identifier, text};
use super::discovery::Addresses;
use super::failure::{Reason, Stopped};
use super::http::{fetch, object};
use super::pending::Pending;
use super::tokens::Tokens;
use crate::model::digest::hmac_sha256;
use crate::model::{Secret, UnixTime};
use crate::outbound::{Outbound, Request};

/// A login whose answer has come back to the right browser.
#[derive(Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) connection: &'a Connection,
    pub(super) outbound: &'a Outbound,
    pub(super) addresses: &'a Addresses,
    pub(super) pending: &'a Pending,
    pub(super) state: &'a str,
    /// The unsigned `user` object, `null` when there is none.
    pub(super) user: &'a Value,
    pub(super) now: UnixTime,
}

/// What an engine found out.
#[derive(Debug)]
pub(super) struct Identified {
    pub(super) issuer: String,
    pub(super) person: Person,
    /// Claims of the ID token; empty for OAuth 2.0.
    pub(super) claims: Map<String, Value>,
}

impl Login<'_> {
    /// Reads a person out of the answers.
    pub(super) fn person(&self, id_token: &Value, userinfo: &Value, emails: &Value) -> Result<Person, Stopped> {
        let pointers = &self.connection.settings.claims;
        let answers = Answers { id_token, userinfo, emails, user: self.user, pointers };
        (self.connection.preset.map)(&answers).ok_or_else(|| Reason::SubjectMissing.into())
    }

    /// The profile, `null` when this connection does without. `subject` is what it must be about.
    pub(super) async fn userinfo(&self, tokens: &Tokens, subject: Option<&str>) -> Result<Value, Stopped> {
        let (true, Some(url)) = (self.connection.userinfo, &self.addresses.userinfo) else { return Ok(Value::Null) };
        let (query, mut url) = (self.connection.preset.userinfo.query, url.clone());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        if self.connection.preset.userinfo.proof {
            self.prove(&mut url, tokens.access());
        }
        let request = authorized(url, tokens).accept_json();
        let (members, _) = object(self.outbound, request, Reason::ProfileRejected).await?;
        let profile = Value::Object(members);
        let success = self.connection.preset.userinfo.success;
        if success.is_some_and(|(name, wanted)| profile.get(name).and_then(Value::as_str) != Some(wanted)) {
            let code = success.and_then(|(name, _)| text(&profile, &format!("/{name}")));
            tracing::warn!(connection = self.connection.id().as_str(), code, "upstream profile request failed");
            return Err(Reason::ProfileRejected.into());
        }
        let about = identifier(&profile, self.connection.preset.userinfo.subject);
        if subject.is_some() && about.as_deref() != subject {
            return Err(Reason::SubjectMismatch.into());
        }
        Ok(profile)
    }

    /// The list of e-mail addresses, `null` when there is none to be had: people may keep it to themselves.
    pub(super) async fn emails(&self, tokens: &Tokens) -> Result<Value, Stopped> {
        let Some(url) = &self.addresses.emails else { return Ok(Value::Null) };
        let request = authorized(url.clone(), tokens).accept_json();
        let response = fetch(self.outbound, request, Reason::ProfileRejected).await?;
        if !response.is_success() {
            return Ok(Value::Null);
        }
        response.json().map_err(|_| Reason::ProfileRejected.into())
    }

    fn prove(&self, url: &mut Url, access_token: &str) {
        if let Some(secret) = &self.connection.settings.client_secret {
            url.query_pairs_mut().append_pair("appsecret_proof", &proof(secret, access_token));
        }
    }
}

fn authorized(url: Url, tokens: &Tokens) -> Request {
    Request::get(url).bearer(&Secret::new(tokens.access().to_owned()))
}

/// Shows that whoever uses the token also knows the client's secret.
pub(super) fn proof(secret: &Secret<String>, access_token: &str) -> String {
    let tag = hmac_sha256(secret.expose().as_bytes(), access_token.as_bytes());
    tag.iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.extend([byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
        hex
    })
}
