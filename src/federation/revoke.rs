//! Taking back a link at the provider.

use http::header::AUTHORIZATION;
use serde_json::json;
use url::Url;

use super::connection::Connection;
use super::connections::Federation;
use super::connector::{ClientAuth, Revocation};
use super::discovery::addresses;
use super::failure::Revoked;
use super::login::proof;
use crate::model::identity::{IdentityKey, UpstreamTokens};
use crate::model::{Secret, UnixTime};
use crate::outbound::Request;

impl Federation {
    /// Tells the provider that this identity is no longer linked here, as well as it can be told. Works for disabled
    /// connections too. Never a condition for unlinking: call it after.
    pub async fn revoke(&self, identity: &IdentityKey, tokens: &UpstreamTokens) -> Revoked {
        let Some(connection) = self.connection(&identity.connection) else { return Revoked::NotOffered };
        let (outbound, now) = (&self.0.outbound, self.0.clock.now());
        let Ok(addresses) = addresses(connection, outbound, now).await else { return Revoked::Failed };
        let Some(address) = addresses.revocation else { return Revoked::NotOffered };
        let address = address
            .replace("{subject}", &escaped(&identity.subject))
            .replace("{client_id}", &escaped(&connection.settings.client_id));
        let Ok(url) = Url::parse(&address) else { return Revoked::Failed };
        let Some(request) = request(connection, url, tokens, now) else { return Revoked::NotOffered };
        match outbound.fetch(request).await {
            Ok(response) if response.is_success() => Revoked::Done,
            Ok(response) => {
                let status = response.status.as_u16();
                tracing::warn!(connection = connection.id().as_str(), status, "upstream did not take the link back");
                Revoked::Failed
            }
            Err(_) => Revoked::Failed,
        }
    }
}

/// The request, if we hold what it takes.
fn request(connection: &Connection, url: Url, tokens: &UpstreamTokens, now: UnixTime) -> Option<Request> {
    let access = tokens.access_token.as_ref();
    match connection.preset.revocation {
        Revocation::None => None,
        Revocation::Rfc7009 => {
            // The refresh token stands for the whole grant, and outlives the access token.
            let (token, hint) = match (&tokens.refresh_token, access) {
                (Some(token), _) => (token, "refresh_token"),
                (None, Some(token)) => (token, "access_token"),
                (None, None) => return None,
            };
            form(connection, url, &[("token", token.expose()), ("token_type_hint", hint)], now)
        }
        Revocation::AccessTokenForm => form(connection, url, &[("access_token", access?.expose())], now),
        Revocation::BearerPost => Some(Request::post_form(url, &[]).bearer(access?)),
        Revocation::DeleteProven => {
            let proof = proof(connection.settings.client_secret.as_ref()?, access?.expose());
            let mut url = url;
            url.query_pairs_mut().append_pair("appsecret_proof", &proof);
            Some(Request::delete(url).bearer(access?))
        }
        Revocation::DeleteBasic => {
            let body = json!({ "access_token": access?.expose() }).to_string().into_bytes();
            let secret = connection.client_secret(now)?;
            let request = Request::delete(url).body("application/json", body);
            Some(request.header(AUTHORIZATION.as_str(), &basic(&connection.settings.client_id, &secret)))
        }
    }
}

/// A form with the client's credentials where the connection puts them.
fn form(connection: &Connection, url: Url, fields: &[(&str, &str)], now: UnixTime) -> Option<Request> {
    let client_id = connection.settings.client_id.as_str();
    let mut fields = fields.to_vec();
    let secret = connection.client_secret(now);
    let request = match (connection.client_auth(), &secret) {
        (ClientAuth::ClientSecretBasic, Some(secret)) => {
            let authorization = basic(&escaped(client_id), &Secret::new(escaped(secret.expose())));
            Request::post_form(url, &fields).header(AUTHORIZATION.as_str(), &authorization)
        }
        (ClientAuth::None, _) => {
            fields.push(("client_id", client_id));
            Request::post_form(url, &fields)
        }
        (_, Some(secret)) => {
            fields.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            Request::post_form(url, &fields)
        }
        (_, None) => return None,
    };
    Some(request)
}

fn basic(user: &str, password: &Secret<String>) -> String {
    use base64::Engine;
    let pair = format!("{user}:{}", password.expose());
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
