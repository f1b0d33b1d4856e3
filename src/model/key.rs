//! Signing keys as the store keeps them.

use super::{Secret, UnixTime};

/// A signing key with its schedule. Times follow one another: created ≤ active ≤ retired ≤ removed.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// `kid` in the JWKS and in every header.
    pub kid: String,
    /// The JWS algorithm it serves, e.g. `RS256`.
    pub alg: String,
    /// PKCS#8 DER; encrypted at rest.
    pub pkcs8: Secret<Vec<u8>>,
    /// When it was created and published.
    pub created_at: UnixTime,
    /// From when on it signs.
    pub active_at: UnixTime,
    /// When its successor took over; it still verifies.
    pub retired_at: Option<UnixTime>,
    /// When it leaves the JWKS.
    pub remove_at: Option<UnixTime>,
}
