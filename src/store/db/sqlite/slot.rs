//! One connection, and what is open on it.

use rusqlite::{Connection, Error};
use tokio::sync::oneshot;

/// A commit that several units of work shared has failed: none of them happened.
#[derive(Debug, thiserror::Error)]
#[error("the shared commit failed: {0}")]
pub(super) struct Lost(String);

/// What becomes of a unit of work that waits for a shared commit.
pub(super) type Told = oneshot::Receiver<Result<(), Lost>>;

/// One of so many units of work tries whether another would share its commit.
const TRIAL: u32 = 32;

/// A connection.
pub(super) struct Slot {
    pub(super) connection: Connection,
    /// Units of work that are done in the open transaction and share its commit.
    waiting: Vec<oneshot::Sender<Result<(), Lost>>>,
    /// How many shared the last such commit.
    shared: usize,
    /// Commits since then.
    alone: u32,
}

impl Slot {
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection, waiting: Vec::new(), shared: 0, alone: 0 }
    }

    /// How many units of work wait for a shared commit.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the next commit may be worth sharing, going by the last one.
    pub(super) const fn would_share(&mut self) -> bool {
        self.alone += 1;
        !self.waiting.is_empty() || self.shared > 1 || self.alone.is_multiple_of(TRIAL)
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
    pub(super) fn await_commit(&mut self) -> Result<(Told, bool), Error> {
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

    /// Commits what waits for it; gives how many units of work that were.
    pub(super) fn settle(&mut self) -> usize {
        let units = self.waiting.len();
        if units > 0 {
            (self.shared, self.alone) = (units, 0);
            match self.say("COMMIT") {
                Ok(()) => self.tell(None),
                Err(error) => self.give_up(&error.to_string()),
            }
        }
        units
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

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        Slot::new(connection)
    }

    fn insert(slot: &mut Slot, n: i64) {
        slot.begin().unwrap();
        slot.connection.execute("INSERT INTO t (n) VALUES ($1)", [n]).unwrap();
    }

    fn rows(slot: &Slot) -> Vec<i64> {
        let mut statement = slot.connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_unit_that_fails_takes_back_its_own_part_of_a_shared_commit() {
        let mut slot = slot();
        insert(&mut slot, 1);
        let (mut first, leads) = slot.await_commit().unwrap();
        assert!(leads && first.try_recv().is_err(), "told before the commit");
        insert(&mut slot, 2);
        slot.take_back();
        insert(&mut slot, 3);
        let (mut third, leads) = slot.await_commit().unwrap();
        assert!(!leads);
        assert_eq!(slot.settle(), 2);
        assert!(first.try_recv().unwrap().is_ok() && third.try_recv().unwrap().is_ok());
        assert_eq!(rows(&slot), [1, 3]);
        assert!(slot.connection.is_autocommit());
        assert_eq!(slot.settle(), 0);
    }

    #[test]
    fn a_shared_commit_that_fails_fails_all_who_shared_it() {
        let mut slot = slot();
        insert(&mut slot, 1);
        let (mut first, _) = slot.await_commit().unwrap();
        insert(&mut slot, 2);
        let (mut second, _) = slot.await_commit().unwrap();
        slot.connection.execute_batch("ROLLBACK").unwrap();
        slot.settle();
        assert!(first.try_recv().unwrap().is_err() && second.try_recv().unwrap().is_err());
        assert_eq!(rows(&slot), [0; 0]);
        insert(&mut slot, 4);
        slot.commit().unwrap();
        assert_eq!(rows(&slot), [4]);
    }

    #[test]
    fn a_transaction_the_database_took_back_is_lost_for_all() {
        let mut slot = slot();
        insert(&mut slot, 1);
        let (mut first, _) = slot.await_commit().unwrap();
        insert(&mut slot, 2);
        slot.connection.execute_batch("ROLLBACK").unwrap();
        assert!(slot.await_commit().is_err());
        assert!(first.try_recv().unwrap().is_err());
        insert(&mut slot, 3);
        assert!(slot.await_commit().unwrap().1);
        slot.settle();
        assert_eq!(rows(&slot), [3]);
    }
}
