//! What a token endpoint gave, and what is in it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// A successful token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub response: Value,
    pub access: String,
    pub refresh: Option<String>,
    /// The claims of the ID token, verified; null when there was none.
    pub id: Value,
    /// The ID token itself.
    pub id_token: String,
}

impl Tokens {
    #[track_caller]
    pub fn refresh(&self) -> &str {
        self.refresh.as_deref().expect("a refresh token")
    }

    #[track_caller]
    pub fn sub(&self) -> &str {
        self.id["sub"].as_str().expect("a subject")
    }

    /// The scope granted, as sorted names.
    pub fn scope(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.response["scope"].as_str().unwrap_or_default().split(' ').collect();
        names.sort_unstable();
        names
    }
}

/// A part of a JWT: 0 is the header, 1 the claims. Nothing is verified.
#[track_caller]
pub fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).expect("a JWT");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
