//! Issues tokens about a person: the one place where an access token and an ID token leave together. Nothing is written
//! here: a grant issues first and then makes it stand, so that what fails on the way costs nobody a code or a token.

use serde_json::{Map, Value, json};

use super::access_token::AccessToken;
use super::grants::invalid_grant;
use super::release::Asked;
use super::{Error, Provider};
use crate::jose::{Alg, half_hash};
use crate::model::client::Client;
use crate::model::grant::Family;
use crate::model::{Fault, UnixTime};
use crate::policy::release::{Delivery, Release};
use crate::protocol::{ClaimsRequest, Scope, TokenResponse, TokenType, jwt_types};
use crate::store::Person;

/// What to issue.
pub(super) struct Issue<'a> {
    /// What it descends from.
    pub(super) family: &'a Family,
    /// Whom it is about.
    pub(super) person: &'a Person,
    /// The scope asked for now, within what was granted.
    pub(super) scope: &'a Scope,
    /// The request's `claims` parameter.
    pub(super) claims: &'a ClaimsRequest,
    /// The nonce, in the first ID token only [OIDC Core §12.2].
    pub(super) nonce: Option<&'a str>,
    /// A scope without which there is nothing to issue, asked for or not.
    pub(super) rests_on: Option<&'static str>,
}

impl Provider {
    /// Issues by today's facts: a scope the client may no longer ask for, or the person took back, is left out.
    pub(super) async fn issue(&self, client: &Client, issue: Issue<'_>, now: UnixTime) -> Result<TokenResponse, Error> {
        let family = issue.family;
        let judged = Scope::from_values(issue.scope.iter().chain(issue.rests_on));
        let asked = Asked::now(client, family.account, &judged, issue.claims, now);
        let release = self.judge(&asked, issue.person, now);
        if issue.rests_on.is_some_and(|scope| !release.scope().contains(scope)) {
            return Err(gone());
        }
        let scope = release.scope().filtered(|name| issue.scope.contains(name));
        let sub = self.subject_of(client, issue.person, now).await?.0;
        let token = AccessToken {
            sub: sub.clone(),
            auth_time: Some(family.authentication.time.0),
            acr: Some(family.authentication.acr.clone()),
            family: Some(family.id),
            ..self.access_token(client, &scope, now)
        };
        let access_token = self.encode_access_token(client, &token).await?;
        let id_token = if scope.contains("openid") {
            Some(self.id_token(client, &issue, &release, &token, &access_token).await?)
        } else {
            None
        };
        Ok(TokenResponse {
            access_token,
            token_type: TokenType::Bearer,
            expires_in: self.0.lifetimes.access,
            refresh_token: None,
            id_token,
            scope,
        })
    }

    async fn id_token(
        &self,
        client: &Client,
        issue: &Issue<'_>,
        release: &Release,
        token: &AccessToken,
        access_token: &str,
    ) -> Result<String, Fault> {
        let (family, now) = (issue.family, UnixTime(token.iat));
        let alg: Alg =
            client.id_token_signed_response_alg.parse().map_err(|error| Fault::new("find a signing key", error))?;
        // What the rules release can never overwrite what the protocol asserts: it goes in first.
        let mut claims = release.claims_for(Delivery::IdToken);
        let asserted = json!({
            "iss": self.issuer(),
            "sub": token.sub,
            "aud": client.id,
            "exp": (now + self.0.lifetimes.id).0,
            "iat": now.0,
            "auth_time": family.authentication.time.0,
            "acr": family.authentication.acr,
            "amr": family.authentication.amr,
            "at_hash": half_hash(alg, access_token),
        });
        if let Value::Object(asserted) = asserted {
            claims.extend(asserted);
        }
        insert_some(&mut claims, "nonce", issue.nonce.map(str::to_owned));
        insert_some(&mut claims, "sid", family.session.map(|session| session.to_string()));
        self.0.keys.sign(alg, jwt_types::JWT, &claims, now).await
    }
}

/// There is nothing to issue any more.
pub(super) fn gone() -> Error {
    invalid_grant("what was granted is not granted any more")
}

fn insert_some(claims: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        claims.insert(name.to_owned(), Value::String(value));
    }
}
