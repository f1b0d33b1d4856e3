//! The only source of randomness in the house.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::{Builder, Uuid};

use super::secret::Secret;
use super::time::UnixTime;

/// Draws from the operating system's generator.
#[derive(Clone, Debug)]
pub struct Random(SystemRandom);

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl Random {
    /// The system's generator.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done without it.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        assert!(self.0.fill(&mut bytes).is_ok(), "the operating system's random generator failed");
        bytes
    }

    /// A bearer secret: 256 bits as 43 characters of base64url.
    pub fn token(&self) -> Secret<String> {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<32>()))
    }

    /// An opaque handle: 128 bits as 22 characters of base64url.
    pub fn handle(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }

    /// `length` decimal digits, each equally likely.
    pub fn digits(&self, length: usize) -> Secret<String> {
        let mut digits = String::with_capacity(length);
        while digits.len() < length {
            let [byte] = self.bytes::<1>();
            // 250 is the largest multiple of ten a byte holds: the rest would favour the low digits.
            if byte < 250 {
                digits.push(char::from(b'0' + byte % 10));
            }
        }
        Secret::new(digits)
    }

    /// A new identifier of any kind: UUIDv7, ordered by `now` [RFC 9562 §5.7].
    pub fn id<T: From<Uuid>>(&self, now: UnixTime) -> T {
        let milliseconds = u64::try_from(now.0).unwrap_or(0).saturating_mul(1000);
        Builder::from_unix_timestamp_millis(milliseconds, &self.bytes::<10>()).into_uuid().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_length_asked_for_and_every_digit_occurs() {
        let text = Random::new().digits(2000);
        assert_eq!(text.expose().len(), 2000);
        assert!(('0'..='9').all(|digit| text.expose().contains(digit)));
    }

    #[test]
    fn ids_sort_by_time() {
        let random = Random::new();
        let early: Uuid = random.id(UnixTime(1000));
        let late: Uuid = random.id(UnixTime(1001));
        assert!(early < late);
    }
}
