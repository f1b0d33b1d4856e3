//! One file per provider: a [`Preset`] and the function that reads its answers, nothing else.
//!
//! A new provider is a file here, its `mod` line, its entry in [`PRESETS`], an icon in `static/connectors/` and a
//! fixture in `tests.rs`. What cannot be said as data belongs in an engine, for all providers.

mod apple;
mod claims;
mod facebook;
mod generic;
mod github;
mod google;
mod kakao;
mod line;
mod microsoft;
mod naver;
#[cfg(test)]
mod tests;

pub(super) use claims::{flag, identifier, text};
pub(super) use generic::MAPPABLE;

use super::connector::Preset;

/// Every provider the house knows.
pub(super) static PRESETS: &[Preset] = &[
    google::GOOGLE,
    apple::APPLE,
    kakao::KAKAO,
    naver::NAVER,
    line::LINE,
    facebook::FACEBOOK,
    microsoft::MICROSOFT,
    github::GITHUB,
    generic::GENERIC_OIDC,
    generic::GENERIC_OAUTH2,
];

/// The preset of that name.
pub(super) fn preset(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}
