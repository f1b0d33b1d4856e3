//! One connection, and what is open on it.

use rusqlite::{Connection, Error};
use tokio::sync::oneshot;

/// A commit that several units of work shared has failed: none of them happened.
#[derive(Debug, thiserror::Error)]
#[error("the shared commit failed: {0}")]
pub(super) struct Lost(String);

/// A connection. When units of work share commits, `waiting` are those that are done in the open transaction.
pub(super) struct Slot {
    pub(super) connection: Connection,
    waiting: Vec<oneshot::Sender<Result<(), Lost>>>,
}

impl Slot {
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection, waiting: Vec::new() }
    }

    /// Begins a unit of work; within the open transaction, if others wait for its commit.
    pub(super) fn begin(&self) -> Result<(), Error> {
        self.say(if self.waiting.is_empty() { "BEGIN IMMEDIATE" } else { "SAVEPOINT unit" })
    }

    /// Commits the unit of work.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.say("COMMIT").inspect_err(|_| self.take_back())
    }

    /// Leaves the unit of work to a commit that others may share. Gives what will be told of it, and whether the caller
    /// has to see to it that [`settle`](Self::settle) is called.
    pub(super) fn await_commit(&mut self) -> Result<(oneshot::Receiver<Result<(), Lost>>, bool), Error> {
        let leads = self.waiting.is_empty();
        if self.connection.is_autocommit() {
            self.commit()?;
        } else if !leads {
            self.say("RELEASE unit").inspect_err(|_| self.take_back())?;
        }
        let (tell, told) = oneshot::channel();
        self.waiting.push(tell);
        Ok((told, leads))
    }

    /// Commits what waits for it.
    pub(super) fn settle(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        match self.say("COMMIT") {
            Ok(()) => self.tell(None),
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    /// Takes back the unit of work, if one is open.
    pub(super) fn take_back(&mut self) {
        if self.connection.is_autocommit() {
            // The database itself took back everything, as it does when the disk fails.
            self.tell(Some("the transaction was taken back"));
        } else if self.waiting.is_empty() {
            let _ = self.say("ROLLBACK");
        } else if self.say("ROLLBACK TO unit").and_then(|()| self.say("RELEASE unit")).is_err() {
            self.give_up("the transaction could not be continued");
        }
    }

    fn give_up(&mut self, why: &str) {
        if !self.connection.is_autocommit() {
            let _ = self.say("ROLLBACK");
        }
        self.tell(Some(why));
    }

    fn tell(&mut self, why: Option<&str>) {
        for waiting in self.waiting.drain(..) {
            // Who went away meanwhile need not know.
            let _ = waiting.send(why.map_or(Ok(()), |why| Err(Lost(why.to_owned()))));
        }
    }

    fn say(&self, sql: &str) -> Result<(), Error> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }
}
