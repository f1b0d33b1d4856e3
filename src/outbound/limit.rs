//! How many requests may be under way to one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Idle hosts are forgotten once this many are known.
const REMEMBERED_HOSTS: usize = 1024;

/// A queue per host and port, so that one slow server holds up nobody but its own callers.
#[derive(Debug)]
pub(super) struct HostLimit {
    per_host: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl HostLimit {
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), hosts: Mutex::default() }
    }

    /// Waits for a free place at the host of `url`; dropping the permit frees it. The queues are never closed, so
    /// there always is a permit in the end.
    pub(super) async fn enter(&self, url: &Url) -> Option<OwnedSemaphorePermit> {
        self.queue(url).acquire_owned().await.ok()
    }

    fn queue(&self, url: &Url) -> Arc<Semaphore> {
        let host =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= REMEMBERED_HOSTS {
            hosts.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        Arc::clone(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(self.per_host))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn idle_hosts_are_forgotten_and_busy_ones_are_not() {
        let limit = HostLimit::new(1);
        let busy = Url::parse("https://busy.example").unwrap();
        let _held = limit.enter(&busy).await.unwrap();
        for number in 0..3 * REMEMBERED_HOSTS {
            let url = Url::parse(&format!("https://{number}.example")).unwrap();
            assert!(limit.enter(&url).await.is_some());
        }
        assert!(limit.hosts.lock().unwrap().len() <= REMEMBERED_HOSTS);
        assert_eq!(limit.queue(&busy).available_permits(), 0);
    }
}
