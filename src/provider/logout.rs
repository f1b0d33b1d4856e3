//! RP-initiated logout [OIDC RP-Initiated Logout 1.0]: what a request asks for, and what it may have.

use std::sync::Arc;

use super::{Error, Provider};
use crate::jose::{Claims, Expected};
use crate::model::client::Client;
use crate::model::session::Session;
use crate::model::{ClientId, Fault, SessionId};
use crate::protocol::{EndSessionRequest, ErrorCode, Params, Refused};

/// What an ID token of ours says, wherever it turned up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The client's subject for the person.
    pub subject: String,
    /// The clients it was for.
    pub audience: Vec<String>,
    /// The session it came from.
    pub session: Option<SessionId>,
}

/// What a logout request comes to.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The client that asks, if that is known.
    pub client: Option<Arc<Client>>,
    /// Where to go afterwards: verified, `state` included.
    pub return_to: Option<String>,
    /// Whether the request proves that it is about this very session: else the person is asked.
    pub proven: bool,
}

impl Provider {
    /// Judges a logout request of a browser that may have a session. The answer redirects nowhere unless a valid
    /// hint names a client that registered the very URI.
    ///
    /// # Errors
    /// `invalid_request` for a forged hint or an unregistered URI (shown as a page), or [`Error::Fault`].
    pub async fn logout(&self, params: &Params, session: Option<&Session>) -> Result<Logout, Error> {
        let request = EndSessionRequest::parse(params);
        let hint = match &request.id_token_hint {
            Some(text) => {
                let hint = self.verify_id_token_hint(text).await?;
                Some(hint.ok_or_else(|| invalid("id_token_hint is not valid"))?)
            }
            None => None,
        };
        let client = self.logout_client(&request, hint.as_ref()).await?;
        let return_to = match (&request.post_logout_redirect_uri, &client, &hint) {
            (None, ..) => None,
            (Some(_), Some(client), Some(_)) => request.return_to(&client.post_logout_redirect_uris)?,
            (Some(_), ..) => return Err(invalid("post_logout_redirect_uri needs a valid id_token_hint")),
        };
        let proven = match (&hint, session) {
            (Some(hint), Some(session)) => hint.session == Some(session.id),
            (Some(_), None) => true,
            (None, _) => false,
        };
        Ok(Logout { client, return_to, proven })
    }

    async fn logout_client(
        &self,
        request: &EndSessionRequest,
        hint: Option<&Hint>,
    ) -> Result<Option<Arc<Client>>, Error> {
        let named = request.client_id.as_ref().map(ClientId::as_str);
        let hinted = hint.and_then(|hint| hint.audience.first()).map(String::as_str);
        if let (Some(named), Some(hint)) = (named, hint)
            && !hint.audience.iter().any(|audience| audience == named)
        {
            return Err(invalid("client_id differs from the id_token_hint"));
        }
        let Some(id) = named.or(hinted) else { return Ok(None) };
        Ok(self.client(&ClientId::from(id)).await?)
    }

    /// Reads an ID token of ours that came back as a hint; it may have expired, it may not be forged.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn verify_id_token_hint(&self, text: &str) -> Result<Option<Hint>, Fault> {
        let expected = Expected::id_token_hint(self.issuer());
        let claims = self.0.keys.verify(text, &expected, self.0.clock.now()).await?;
        Ok(claims.ok().and_then(|claims| hint(&claims)))
    }
}

fn hint(claims: &Claims) -> Option<Hint> {
    let audience = claims.audiences().into_iter().map(str::to_owned).collect();
    let session = claims.text("sid").and_then(|sid| sid.parse().ok());
    Some(Hint { subject: claims.subject()?.to_owned(), audience, session })
}

fn invalid(description: &'static str) -> Error {
    Refused::new(ErrorCode::InvalidRequest, description).into()
}
