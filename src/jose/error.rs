//! What can go wrong with a key, and why a token is not believed.

/// A key or an operation with a key of our own failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// A stored signing key cannot be used.
    #[error("stored signing key {kid:?} is unusable: {reason}")]
    StoredKey {
        /// Which.
        kid: String,
        /// Why.
        reason: InvalidKey,
    },
    /// The claims do not serialise to a JSON object.
    #[error("claims do not serialise to a JSON object")]
    Claims,
    /// More content than a sealed token may carry.
    #[error("content is too long to seal")]
    TooLong,
    /// The cryptographic library refused to work.
    #[error("the cryptographic operation failed")]
    Crypto,
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It is not what its format says it is.
    #[error("malformed key")]
    Malformed,
    /// Its type, curve or container is not one we take part in.
    #[error("unsupported key type")]
    Unsupported,
    /// An RSA key below 2048 or above 8192 bits, or with an unsafe exponent [RFC 7518 §3.3].
    #[error("RSA key of unacceptable strength")]
    Weak,
    /// Private members where only a public key may be.
    #[error("private key material where a public key is expected")]
    Private,
    /// A shared secret where only a public key may be.
    #[error("symmetric key where a public key is expected")]
    Symmetric,
    /// The key cannot serve the algorithm named for it.
    #[error("key does not fit its algorithm")]
    Mismatch,
    /// More keys in a set than anybody needs.
    #[error("too many keys in the set")]
    TooMany,
}

/// Why a token is not believed. Nothing of it is for the sender's eyes beyond `invalid_token` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Longer than any token we accept.
    #[error("token too long")]
    TooLong,
    /// Not three parts of strict base64url with a JSON object for a header.
    #[error("not a compact JWS")]
    Malformed,
    /// The header carries its own key or an extension we do not know (`crit`, `jwk`, `jku`, `x5u`, `x5c`).
    #[error("forbidden header parameter")]
    Header,
    /// Not one of the algorithms expected of this sender.
    #[error("unexpected algorithm")]
    Alg,
    /// Another kind of token.
    #[error("unexpected token type")]
    Typ,
    /// No key of the sender fits; its key set may have changed since it was read.
    #[error("no matching key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("signature does not verify")]
    Signature,
    /// The claim is missing, has the wrong JSON type, or another value than expected.
    #[error("unacceptable claim {0}")]
    Claim(&'static str),
    /// Too late.
    #[error("token has expired")]
    Expired,
    /// Too early: `nbf` or `iat` lies ahead.
    #[error("token is not valid yet")]
    NotYet,
}
