//! Opaque tokens that carry their own content.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::Error;
use crate::model::digest::{b64, hmac_sha256, unb64};
use crate::model::{Random, Secret};

/// Seals bytes into text only we can read or change. The type tag is part of the seal: what was sealed as one kind
/// does not open as another.
#[derive(Clone)]
pub struct Sealer {
    key: Secret<[u8; 32]>,
    random: Random,
}

const SALT: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const MAX_CONTENT: usize = 8 * 1024;
/// Base64url of the largest content with salt, nonce and tag, rounded up.
const MAX_SEALED: usize = 12 * 1024;

impl Sealer {
    /// A sealer under a key that serves nothing else.
    pub fn new(key: [u8; 32], random: Random) -> Self {
        Self { key: Secret::new(key), random }
    }

    /// Seals at most 8 KB as a value of the kind `type_tag`: base64url, no two alike.
    pub fn seal(&self, type_tag: &str, plaintext: &[u8]) -> Result<String, Error> {
        if plaintext.len() > MAX_CONTENT {
            return Err(Error::TooLong);
        }
        self.seal_bytes(type_tag, plaintext).map(|sealed| b64(&sealed))
    }

    /// Opens what [`seal`](Self::seal) made under the same tag; anything else gives `None`.
    pub fn open(&self, type_tag: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_SEALED {
            return None;
        }
        self.open_bytes(type_tag, &unb64(text)?)
    }

    /// Seals bytes of any length that stay in our own records.
    pub fn seal_bytes(&self, type_tag: &str, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let salt = self.random.bytes::<SALT>();
        let nonce = self.random.bytes::<NONCE>();
        let key = self.message_key(&salt).ok_or(Error::Crypto)?;
        let mut whole = Vec::with_capacity(SALT + NONCE + plaintext.len() + TAG);
        for part in [&salt[..], &nonce, plaintext] {
            whole.extend_from_slice(part);
        }
        let (_, content) = whole.split_at_mut(SALT + NONCE);
        let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(type_tag.as_bytes()));
        let tag = key.seal_in_place_separate_tag(nonce, aad, content).map_err(|_| Error::Crypto)?;
        whole.extend_from_slice(tag.as_ref());
        Ok(whole)
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) made under the same tag; anything else gives `None`.
    pub fn open_bytes(&self, type_tag: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = bytes.split_first_chunk::<SALT>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            self.message_key(salt)?.open_in_place(nonce, Aad::from(type_tag.as_bytes()), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }

    /// A key of its own for each message: random nonces of 96 bits would wear one key out after 2³² tokens, which a
    /// busy deployment issues within weeks.
    fn message_key(&self, salt: &[u8; SALT]) -> Option<LessSafeKey> {
        let key = Secret::new(hmac_sha256(self.key.expose(), salt));
        UnboundKey::new(&AES_256_GCM, key.expose()).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(key: u8) -> Sealer {
        Sealer::new([key; 32], Random::new())
    }

    #[test]
    fn opens_only_under_its_tag_and_key() {
        let sealed = sealer(1).seal("access_token", b"content").unwrap();
        assert_eq!(sealer(1).open("access_token", &sealed), Some(b"content".to_vec()));
        assert_eq!(sealer(1).open("refresh_token", &sealed), None);
        assert_eq!(sealer(1).open("access_toke", &sealed), None);
        assert_eq!(sealer(1).open("", &sealed), None);
        assert_eq!(sealer(2).open("access_token", &sealed), None);
        assert_ne!(sealed, sealer(1).seal("access_token", b"content").unwrap());
    }

    #[test]
    fn what_is_sealed_is_never_too_long_to_open() {
        let sealed = sealer(1).seal("t", &[7; MAX_CONTENT]).unwrap();
        assert_eq!(sealer(1).open("t", &sealed).unwrap().len(), MAX_CONTENT);
        assert!(matches!(sealer(1).seal("t", &[7; MAX_CONTENT + 1]), Err(Error::TooLong)));
    }

    #[test]
    fn shortened_lengthened_and_altered_tokens_stay_shut() {
        let token = sealer(1).seal("t", b"0123456789").unwrap();
        assert_eq!(token.len(), 72, "54 bytes: salt, nonce, content, tag of 16");
        for length in 0..token.len() {
            assert_eq!(sealer(1).open("t", &token[..length]), None, "{length}");
        }
        for tail in ["A", "AA", "AAAA", "=", ".", " ", "\n"] {
            assert_eq!(sealer(1).open("t", &format!("{token}{tail}")), None, "{tail:?}");
            assert_eq!(sealer(1).open("t", &format!("{tail}{token}")), None, "{tail:?}");
        }
        for position in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer(1).open("t", std::str::from_utf8(&altered).unwrap()), None, "{position}");
        }
        assert_eq!(sealer(1).open("t", &"A".repeat(MAX_SEALED + 1)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_unchanged(tag: String, content: Vec<u8>) {
            let sealer = sealer(7);
            prop_assert_eq!(sealer.open(&tag, &sealer.seal(&tag, &content).unwrap()), Some(content));
        }

        #[test]
        fn noise_never_opens(text in "[A-Za-z0-9_.=-]{0,200}") {
            prop_assert_eq!(sealer(7).open("t", &text), None);
        }
    }
}
