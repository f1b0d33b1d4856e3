//! Bearer tokens in requests, and what an endpoint answers to a bad one [RFC 6750].

use super::{ErrorCode, Refused};

/// The token of an `Authorization` header; the scheme's case does not matter [RFC 9110 §11.1].
/// `None` when the header is of another scheme or no `b64token` [RFC 6750 §2.1].
pub fn parse_bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_matches(' ');
    let body = token.trim_end_matches('=');
    let is_b64token = !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'));
    (scheme.eq_ignore_ascii_case("Bearer") && is_b64token).then_some(token)
}

/// The `WWW-Authenticate` header of a refusal by a protected resource. A request that carried no token at all is told
/// no error [RFC 6750 §3.1].
pub fn bearer_challenge(refused: Option<&Refused>, scope: Option<&str>) -> String {
    let mut parts = vec![r#"Bearer realm="comity""#.to_owned()];
    if let Some(refused) = refused {
        parts.push(format!(r#"error="{}""#, refused.code()));
        if !refused.description().is_empty() {
            parts.push(format!(r#"error_description="{}""#, refused.description()));
        }
        if let (ErrorCode::InsufficientScope, Some(scope)) = (refused.code(), scope) {
            parts.push(format!(r#"scope="{scope}""#));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_any_spelling_of_the_scheme() {
        for header in ["Bearer a.b-c_~+/9==", "bearer a.b-c_~+/9==", "BEARER  a.b-c_~+/9=="] {
            assert_eq!(parse_bearer(header), Some("a.b-c_~+/9=="), "{header}");
        }
        for header in
            ["", "Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a=b", "Bearer a,b", "DPoP a", "Bearera"]
        {
            assert_eq!(parse_bearer(header), None, "{header}");
        }
    }

    #[test]
    fn challenges_say_what_is_wrong() {
        assert_eq!(bearer_challenge(None, None), r#"Bearer realm="comity""#);
        let expired = Refused::new(ErrorCode::InvalidToken, "the token has expired");
        assert_eq!(
            bearer_challenge(Some(&expired), Some("openid")),
            r#"Bearer realm="comity", error="invalid_token", error_description="the token has expired""#
        );
        let narrow = Refused::from(ErrorCode::InsufficientScope);
        assert_eq!(
            bearer_challenge(Some(&narrow), Some("openid")),
            r#"Bearer realm="comity", error="insufficient_scope", scope="openid""#
        );
    }
}
