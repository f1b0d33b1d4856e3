//! What a relying party holds of a signed-in person.

use serde_json::{Map, Value};

use crate::model::digest::unb64;
use crate::model::{Secret, UnixTime};

/// The tokens of one sign-in.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) sub: String,
    pub(super) id_token: Secret<String>,
    pub(super) id_claims: Map<String, Value>,
    pub(super) access_token: Secret<String>,
    pub(super) access_expires_at: UnixTime,
    pub(super) refresh_token: Option<Secret<String>>,
    pub(super) received_at: UnixTime,
}

/// A refresh token that was replaced by its successor.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) token: Secret<String>,
    pub(super) spent_at: UnixTime,
}

/// The claims of a JWT, unchecked: for display, or because somebody checked them before. `None` for anything else.
pub(super) fn payload(jwt: &str) -> Option<Map<String, Value>> {
    let mut segments = jwt.split('.');
    let (Some(_), Some(payload), Some(_), None) = (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return None;
    };
    serde_json::from_slice(&unb64(payload)?).ok()
}

/// Beginning and end of a token: enough to tell two apart, too little to use.
pub(super) fn abbreviated(token: &Secret<String>) -> String {
    let characters: Vec<char> = token.expose().chars().collect();
    let part = |part: Option<&[char]>| part.unwrap_or_default().iter().collect::<String>();
    let from = characters.len().saturating_sub(6);
    format!("{}…{}", part(characters.get(..6.min(from))), part(characters.get(from..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::b64;

    #[test]
    fn only_three_segments_of_json_are_read() {
        let body = b64(br#"{"sub":"a"}"#);
        assert_eq!(payload(&format!("h.{body}.s")).unwrap()["sub"], "a");
        for other in ["", "opaque", "a.b", "a.b.c", &format!("h.{body}.s.x")] {
            assert!(payload(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_token_is_shown_in_part() {
        assert_eq!(abbreviated(&"abcdefghijklmnopqrstuvwxyz".into()), "abcdef…uvwxyz");
        assert_eq!(abbreviated(&"abc".into()), "…abc");
    }
}
