//! The ordered feed of what changed.

use serde::Serialize;

/// One entry: who changed and how, never to what.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub member_ref: String,
    pub at: String,
    #[serde(skip)]
    pub position: u64,
}

/// The entries the host still keeps, oldest first.
#[derive(Debug, Default)]
pub(super) struct Feed {
    entries: Vec<Change>,
    last: u64,
    trimmed: u64,
}

/// Part of the feed.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub changes: Vec<Change>,
    pub cursor: String,
    pub more: bool,
}

impl Feed {
    const PAGE: usize = 100;

    pub(super) fn push(&mut self, kind: &'static str, member_ref: &str, at: String) {
        self.last += 1;
        let position = self.last;
        self.entries.push(Change {
            id: format!("chg_{position}"),
            kind,
            member_ref: member_ref.to_owned(),
            at,
            position,
        });
    }

    /// Forgets everything before now, as a host does with old entries.
    pub(super) fn trim(&mut self) {
        self.entries.clear();
        self.trimmed = self.last;
    }

    /// What follows a cursor; `None` when entries after it are forgotten or the cursor is not ours.
    pub(super) fn after(&self, cursor: Option<&str>) -> Option<Page> {
        let after = match cursor {
            None => self.trimmed,
            Some(text) => text.strip_prefix('c')?.parse().ok()?,
        };
        if after < self.trimmed || after > self.last {
            return None;
        }
        let mut changes: Vec<Change> = self.entries.iter().filter(|change| change.position > after).cloned().collect();
        let more = changes.len() > Self::PAGE;
        changes.truncate(Self::PAGE);
        let cursor = changes.last().map_or(after, |change| change.position);
        Some(Page { changes, cursor: format!("c{cursor}"), more })
    }

    pub(super) fn latest(&self, count: usize) -> Vec<Change> {
        self.entries.iter().rev().take(count).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_without_gaps() {
        let mut feed = Feed::default();
        for _ in 0..250 {
            feed.push("tier_changed", "m", String::new());
        }
        let first = feed.after(None).unwrap();
        let second = feed.after(Some(&first.cursor)).unwrap();
        let third = feed.after(Some(&second.cursor)).unwrap();
        assert_eq!([first.changes.len(), second.changes.len(), third.changes.len()], [100, 100, 50]);
        assert!(first.more && second.more && !third.more);
        assert!(feed.after(Some(&third.cursor)).unwrap().changes.is_empty());
    }

    #[test]
    fn a_cursor_before_the_trim_or_from_elsewhere_is_gone() {
        let mut feed = Feed::default();
        feed.push("tier_changed", "m", String::new());
        feed.trim();
        assert!(feed.after(Some("c0")).is_none());
        assert!(feed.after(Some("c9")).is_none());
        assert!(feed.after(Some("x")).is_none());
        assert!(feed.after(None).is_some());
    }
}
