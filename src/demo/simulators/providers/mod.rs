//! One file per provider: its [`Profile`] and the endpoints it shares with nobody.

mod apple;
mod facebook;
mod facebook_graph;
mod google;
mod kakao;
mod kakao_users;
mod line;
mod line_api;
mod naver;

use axum::Router;
use axum::routing::get;

use super::profile::Profile;
use super::settings::Provider;
use super::simulator::Simulator;
use super::{authorize, page};

/// What is particular about the provider.
pub(super) fn profile(provider: Provider) -> &'static Profile {
    match provider {
        Provider::Google => &google::PROFILE,
        Provider::Apple => &apple::PROFILE,
        Provider::Kakao => &kakao::PROFILE,
        Provider::Naver => &naver::PROFILE,
        Provider::Line => &line::PROFILE,
        Provider::Facebook => &facebook::PROFILE,
    }
}

/// The pages every simulator has.
fn pages(authorize_path: &str) -> Router<Simulator> {
    Router::new()
        .route("/", get(page::home).post(page::sign_out))
        .route(authorize_path, get(authorize::open).post(authorize::submit))
}
