//! How we show a host who we are.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::HostError;
use crate::jose::{self, SigningKey};
use crate::membership::error::InvalidSettings;
use crate::membership::settings::CredentialSettings;
use crate::model::{ProgrammeId, Random, Secret, UnixTime};

/// Seconds an assertion lives: one call.
const LIFETIME: i64 = 60;
/// The media type of such assertions, without `application/` [draft-ietf-oauth-rfc7523bis §4].
const TYP: &str = "client-authentication+jwt";

/// The credential, read and ready.
pub(super) enum Credential {
    Bearer(Secret<String>),
    Key { key: SigningKey, client_id: String },
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: UnixTime,
    exp: UnixTime,
    jti: String,
}

impl Credential {
    pub(super) fn read(programme: &ProgrammeId, settings: &CredentialSettings) -> Result<Self, InvalidSettings> {
        let wrong = |what| InvalidSettings::Programme { programme: programme.clone(), what };
        match settings {
            CredentialSettings::Bearer { secret_file: Some(path), secret: None } => {
                let secret = read_file(programme, path)?.expose().trim().to_owned();
                (!secret.is_empty()).then(|| Self::Bearer(secret.into())).ok_or_else(|| wrong("secret_file is empty"))
            }
            CredentialSettings::Bearer { secret_file: None, secret: Some(secret) } if !secret.expose().is_empty() => {
                Ok(Self::Bearer(secret.clone()))
            }
            CredentialSettings::Bearer { .. } => Err(wrong("auth needs one of secret_file and secret")),
            CredentialSettings::PrivateKeyJwt { key_file, alg, kid, client_id } => {
                let alg = alg.parse().map_err(|_| wrong("auth.alg is not supported"))?;
                let pem = read_file(programme, key_file)?;
                let key = SigningKey::from_pem(alg, kid.as_deref(), pem.expose())
                    .map_err(|_| wrong("key_file holds no private key for this alg"))?;
                Ok(Self::Key { key, client_id: client_id.clone() })
            }
        }
    }

    /// The bearer token of one call to the host at `audience`.
    pub(super) fn token(&self, audience: &str, random: &Random, now: UnixTime) -> Result<Secret<String>, HostError> {
        let (key, client_id) = match self {
            Self::Bearer(secret) => return Ok(secret.clone()),
            Self::Key { key, client_id } => (key, client_id),
        };
        let assertion = Assertion {
            iss: client_id,
            sub: client_id,
            aud: audience,
            iat: now,
            exp: now + LIFETIME,
            jti: random.handle(),
        };
        jose::sign(key, TYP, &assertion).map(Secret::new).map_err(|error| {
            tracing::error!(%error, "the key for the loyalty host does not sign");
            HostError::Unavailable
        })
    }
}

fn read_file(programme: &ProgrammeId, path: &Path) -> Result<Secret<String>, InvalidSettings> {
    fs::read_to_string(path).map(Secret::new).map_err(|source| InvalidSettings::File {
        programme: programme.clone(),
        path: path.display().to_string(),
        source,
    })
}
