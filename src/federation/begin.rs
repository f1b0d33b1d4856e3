//! Sending a browser to a provider.

use ::oauth2::{
    AuthUrl, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use openidconnect::Nonce;
use url::Url;

use super::connection::Connection;
use super::connections::Federation;
use super::connector::{Parameter, Protocol};
use super::discovery::addresses;
use super::failure::Failure;
use super::pending::{Begin, Intent, PENDING, Pending, RETRIES, Retry};
use super::tokens::OauthClient;
use crate::model::{ConnectionId, Random};

impl Federation {
    /// Begins a login: where to send the browser. Nobody but this browser can finish it, once, within ten minutes.
    pub async fn begin(&self, connection: &ConnectionId, begin: Begin) -> Result<Url, Failure> {
        let connection = self.enabled(connection).ok_or(Failure::Unknown)?;
        if connection.preset.retry.is_some() {
            let retry = Retry { txn: begin.txn.clone(), intent: begin.intent };
            self.0.cache.put(&RETRIES, &retry_key(connection, &begin.browser), &retry).await?;
        }
        self.send(connection, begin, None).await
    }

    /// A callback came with a `state` nobody knows. A provider known to lose it gets one more chance for the login
    /// this browser has under way there.
    pub(super) async fn retry(&self, connection: &Connection, browser: &str) -> Result<Failure, Failure> {
        let Some(parameter) = connection.preset.retry else { return Ok(Failure::Unknown) };
        let retry = self.0.cache.take(&RETRIES, &retry_key(connection, browser)).await?;
        let Some(Retry { txn, intent }) = retry else { return Ok(Failure::Unknown) };
        let begin = Begin { txn: txn.clone(), browser: browser.to_owned(), intent, login_hint: None };
        let location = self.send(connection, begin, Some(parameter)).await?;
        Ok(Failure::Retry { txn, location })
    }

    async fn send(&self, connection: &Connection, begin: Begin, extra: Option<Parameter>) -> Result<Url, Failure> {
        let parts = &*self.0;
        let now = parts.clock.now();
        let addresses = addresses(connection, &parts.outbound, now).await;
        let addresses = addresses.map_err(|stopped| stopped.of(begin.txn.clone()))?;
        let secrets = Secrets::draw(&parts.random, connection.pkce);
        let hint = begin.login_hint.as_deref().filter(|_| connection.preset.login_hint);
        let url = authorization_url(connection, &addresses.authorization, &secrets, begin.intent, hint, extra);
        let pending = Pending {
            connection: connection.id().clone(),
            txn: begin.txn,
            browser: begin.browser,
            intent: begin.intent,
            nonce: secrets.nonce.secret().clone(),
            code_verifier: secrets.verifier.map(|verifier| verifier.secret().clone()),
            begun_at: now,
        };
        parts.cache.put(&PENDING, secrets.state.secret(), &pending).await?;
        Ok(url)
    }
}

pub(super) fn retry_key(connection: &Connection, browser: &str) -> String {
    format!("{}|{browser}", connection.id())
}

/// What binds the answer to the request.
struct Secrets {
    state: CsrfToken,
    nonce: Nonce,
    verifier: Option<PkceCodeVerifier>,
}

impl Secrets {
    fn draw(random: &Random, pkce: bool) -> Self {
        let token = || random.token().expose().clone();
        Self {
            state: CsrfToken::new(token()),
            nonce: Nonce::new(token()),
            verifier: pkce.then(|| PkceCodeVerifier::new(token())),
        }
    }
}

fn authorization_url(
    connection: &Connection,
    endpoint: &Url,
    secrets: &Secrets,
    intent: Intent,
    login_hint: Option<&str>,
    extra: Option<Parameter>,
) -> Url {
    let preset = connection.preset;
    let client: OauthClient<EndpointSet, EndpointNotSet> =
        OauthClient::new(ClientId::new(connection.settings.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(endpoint.clone()))
            .set_redirect_uri(RedirectUrl::from_url(connection.redirect_uri.clone()));
    let mut request = client.authorize_url(|| secrets.state.clone());
    let scope = connection.scope();
    if !scope.is_empty() {
        request = request.add_scope(Scope::new(scope));
    }
    if let Some(verifier) = &secrets.verifier {
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(verifier));
    }
    if preset.protocol == Protocol::Oidc {
        request = request.add_extra_param("nonce", secrets.nonce.secret());
    }
    if preset.form_post {
        request = request.add_extra_param("response_mode", "form_post");
    }
    if let Some(address) = login_hint.filter(|hint| is_address(hint)) {
        request = request.add_extra_param("login_hint", address);
    }
    let by_intent = match intent {
        Intent::SignIn => &[],
        Intent::Link(_) => preset.choose_account,
        Intent::Reauthenticate(_) => preset.reauthenticate,
    };
    let own = connection.settings.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut sent: Vec<&str> = Vec::new();
    // Of two values for one parameter the more particular counts: providers refuse repetitions.
    for (name, value) in
        extra.into_iter().chain(by_intent.iter().copied()).chain(own).chain(preset.parameters.iter().copied())
    {
        if !sent.contains(&name) {
            sent.push(name);
            request = request.add_extra_param(name, value);
        }
    }
    request.url().0
}

/// Whether a hint looks like an address and nothing else: a provider must not be steered by it.
fn is_address(hint: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"@.+-_".contains(&byte);
    hint.len() <= 254 && hint.split('@').count() == 2 && hint.bytes().all(sound)
}
