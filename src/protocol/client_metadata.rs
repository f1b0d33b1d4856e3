//! What a client's metadata must be like [OIDC Registration §2, RFC 7591 §2, RFC 8252 §7].

use url::{Host, Url};

use crate::model::client::{AuthMethod, Client, GrantType, SubjectType};

/// Schemes that run or read things in a browser instead of leading to an application.
const FORBIDDEN_SCHEMES: &[&str] =
    &["javascript", "data", "file", "blob", "about", "vbscript", "view-source", "filesystem"];

/// Everything wrong with a client's metadata, one sentence each; empty when it can be registered.
pub fn problems(client: &Client) -> Vec<String> {
    let mut problems = Vec::new();
    let mut say = |problem: String| problems.push(format!("client {:?}: {problem}", client.id.as_str()));
    check_id(client, &mut say);
    for uri in &client.redirect_uris {
        if let Err(reason) = check_redirect_uri(uri) {
            say(format!("redirect_uris: {uri:?} {reason}"));
        }
    }
    for uri in &client.post_logout_redirect_uris {
        if let Err(reason) = check_redirect_uri(uri) {
            say(format!("post_logout_redirect_uris: {uri:?} {reason}"));
        }
    }
    check_grants(client, &mut say);
    check_subject(client, &mut say);
    for uri in [&client.logo_uri, &client.policy_uri, &client.tos_uri, &client.client_uri].into_iter().flatten() {
        if uri.scheme() != "https" && !is_local(uri) {
            say(format!("{uri} must be https"));
        }
    }
    problems
}

fn check_id(client: &Client, say: &mut impl FnMut(String)) {
    let id = client.id.as_str();
    if id.is_empty() || id.len() > 200 || !id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        say("client_id must be 1 to 200 printable ASCII characters without spaces".to_owned());
    }
    if id.starts_with("u_") || id.starts_with("p_") {
        say("client_id must not begin with u_ or p_: subjects of people do".to_owned());
    }
    let name = client.client_name.chars().count();
    if name == 0 || name > 100 || client.client_name.chars().any(char::is_control) {
        say("client_name must be 1 to 100 characters".to_owned());
    }
    for (name, alg) in [
        ("id_token_signed_response_alg", &client.id_token_signed_response_alg),
        ("access_token_signed_response_alg", &client.access_token_signed_response_alg),
    ] {
        if !["RS256", "PS256", "ES256", "EdDSA"].contains(&alg.as_str()) {
            say(format!("{name} must be RS256, PS256, ES256 or EdDSA"));
        }
    }
    if !(0..=60).contains(&client.refresh_grace_seconds) {
        say("refresh_grace_seconds must be between 0 and 60".to_owned());
    }
}

fn check_grants(client: &Client, say: &mut impl FnMut(String)) {
    if client.allows_grant(GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
        say("redirect_uris must not be empty for the grant authorization_code".to_owned());
    }
    if client.allows_grant(GrantType::ClientCredentials) && client.is_public() {
        say("the grant client_credentials needs client authentication".to_owned());
    }
    match (client.token_endpoint_auth_method, &client.jwks) {
        (AuthMethod::PrivateKeyJwt, None) => say("jwks is missing for private_key_jwt".to_owned()),
        (_, Some(keys)) if crate::jose::JwkSet::parse(keys).is_err() => {
            say("jwks must be public keys: RSA of 2048 bits or more, P-256, Ed25519".to_owned());
        }
        _ => {}
    }
}

fn check_subject(client: &Client, say: &mut impl FnMut(String)) {
    if client.subject_type != SubjectType::Pairwise || client.sector_identifier_uri.is_some() {
        return;
    }
    let mut hosts: Vec<_> = client.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()).collect();
    hosts.dedup_by(|a, b| a.host_str() == b.host_str());
    if hosts.len() > 1 {
        say("sector_identifier_uri is needed: pairwise clients have redirect URIs on one host [OIDC Core §8.1]"
            .to_owned());
    }
}

/// Why a redirect URI cannot be registered. It is kept as it is written: only what is unsafe anywhere is refused.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "is no absolute URI")?;
    if uri.contains('#') {
        return Err("must not have a fragment");
    }
    if uri.contains(['*', '\\']) || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must not have wildcards, backslashes, spaces, control or non-ASCII characters");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_local(&url) => Ok(()),
        "http" => Err("must be https, or http on a loopback address"),
        scheme if FORBIDDEN_SCHEMES.contains(&scheme) => Err("has a scheme that leads to no application"),
        // A reversed domain name is the only thing that tells an application's scheme from anybody's [RFC 8252 §7.1].
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("must have a scheme with a dot, such as com.example.app"),
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_lead_to_an_application_and_nowhere_else() {
        for good in [
            "https://rp.example/cb",
            "https://rp.example/cb?x=1",
            "http://127.0.0.1/cb",
            "http://[::1]:8000/cb",
            "http://localhost:8000/cb",
            "http://shop.localhost:8080/cb",
            "com.skyway.go:/cb",
        ] {
            assert_eq!(check_redirect_uri(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "http://rp.example/cb",
            "http://localhost.evil.example/cb",
            "https://rp.example/cb#f",
            "https://rp.example/cb#",
            "https://*.example/cb",
            "https://user@rp.example/cb",
            "https://rp.example\\@evil.example/cb",
            "https://rp.example/c b",
            "https://rp.example/돌아",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "skyway:/cb",
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad}");
        }
    }
}
