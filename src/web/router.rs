//! Every route of the public listener, on one page.

pub use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::endpoints::{authorize, discovery, introspect, jwks, logout, revoke, token, userinfo};
use super::pages::{
    account, callback, code, confirm, consent, document, email, link, link_account, link_member, password, profile,
    select_account, set_password, sign_in, sign_up, terms,
};
use super::state::Web;
use super::{assets, edge, paths as pages};
use crate::provider::paths;

/// The public listener.
pub fn router(web: Web) -> Router {
    Router::new()
        .merge(for_machines())
        .merge(for_people())
        .fallback(edge::not_found)
        // As one layer: each has its price on each request.
        .layer((from_fn_with_state(web.clone(), edge::edge), CatchPanicLayer::custom(edge::panicked)))
        .with_state(web)
}

fn for_machines() -> Router<Web> {
    Router::new()
        .route(paths::OPENID_CONFIGURATION, get(discovery::metadata))
        .route(paths::OAUTH_AUTHORIZATION_SERVER, get(discovery::metadata))
        .route(paths::JWKS, get(jwks::jwks))
        .route(paths::AUTHORIZE, get(authorize::authorize).post(authorize::authorize))
        .route(paths::TOKEN, post(token::token))
        .route(paths::USERINFO, get(userinfo::userinfo).post(userinfo::userinfo))
        .route(paths::INTROSPECT, post(introspect::introspect))
        .route(paths::REVOKE, post(revoke::revoke))
        .route(paths::END_SESSION, get(logout::logout).post(logout::logout))
}

fn for_people() -> Router<Web> {
    Router::new()
        .route("/", get(account::home))
        .route(pages::SIGN_IN, get(sign_in::show).post(sign_in::submit))
        .route(pages::CODE, get(code::show).post(code::submit))
        .route(pages::PASSWORD, get(password::show).post(password::submit))
        .route(pages::LINK, get(link::show).post(link::submit))
        .route(pages::SIGN_UP, get(sign_up::show).post(sign_up::submit))
        .route(pages::LINK_ACCOUNT, get(link_account::show).post(link_account::submit))
        .route(pages::SELECT_ACCOUNT, get(select_account::show).post(select_account::submit))
        .route(pages::TERMS, get(terms::show).post(terms::submit))
        .route(pages::CONSENT, get(consent::show).post(consent::submit))
        .route(pages::CALLBACK, get(callback::query).post(callback::form))
        .route(pages::DOCUMENT, get(document::show))
        .route(pages::ACCOUNT, get(account::show).post(account::submit))
        .route(pages::ACCOUNT_PASSWORD, get(set_password::show).post(set_password::submit))
        .route(pages::ACCOUNT_PROFILE, get(profile::show).post(profile::submit))
        .route(pages::ACCOUNT_CONFIRM, get(confirm::show).post(confirm::submit))
        .route(pages::ACCOUNT_EMAIL, get(email::show).post(email::submit))
        .route(pages::LINK_MEMBER, get(link_member::show).post(link_member::submit))
        .route(pages::LOGOUT_ANSWER, post(logout::answer))
        .route(pages::SIGNED_OUT, get(logout::signed_out))
        .route(pages::STATIC, get(assets::asset))
}
