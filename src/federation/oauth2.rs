//! The OAuth 2.0 engine: the profile behind a token we redeemed ourselves says who it is. Tokens that came any other
//! way prove nothing [RFC 9700 §4.6] and have no way in.

use serde_json::{Map, Value};

use super::failure::Stopped;
use super::login::{Identified, Login};
use super::tokens::Tokens;

/// Finds out who signed in.
pub(super) async fn identify(login: &Login<'_>, tokens: &Tokens) -> Result<Identified, Stopped> {
    let userinfo = login.userinfo(tokens, None).await?;
    let emails = login.emails(tokens).await?;
    let person = login.person(&Value::Null, &userinfo, &emails)?;
    Ok(Identified { issuer: login.connection.issuer.clone(), person, claims: Map::new() })
}
