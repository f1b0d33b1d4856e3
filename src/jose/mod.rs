//! L0 — JSON Web Keys, signed tokens, and sealed ones: the only room that names signing cryptography.
//!
//! [`sign`] makes our tokens, [`verify`] believes ours and others' under an [`Expected`], a [`KeyRing`] holds our keys
//! and [`schedule`] says when they change. The key and the algorithm of a verification come from the caller, never
//! from the token. There is no I/O here: whoever needs a foreign key set fetches it and hands it in.
//! A new kind of token is a constructor of [`Expected`]; a new algorithm is a variant of [`Alg`].

mod alg;
#[cfg(test)]
mod attacks;
mod claims;
mod error;
mod half_hash;
mod jwk;
mod jws;
mod public_key;
mod ring;
mod rotation;
mod sealed;
mod signing_key;
mod verify;

pub use alg::{Alg, UnsupportedAlg};
pub use claims::Claims;
pub use error::{Error, InvalidKey, Rejected};
pub use half_hash::half_hash;
pub use jwk::{Jwk, KeyParameters};
pub use jws::{MAX_ID_TOKEN, MAX_TOKEN, Unsigned, Unverified, sign, unsigned};
pub use public_key::{JwkSet, KeySource, PublicKey};
pub use ring::KeyRing;
pub use rotation::{Action, Rotation, schedule};
pub use sealed::Sealer;
pub use signing_key::SigningKey;
pub use verify::{Audience, Expected, Expiry, Typ, hs256_sign, hs256_verify, verify};
