//! Ending sessions: the request a relying party sends the browser with [OIDC RP-Initiated Logout], and the token we
//! tell the other relying parties with [OIDC Back-Channel Logout §2.4].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::authorization::{append_query, parse_locales};
use super::{ErrorCode, Params, Refused};
use crate::model::{ClientId, Locale, UnixTime};

/// A request to the `end_session_endpoint` [OIDC RP-Initiated Logout §2]; nothing of it is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndSessionRequest {
    /// An ID token of ours that names client, person and session.
    pub id_token_hint: Option<String>,
    /// Who should be logged out, in the client's words.
    pub logout_hint: Option<String>,
    /// The client, when there is no hint or beside it.
    pub client_id: Option<ClientId>,
    /// Where to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// To be returned as it came.
    pub state: Option<String>,
    /// Languages for the page.
    pub ui_locales: Vec<Locale>,
}

impl EndSessionRequest {
    /// Picks the known parameters out.
    pub fn parse(params: &Params) -> Self {
        let text = |name| params.get(name).map(str::to_owned);
        Self {
            id_token_hint: text("id_token_hint"),
            logout_hint: text("logout_hint"),
            client_id: params.get("client_id").map(|id| ClientId::from(id.to_owned())),
            post_logout_redirect_uri: text("post_logout_redirect_uri"),
            state: text("state"),
            ui_locales: parse_locales(params.get("ui_locales")),
        }
    }

    /// The address to return to once it was found among the client's registered ones, byte for byte: `state` is
    /// echoed if and only if it was sent, nothing else is added. `None` when no return was asked for.
    pub fn return_to(&self, registered: &[String]) -> Result<Option<String>, Refused> {
        let Some(uri) = &self.post_logout_redirect_uri else { return Ok(None) };
        if !registered.contains(uri) {
            return Err(Refused::new(ErrorCode::InvalidRequest, "post_logout_redirect_uri is not registered"));
        }
        let location = match &self.state {
            None => uri.clone(),
            Some(state) => append_query(uri, &Params::new().with("state", state).to_urlencoded()),
        };
        Ok(Some(location))
    }
}

/// The claims of a logout token. It has no `nonce`, so that it can never pass for an ID token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogoutToken {
    /// Our issuer identifier.
    pub iss: String,
    /// The client told.
    pub aud: ClientId,
    /// When it was made.
    pub iat: UnixTime,
    /// Two minutes later at most.
    pub exp: UnixTime,
    /// Its own identifier.
    pub jti: String,
    /// The person, as the client knows them.
    pub sub: String,
    /// The session that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    events: Map<String, Value>,
}

const BACK_CHANNEL_LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LOGOUT_TOKEN_LIFE: i64 = 120;

impl LogoutToken {
    /// A token that says: this person's session, or all of them when `sid` is `None`, has ended.
    pub fn new(issuer: &str, client: ClientId, sub: String, sid: Option<String>, jti: String, now: UnixTime) -> Self {
        let events = Map::from_iter([(BACK_CHANNEL_LOGOUT.to_owned(), json!({}))]);
        Self { iss: issuer.to_owned(), aud: client, iat: now, exp: now + LOGOUT_TOKEN_LIFE, jti, sub, sid, events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> EndSessionRequest {
        EndSessionRequest::parse(&Params::parse(query).unwrap())
    }

    #[test]
    fn returns_only_to_registered_addresses() {
        let registered = ["https://rp.example/bye".to_owned(), "https://rp.example/bye?x=1".to_owned()];
        let return_to = |query: &str| request(query).return_to(&registered);
        assert_eq!(return_to("state=s"), Ok(None));
        let bye = "post_logout_redirect_uri=https%3A%2F%2Frp.example%2Fbye";
        assert_eq!(return_to(bye), Ok(Some("https://rp.example/bye".into())));
        assert_eq!(return_to(&format!("{bye}&state=a%20b%26")), Ok(Some("https://rp.example/bye?state=a+b%26".into())));
        assert_eq!(return_to(&format!("{bye}%3Fx%3D1&state=s")), Ok(Some("https://rp.example/bye?x=1&state=s".into())));
        for other in ["%2F", "%3F", "%23", "x", "%2F..%2Fbye", "%20"] {
            assert!(return_to(&format!("{bye}{other}")).is_err(), "{other}");
        }
    }

    #[test]
    fn a_logout_token_cannot_pass_for_an_id_token() {
        let token = LogoutToken::new("https://op", "rp".to_owned().into(), "s".into(), None, "j".into(), UnixTime(100));
        assert_eq!(
            serde_json::to_value(&token).unwrap(),
            json!({
                "iss": "https://op", "aud": "rp", "iat": 100, "exp": 220, "jti": "j", "sub": "s",
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} }
            })
        );
    }
}
