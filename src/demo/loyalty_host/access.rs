//! Who may call the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::jose::{Alg, Audience, Expected, JwkSet, verify};
use crate::model::digest::constant_time_eq;
use crate::model::{Secret, UnixTime};

/// The credential the host expects of its one caller.
#[derive(Clone, Debug)]
pub enum Access {
    /// A shared secret as bearer token.
    Bearer(Secret<String>),
    /// A signed assertion per call, each used once.
    Assertion {
        /// The caller's public keys.
        keys: JwkSet,
        /// The caller's name here.
        client_id: String,
        /// The host's base URL.
        audience: Arc<Mutex<String>>,
        /// Assertions already used, until they expire.
        seen: Arc<Mutex<HashMap<String, UnixTime>>>,
    },
}

impl Access {
    /// Expects assertions of a caller with these keys.
    pub fn assertion(keys: JwkSet, client_id: &str, audience: &str) -> Self {
        Self::Assertion {
            keys,
            client_id: client_id.to_owned(),
            audience: Arc::new(Mutex::new(audience.to_owned())),
            seen: Arc::default(),
        }
    }

    /// Expects assertions made for another base URL from now on.
    pub fn set_audience(&self, base_url: &str) {
        if let Self::Assertion { audience, .. } = self {
            base_url.clone_into(&mut audience.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Whether the value of an `Authorization` header is the caller's.
    pub(super) fn admits(&self, authorization: Option<&str>, now: UnixTime) -> bool {
        let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
        match self {
            Self::Bearer(secret) => constant_time_eq(token.as_bytes(), secret.expose().as_bytes()),
            Self::Assertion { keys, client_id, audience, seen } => {
                let audience = audience.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let audience = [audience.as_str()];
                let expected = Expected::client_assertion(&Alg::ALL, client_id, Audience::Only(&audience));
                let Ok(claims) = verify(token, keys, &expected, now) else { return false };
                let (Some(jti), Some(expires_at)) = (claims.jti(), claims.expires_at()) else { return false };
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.retain(|_, expires_at| now <= *expires_at + 60);
                seen.insert(jti.to_owned(), expires_at).is_none()
            }
        }
    }
}
