//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::documents::Documents;
use super::headers::FormTargets;
use super::load::Load;
use super::proxies::Cidr;
use crate::accounts::Accounts;
use crate::cache::Cache;
use crate::consent::Consents;
use crate::federation::Federation;
use crate::i18n::Texts;
use crate::mail::{Letterhead, Mail};
use crate::membership::Membership;
use crate::model::{Clock, Locale, Random};
use crate::provider::Provider;
use crate::store::Store;
use crate::telemetry::Metrics;

/// The rooms below, and what pages need to know. Shared by all requests; nothing but `leaving` ever changes.
#[derive(Debug)]
pub struct Site {
    /// What relying parties speak to.
    pub provider: Provider,
    /// People.
    pub accounts: Accounts,
    /// What relying parties read first, written once.
    pub documents: Documents,
    /// What people agreed to.
    pub consents: Consents,
    /// Upstream providers.
    pub federation: Federation,
    /// Loyalty programmes.
    pub memberships: Membership,
    /// Texts by language.
    pub texts: Texts,
    /// How mail leaves.
    pub mail: Mail,
    /// Who mails are from.
    pub letterhead: Letterhead,
    /// Durable records; for readiness.
    pub store: Store,
    /// Short-lived records; for readiness.
    pub cache: Cache,
    /// How much is under way.
    pub load: Load,
    /// What is counted.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Scheme and host of the issuer; URLs in mails and the `Origin` of forms.
    pub origin: String,
    /// The `Host` header of requests meant for us.
    pub host: String,
    /// Whether cookies are `Secure` and named `__Host-`: always but on http for localhost.
    pub secure: bool,
    /// The name people see.
    pub brand: String,
    /// The time zone of people who never told theirs.
    pub zone: String,
    /// The language of people who name none we speak.
    pub default_locale: Locale,
    /// Makes form tokens.
    pub csrf_key: [u8; 32],
    /// Changes with the static files.
    pub asset_version: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Whether this process is about to end: readiness says so before anything is refused.
    pub leaving: AtomicBool,
}

impl Site {
    /// Where forms of pages with provider buttons may lead: providers redirect between https hosts of theirs.
    pub fn upstream_targets(&self) -> FormTargets {
        let targets = self.federation.destinations().fold(FormTargets::own().https(), |it, url| it.and(url.as_str()));
        // Without https everything lives on this machine, simulators included.
        if self.secure { targets } else { targets.source(format!("http://*.{}", self.host)) }
    }

    /// The order of provider buttons people of a language expect.
    pub fn connection_order(&self, locale: &Locale) -> &'static [&'static str] {
        match locale.language() {
            "ko" => &["kakao", "naver", "apple", "google", "facebook", "line"],
            "ja" => &["line", "yahoo_japan", "apple", "google", "facebook", "kakao"],
            _ => &["google", "apple", "facebook", "microsoft", "github"],
        }
    }
}

/// The state of the router.
pub type Web = Arc<Site>;
