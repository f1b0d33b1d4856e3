//! Where mail stays inside: for tests and for the demo's mailbox.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::Message;

const KEPT_MESSAGES: usize = 1_000;

/// Keeps the last thousand mails in memory. Clones share them.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<VecDeque<Message>>>);

impl Sink {
    /// All mails, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.locked().iter().cloned().collect()
    }

    /// The latest mail to `to`.
    pub fn latest_to(&self, to: &str) -> Option<Message> {
        self.locked().iter().rev().find(|message| message.to == to).cloned()
    }

    /// Forgets all mails.
    pub fn clear(&self) {
        self.locked().clear();
    }

    pub(super) fn keep(&self, message: Message) {
        let mut messages = self.locked();
        if messages.len() >= KEPT_MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}
