//! The end-session endpoint [OIDC RP-Initiated Logout]: GET and form POST alike, and our own confirmation.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::response::Response;

use crate::protocol::Params;
use crate::provider::Error;
use crate::provider::paths::END_SESSION;
use crate::web::cookies::Cookie;
use crate::web::error::{Face, Failure};
use crate::web::forms::read_form;
use crate::web::headers::{self, FormTargets};
use crate::web::paths;
use crate::web::response_mode::{by_get, see_other};
use crate::web::state::Web;
use crate::web::views::{ErrorKind, Logout, SignedOut, Template};
use crate::web::visit::{Submitted, Visit};

/// Takes a logout request of a client.
pub async fn logout(State(web): State<Web>, request: Request<Body>) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let mut visit = Visit::from_request_parts(&mut parts, &web).await?;
    let params = if parts.method == Method::POST {
        let form = read_form(&parts.headers, body).await?;
        if let Some(location) = by_get(&mut visit, END_SESSION, &form) {
            return see_other(visit, &location);
        }
        form
    } else {
        visit.query.clone()
    };
    let asked = match web.provider.logout(&params, visit.session.as_ref()).await {
        Ok(asked) => asked,
        Err(Error::Refused(refused)) => {
            let face = Face { kind: ErrorKind::BadRequest, detail: Some(refused.description().to_owned()) };
            return Ok(visit.send(face.into_response()));
        }
        Err(Error::Fault(fault)) => return Err(fault.into()),
    };
    if asked.proven || visit.session.is_none() {
        return finish(visit, asked.return_to.as_deref()).await;
    }
    let name = asked.client.as_ref().map(|client| client.client_name.as_str());
    let mut page = visit.page(None);
    let resume = resume(&params);
    page.action = &resume;
    let html = Logout { page: &page, client: name, signed_in_as: None }.render()?;
    let targets = asked.return_to.iter().fold(FormTargets::own(), |targets, uri| targets.https().and(uri));
    Ok(visit.send(headers::page(html, &targets, web.secure)))
}

/// The person's answer. The request comes along in the address and is judged anew: nothing in the form is trusted.
pub async fn answer(form: Submitted) -> Result<Response, Failure> {
    let web = form.visit.web.clone();
    let asked = match web.provider.logout(&form.visit.query, form.visit.session.as_ref()).await {
        Ok(asked) => asked,
        Err(Error::Refused(_)) => return Err(Failure::Page(ErrorKind::BadRequest)),
        Err(Error::Fault(fault)) => return Err(fault.into()),
    };
    if form.pressed() != "sign_out" {
        return see_other(form.visit, paths::ACCOUNT);
    }
    finish(form.visit, asked.return_to.as_deref()).await
}

/// The page that says so.
pub async fn signed_out(visit: Visit) -> Result<Response, Failure> {
    let page = visit.page(None);
    let html =
        SignedOut { page: &page, frames: &[], continue_href: None, sign_in_href: Some(paths::ACCOUNT) }.render()?;
    let secure = visit.web.secure;
    Ok(visit.send(headers::page(html, &FormTargets::own(), secure)))
}

async fn finish(mut visit: Visit, return_to: Option<&str>) -> Result<Response, Failure> {
    if let Some(session) = visit.session.take() {
        visit.web.accounts.end_session(session.account, session.id).await?;
        // Only of a session that was seen: a form of another site must not part a browser from one it kept back.
        visit.clear_cookie(Cookie::Session);
    }
    see_other(visit, return_to.unwrap_or(paths::SIGNED_OUT))
}

/// Where the confirmation posts to: the request's own parameters, which are all public.
fn resume(params: &Params) -> String {
    let mut kept = Params::new();
    for name in ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"] {
        if let Some(value) = params.get(name) {
            kept.push(name, value);
        }
    }
    format!("{}?{}", paths::LOGOUT_ANSWER, kept.to_urlencoded())
}
