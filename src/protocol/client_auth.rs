//! How a client presents its credential at the token endpoint and its kin [RFC 6749 §2.3, RFC 7523 §2.2].

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::params::form_urldecode;
use super::{ErrorCode, Params, Refused};
use crate::model::client::AuthMethod;
use crate::model::{ClientId, Secret};

/// `client_assertion_type` of a JWT [RFC 7523 §2.2].
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client presented; nothing of it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Only a name: a public client.
    Name(ClientId),
    /// A secret in the `Authorization` header.
    Basic(ClientId, Secret<String>),
    /// A secret in the form body.
    Post(ClientId, Secret<String>),
    /// A signed assertion, with the `client_id` parameter if there was one: it must then equal the assertion's `sub`.
    Assertion(Option<ClientId>, Secret<String>),
}

impl Presented {
    /// Reads the `Authorization` header and the body. Two credentials at once are refused [RFC 6749 §2.3], also when
    /// one of them is right.
    pub fn parse(authorization: Option<&str>, params: &Params) -> Result<Self, Refused> {
        let name = params.get("client_id").map(|id| ClientId::from(id.to_owned()));
        let secret = params.get("client_secret");
        let assertion = (params.get("client_assertion"), params.get("client_assertion_type"));
        let presented = [authorization.is_some(), secret.is_some(), assertion != (None, None)];
        if presented.into_iter().filter(|present| *present).count() > 1 {
            return Err(Refused::new(ErrorCode::InvalidRequest, "more than one client authentication method"));
        }
        match (authorization, secret, assertion) {
            (Some(header), _, _) => {
                let (id, secret) = parse_basic(header).ok_or_else(|| failed("malformed Authorization header"))?;
                if name.is_some_and(|name| name != id) {
                    return Err(failed("client_id differs from the Authorization header"));
                }
                Ok(Self::Basic(id, secret))
            }
            (None, Some(secret), _) => Ok(Self::Post(name.ok_or_else(missing)?, Secret::from(secret))),
            (None, None, (Some(assertion), Some(JWT_BEARER))) => Ok(Self::Assertion(name, Secret::from(assertion))),
            (None, None, (None, None)) => Ok(Self::Name(name.ok_or_else(missing)?)),
            (None, None, _) => Err(failed("malformed client assertion parameters")),
        }
    }

    /// The method it belongs to.
    pub const fn method(&self) -> AuthMethod {
        match self {
            Self::Name(_) => AuthMethod::None,
            Self::Basic(..) => AuthMethod::ClientSecretBasic,
            Self::Post(..) => AuthMethod::ClientSecretPost,
            Self::Assertion(..) => AuthMethod::PrivateKeyJwt,
        }
    }
}

fn failed(description: &'static str) -> Refused {
    Refused::new(ErrorCode::InvalidClient, description)
}

fn missing() -> Refused {
    failed("no client authentication")
}

/// Reads a Basic `Authorization` header: strict base64, then id and secret each form-urlencoded [RFC 6749 §2.3.1].
fn parse_basic(header: &str) -> Option<(ClientId, Secret<String>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || encoded.len() > 4096 {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim_start_matches(' ')).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let (id, secret) = (form_urldecode(id)?, form_urldecode(secret)?);
    if id.is_empty() || secret.is_empty() {
        return None;
    }
    Some((ClientId::from(id), Secret::new(secret)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn presented(header: Option<&str>, body: &str) -> Result<Presented, ErrorCode> {
        Presented::parse(header, &Params::parse(body).unwrap()).map_err(|refused| refused.code())
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn each_method_is_recognised() {
        let rp = || ClientId::from("rp");
        assert_eq!(presented(None, "client_id=rp"), Ok(Presented::Name(rp())));
        assert_eq!(presented(None, "client_id=rp&client_secret=s"), Ok(Presented::Post(rp(), "s".into())));
        assert_eq!(presented(Some(&basic("rp:s:t")), ""), Ok(Presented::Basic(rp(), "s:t".into())));
        assert_eq!(presented(Some(&basic("rp:s")), "client_id=rp"), Ok(Presented::Basic(rp(), "s".into())));
        let escaped = Presented::Basic(ClientId::from("r p"), "%:+".into());
        assert_eq!(presented(Some(&basic("r+p:%25%3A%2B")), ""), Ok(escaped));
        let lower = basic("rp:s").replacen("Basic", "bAsIc", 1);
        assert_eq!(presented(Some(&lower), "").unwrap().method(), AuthMethod::ClientSecretBasic);
        let body = Params::new().with("client_assertion_type", JWT_BEARER).with("client_assertion", "a.b.c");
        let assertion = presented(None, &body.to_urlencoded()).unwrap();
        assert_eq!(assertion, Presented::Assertion(None, "a.b.c".into()));
        assert_eq!(assertion.method(), AuthMethod::PrivateKeyJwt);
    }

    #[test]
    fn two_credentials_at_once_are_refused() {
        let assertion = format!("client_assertion_type={JWT_BEARER}&client_assertion=a");
        for (header, body) in [
            (Some(basic("rp:s")), "client_id=rp&client_secret=s".to_owned()),
            (Some(basic("rp:s")), assertion.clone()),
            (Some(basic("rp:s")), "client_assertion_type=x".to_owned()),
            (None, format!("client_id=rp&client_secret=s&{assertion}")),
        ] {
            assert_eq!(presented(header.as_deref(), &body), Err(ErrorCode::InvalidRequest), "{body}");
        }
    }

    #[test]
    fn broken_credentials_are_refused() {
        let good = BASE64_STANDARD.encode("rp:secrets");
        for header in [
            "Basic".to_owned(),
            "Basic ".to_owned(),
            "Bearer abc".to_owned(),
            format!("Basic{good}"),
            format!("Basic {good}="),
            format!("Basic {}", good.trim_end_matches('=')),
            format!("Basic {good}\n"),
            format!("Basic {good},"),
            format!("Basic !{good}"),
            format!("Basic {} {}", &good[..4], &good[4..]),
            "Basic cnA6cx==".to_owned(),
            basic("rp"),
            basic(":s"),
            basic("rp:"),
            basic("rp:%zz"),
            basic("rp:%FF"),
            basic("rp:%00"),
            format!("Basic {}", BASE64_STANDARD.encode([b'r', b':', 0xff])),
            basic(&format!("rp:{}", "s".repeat(5000))),
        ] {
            assert_eq!(presented(Some(&header), ""), Err(ErrorCode::InvalidClient), "{header}");
        }
        for body in [
            "",
            "client_secret=s",
            "client_id=",
            "client_id=rp&client_assertion=a",
            "client_id=rp&client_assertion=a&client_assertion_type=saml",
            "client_id=rp&client_assertion_type=x",
        ] {
            assert_eq!(presented(None, body), Err(ErrorCode::InvalidClient), "{body}");
        }
        assert_eq!(presented(Some(&basic("rp:s")), "client_id=other"), Err(ErrorCode::InvalidClient));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_by_the_book_is_understood(id in "[^\0]{1,20}", secret in "[^\0]{1,20}") {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let header = basic(&format!("{}:{}", encode(&id), encode(&secret)));
            let expected = Presented::Basic(ClientId::from(id), Secret::new(secret));
            prop_assert_eq!(presented(Some(&header), ""), Ok(expected));
        }

        #[test]
        fn reading_is_total(header: String) {
            let _ = presented(Some(&header), "");
            let _ = presented(Some(&format!("Basic {header}")), "");
        }
    }
}
