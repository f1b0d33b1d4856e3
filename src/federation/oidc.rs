//! The OpenID Connect engine: a signed ID token says who it is; a profile may say more, about the same person only.

use serde_json::Value;

use super::connectors::identifier;
use super::failure::{Reason, Stopped};
use super::id_token;
use super::login::{Identified, Login};
use super::tokens::Tokens;

/// Finds out who signed in.
pub(super) async fn identify(login: &Login<'_>, tokens: &Tokens) -> Result<Identified, Stopped> {
    let token = tokens.id_token().ok_or(Reason::MalformedTokens)?;
    let id_token = id_token::verified(login, token, tokens.access()).await?;
    let claims = Value::Object(id_token.claims);
    let subject = identifier(&claims, "/sub").ok_or(Reason::SubjectMissing)?;
    let userinfo = login.userinfo(tokens, Some(&subject)).await?;
    let person = login.person(&claims, &userinfo, &Value::Null)?;
    let claims = match claims {
        Value::Object(claims) => claims,
        _ => serde_json::Map::new(),
    };
    Ok(Identified { issuer: id_token.issuer, person, claims })
}
