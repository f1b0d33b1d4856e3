//! A form request of a client, as the endpoints share it.

use axum::extract::{FromRequest, Request};
use axum::http::header::AUTHORIZATION;
use axum::response::Response;

use crate::model::ClientId;
use crate::protocol::{ErrorCode, Params, Refused};
use crate::provider;
use crate::provider::client_auth::ClientCredentials;
use crate::web::cors::Asker;
use crate::web::error::{Failure, MachineFailure, fault_as_json};
use crate::web::forms::read_form;
use crate::web::state::Web;
use crate::web::views::ErrorKind;
use axum::response::IntoResponse;

/// A form request of a client.
#[derive(Debug)]
pub struct Message {
    /// Its parameters: of the body only, a query never mixes in.
    pub params: Params,
    authorization: Option<String>,
    asker: Asker,
}

impl Message {
    /// How the client says who it is.
    pub fn credentials(&self) -> ClientCredentials<'_> {
        ClientCredentials { authorization: self.authorization.as_deref() }
    }

    /// The answer, readable by a script of the client that the request names.
    pub async fn share(&self, web: &Web, mut response: Response) -> Response {
        let client = self.params.get("client_id").map(ClientId::from);
        if let Some(client) = client {
            self.asker.share(web, Some(&client), &mut response).await;
        }
        response
    }

    /// Turns a provider's error into the answer to this request.
    pub fn failure(&self, error: provider::Error) -> MachineFailure {
        MachineFailure::of_client(error, self.authorization.is_some())
    }
}

impl FromRequest<Web> for Message {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Web) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let refuse = |description: String| {
            let refused = Refused::new(ErrorCode::InvalidRequest, description);
            MachineFailure::of_client(refused.into(), false).into_response()
        };
        let mut headers = parts.headers.get_all(AUTHORIZATION).iter().map(|value| value.to_str());
        let authorization = match (headers.next(), headers.next()) {
            (None, _) => None,
            (Some(Ok(value)), None) => Some(value.to_owned()),
            (Some(_), _) => return Err(refuse("the Authorization header is malformed or repeated".to_owned())),
        };
        match read_form(&parts.headers, body).await {
            Ok(params) => Ok(Self { params, authorization, asker: Asker::of(&parts.headers) }),
            Err(Failure::Params(error)) => Err(refuse(Refused::from(error).description().to_owned())),
            Err(Failure::Page(ErrorKind::TooLarge)) => Err(refuse("the body is too large".to_owned())),
            Err(Failure::Page(_)) => Err(refuse("the body must be application/x-www-form-urlencoded".to_owned())),
            Err(Failure::Fault(_)) => Err(fault_as_json(false)),
        }
    }
}
