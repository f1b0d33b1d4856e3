//! The latest events of the outbox: read on from where the last visit ended.

use std::collections::VecDeque;

use tokio::sync::Mutex;

use crate::model::event::Event;
use crate::model::{AccountId, EventId};
use crate::store::{Error, Store};

const KEPT: usize = 400;
const PAGE: i64 = 200;

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Chronicle(Mutex<Read>);

#[derive(Debug, Default)]
struct Read {
    after: Option<EventId>,
    events: VecDeque<Event>,
}

impl Chronicle {
    /// All events that are kept, newest first.
    pub(super) async fn events(&self, store: &Store) -> Result<Vec<Event>, Error> {
        let mut read = self.0.lock().await;
        loop {
            let page = store.events(None, read.after, PAGE).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|length| length < PAGE);
            for event in page {
                read.after = Some(event.id);
                if read.events.len() >= KEPT {
                    read.events.pop_front();
                }
                read.events.push_back(event);
            }
            if is_last {
                break;
            }
        }
        Ok(read.events.iter().rev().cloned().collect())
    }
}

/// Whoever something happened to last.
pub(super) fn latest_account(newest_first: &[Event]) -> Option<AccountId> {
    newest_first.iter().find_map(|event| event.account)
}
