//! Hashes, and the base64url they are written in.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of `text` as 43 characters of base64url.
pub fn sha256_b64(text: &str) -> String {
    b64(&sha256(text.as_bytes()))
}

/// HMAC-SHA-256 of `message` [RFC 2104].
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// Base64url without padding [RFC 4648 §5].
pub fn b64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a base64url text. Padding, foreign characters and unused bits that are not zero give `None`:
/// each byte string has exactly one spelling.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_match_the_published_vectors() {
        // FIPS 180-4 "abc"; RFC 4231 §4.3.
        assert_eq!(sha256_b64("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }

    #[test]
    fn loose_base64url_is_refused() {
        assert_eq!(unb64("AQ"), Some(vec![1]));
        for loose in ["AQ==", "AR", "A", "A Q", "AQ\n", "+/+/", "A.Q", "AQ=", "ÄQ"] {
            assert_eq!(unb64(loose), None, "{loose:?}");
        }
    }

    #[test]
    fn comparison_tells_content_and_length_apart() {
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"abcd"));
        assert!(constant_time_eq(b"", b""));
    }

    proptest! {
        #[test]
        fn every_byte_string_has_one_spelling(bytes: Vec<u8>, text in "[A-Za-z0-9_=+/-]{0,12}") {
            let encoded = b64(&bytes);
            prop_assert_eq!(unb64(&encoded), Some(bytes));
            if let Some(decoded) = unb64(&text) {
                prop_assert_eq!(b64(&decoded), text);
            }
        }
    }
}
