//! The connections of a deployment.

use std::sync::Arc;

use serde::Serialize;
use url::Url;

use super::connection::Connection;
use super::settings::ConnectionSettings;
use crate::cache::Cache;
use crate::model::{Clock, ConnectionId, Locale, Random};
use crate::outbound::Outbound;

/// Every upstream provider a deployment trusts. Clones share everything.
#[derive(Clone, Debug)]
pub struct Federation(pub(super) Arc<Parts>);

#[derive(Debug)]
pub(super) struct Parts {
    connections: Vec<Connection>,
    pub(super) outbound: Outbound,
    pub(super) cache: Cache,
    pub(super) random: Random,
    pub(super) clock: Clock,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct InvalidConnections(pub Vec<String>);

/// A button of the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionButton {
    /// The connection it begins a login with.
    pub id: ConnectionId,
    /// The provider's name.
    pub name: String,
    /// Its text.
    pub label: String,
    /// Path of its icon.
    pub icon: String,
    /// Background colour, `#RRGGBB`.
    pub background: String,
    /// Text colour, `#RRGGBB`.
    pub foreground: String,
    /// Border colour, `#RRGGBB`.
    pub border: String,
}

impl Federation {
    /// The connections of `settings`. The callback address of each is `callback_base`, its id and `callback`.
    pub fn new(
        settings: Vec<ConnectionSettings>,
        outbound: Outbound,
        cache: Cache,
        random: Random,
        clock: Clock,
        callback_base: &Url,
    ) -> Result<Self, InvalidConnections> {
        let mut connections: Vec<Connection> = Vec::with_capacity(settings.len());
        let mut errors = Vec::new();
        for one in settings {
            if connections.iter().any(|other| *other.id() == one.id) {
                errors.push(format!("connection {:?} is there twice", one.id.as_str()));
                continue;
            }
            match Connection::new(one, callback_base) {
                Ok(connection) => connections.push(connection),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() {
            Ok(Self(Arc::new(Parts { connections, outbound, cache, random, clock })))
        } else {
            Err(InvalidConnections(errors))
        }
    }

    /// Where the enabled connections send browsers, as far as that is known without asking.
    pub fn destinations(&self) -> impl Iterator<Item = &Url> {
        let enabled = self.0.connections.iter().filter(|connection| connection.settings.enabled);
        enabled.filter_map(|connection| connection.known.authorization.as_ref())
    }

    /// The enabled connections as buttons in the settings' order, labelled for `locale`.
    pub fn list(&self, locale: &Locale) -> Vec<ConnectionButton> {
        self.0.connections.iter().filter(|it| it.settings.enabled).map(|it| it.button(locale)).collect()
    }

    /// The name of a connection as people know it in a language, enabled or not; for lists of linked logins.
    pub fn name(&self, id: &ConnectionId, locale: &Locale) -> Option<&str> {
        self.connection(id).map(|connection| connection.name(locale.language()))
    }

    /// The callback address of a connection, as it is registered at the provider.
    pub fn redirect_uri(&self, id: &ConnectionId) -> Option<&Url> {
        self.connection(id).map(|connection| &connection.redirect_uri)
    }

    /// Whether a connection may be used.
    pub fn is_enabled(&self, id: &ConnectionId) -> bool {
        self.enabled(id).is_some()
    }

    pub(super) fn connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.0.connections.iter().find(|connection| connection.id() == id)
    }

    pub(super) fn enabled(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connection(id).filter(|connection| connection.settings.enabled)
    }
}

impl Connection {
    fn button(&self, locale: &Locale) -> ConnectionButton {
        let (own, preset) = (&self.settings.button, &self.preset.button);
        let colour = |own: &Option<String>, preset: &str| own.clone().unwrap_or_else(|| preset.to_owned());
        ConnectionButton {
            id: self.id().clone(),
            name: self.name(locale.language()).to_owned(),
            label: self.label(locale.language()),
            icon: own.icon.clone().unwrap_or_else(|| format!("/static/connectors/{}.svg", self.preset.id)),
            background: colour(&own.background, preset.background),
            foreground: colour(&own.foreground, preset.foreground),
            border: colour(&own.border, preset.border),
        }
    }
}
