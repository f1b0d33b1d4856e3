//! Which sites' scripts may talk to us: those that are public clients. An application in a browser has nothing but its
//! tokens, and sends no cookie of ours along; what other sites' scripts send, their browser keeps the answer to itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::Provider;
use crate::model::client::Client;
use crate::model::{ClientId, Fault};

/// The origins of all public clients, as of a version of the clients.
#[derive(Debug, Default)]
pub struct Origins(Mutex<Option<(i64, Arc<BTreeSet<String>>)>>);

impl Provider {
    /// Whether the origin is that of some public client: before it names itself, more is not known.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn is_origin_of_clients(&self, origin: &str) -> Result<bool, Fault> {
        let version = self.0.store.clients_version().await?;
        // Whoever comes while they are being read waits for them instead of reading them too.
        let mut kept = self.0.origins.0.lock().await;
        if let Some((known, origins)) = &*kept
            && *known == version
        {
            return Ok(origins.contains(origin));
        }
        let clients = self.0.store.clients().await?;
        let public = clients.iter().map(|registered| &registered.client).filter(|client| may_share(client));
        let origins: Arc<BTreeSet<String>> = Arc::new(public.flat_map(|client| client.origins()).collect());
        let is_known = origins.contains(origin);
        *kept = Some((version, origins));
        Ok(is_known)
    }

    /// Whether the origin is one of this public client's.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn is_origin_of(&self, client: &ClientId, origin: &str) -> Result<bool, Fault> {
        let client = self.client(client).await?;
        Ok(client.is_some_and(|client| may_share(&client) && client.origins().any(|own| own == origin)))
    }
}

fn may_share(client: &Client) -> bool {
    client.is_public() && !client.disabled
}
