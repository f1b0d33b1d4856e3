//! The rooms, each from its part of the settings.

use std::sync::Arc;

use super::error::In;
use super::{Error, keys};
use crate::accounts::{self, Accounts, Hasher};
use crate::cache::Cache;
use crate::federation::Federation;
use crate::i18n::Texts;
use crate::jose::Sealer;
use crate::membership::{Membership, MembershipSettings};
use crate::model::{Clock, Random};
use crate::outbound::Outbound;
use crate::provider::{self, HostWatch, Lifetimes, Provider, RequiredDocument};
use crate::settings::Settings;
use crate::store::Store;

/// What every room is made with.
pub(super) struct Rooms<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) cache: &'a Cache,
    pub(super) clock: &'a Clock,
    pub(super) random: &'a Random,
}

impl Rooms<'_> {
    pub(super) async fn provider(
        &self,
        origin: &str,
        texts: &Texts,
        membership: &Membership,
    ) -> Result<Provider, Error> {
        let Settings { tokens, documents, .. } = self.settings;
        let ring = keys(self.settings, self.store, self.clock.now()).await?;
        let vault = self.store.vault();
        Ok(Provider::new(provider::Parts {
            issuer: origin.to_owned(),
            lifetimes: Lifetimes {
                code: tokens.code_seconds,
                access: tokens.access_seconds,
                id: tokens.id_seconds,
                refresh: tokens.refresh_seconds,
                refresh_idle: tokens.refresh_idle_seconds,
            },
            rules: Arc::new(self.settings.release_rules()),
            documents: documents
                .iter()
                .filter(|document| document.required)
                .map(|document| RequiredDocument { id: document.id.clone(), version: document.version })
                .collect(),
            hosts: HostWatch(Arc::new({
                let membership = membership.clone();
                move || membership.unreachable()
            })),
            ui_locales: texts.locales().map(ToString::to_string).collect(),
            keys: ring,
            origins: provider::origins::Origins::default(),
            pairwise_key: self.store.lasting_key("pairwise").await.part("database")?,
            sealer: Sealer::new(vault.key("opaque-tokens"), self.random.clone()),
            store: self.store.clone(),
            cache: self.cache.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }))
    }

    pub(super) fn accounts(&self) -> Accounts {
        let Settings { sign_in, session, locales, documents, linking, .. } = self.settings;
        let document = |document: &crate::settings::Document| accounts::Document {
            id: document.id.clone(),
            version: document.version,
            required: document.required,
            title: document.title.clone(),
            text: document.text.clone(),
        };
        let hasher = Hasher::new(sign_in.hashing_threads, sign_in.hashing_queue, self.random.clone());
        Accounts::new(accounts::Parts {
            policy: accounts::Policy {
                passwords: sign_in.passwords,
                code_seconds: sign_in.code_seconds,
                code_tries: sign_in.code_tries,
                codes_per_hour: sign_in.codes_per_hour,
                attempts_per_minute: sign_in.attempts_per_minute,
                session_idle_seconds: session.idle_seconds,
                session_absolute_seconds: session.absolute_seconds,
                step_up_seconds: session.step_up_seconds,
                linking: *linking,
                zoneinfo: locales.zoneinfo.clone(),
                locale: locales.default.clone(),
                documents: documents.iter().map(document).collect(),
            },
            store: self.store.clone(),
            cache: self.cache.clone(),
            sealer: Sealer::new(self.store.vault().key("continuations"), self.random.clone()),
            hasher,
            clock: self.clock.clone(),
            random: self.random.clone(),
        })
    }

    pub(super) fn federation(&self, outbound: Outbound, origin: &str) -> Result<Federation, Error> {
        let base = format!("{origin}/federation").parse().part("server.issuer")?;
        Federation::new(
            self.settings.connections.clone(),
            outbound,
            self.cache.clone(),
            self.random.clone(),
            self.clock.clone(),
            &base,
        )
        .part("connections")
    }

    pub(super) fn membership(&self, outbound: &Outbound) -> Result<Membership, Error> {
        let settings =
            MembershipSettings { programme: self.settings.programmes.clone(), limits: self.settings.membership };
        let (store, cache) = (self.store.clone(), self.cache.clone());
        Membership::new(settings, store, cache, outbound, self.random.clone(), self.clock.clone()).part("programmes")
    }
}
