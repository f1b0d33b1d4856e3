//! The providers' signing keys, made when first needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::settings::Provider;
use crate::jose::{Alg, Error, SigningKey};

/// One of the keys a provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    /// Signs, unless a quirk says otherwise.
    First,
    /// Took over from the first.
    Rotated,
    /// In no key set.
    Unpublished,
}

/// Signing keys of all providers. A clone shares them: simulators that live one after the other need not make new
/// RSA keys each time.
#[derive(Clone, Default)]
pub struct SimulatorKeys(Arc<Mutex<BTreeMap<(Provider, Which), SigningKey>>>);

impl SimulatorKeys {
    /// LINE signs with ECDSA where it signs with a key at all; everybody else with RSA.
    const fn alg(provider: Provider) -> Alg {
        if matches!(provider, Provider::Line) { Alg::ES256 } else { Alg::RS256 }
    }

    pub(super) fn key(&self, provider: Provider, which: Which) -> Result<SigningKey, Error> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&(provider, which)) {
            return Ok(key.clone());
        }
        let number = match which {
            Which::First => 1,
            Which::Rotated => 2,
            Which::Unpublished => 3,
        };
        let key = SigningKey::generate(Self::alg(provider), Some(&format!("{provider}-{number}")))?;
        keys.insert((provider, which), key.clone());
        Ok(key)
    }

    /// The provider's key set; after a rotation the new key stands before the old one.
    pub(super) fn jwks(&self, provider: Provider, is_rotated: bool) -> Result<Value, Error> {
        let first = self.key(provider, Which::First)?.public_jwk().to_value();
        if !is_rotated {
            return Ok(json!({ "keys": [first] }));
        }
        Ok(json!({ "keys": [self.key(provider, Which::Rotated)?.public_jwk().to_value(), first] }))
    }
}
