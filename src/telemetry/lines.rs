//! Log lines on their way out: requests hand them over and go on, a thread of their own writes many at once.
//!
//! What waits is bounded. When nobody reads the output, lines are lost and counted rather than requests held up;
//! otherwise every line handed over is written, those of the last moment before the end included.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait.
const WAITING: usize = 4 * 1024 * 1024;
/// Bytes that are worth a write before the time.
const WORTHWHILE: usize = 64 * 1024;
/// How long lines are gathered. Warnings and errors are written at once.
const GATHERING: Duration = Duration::from_millis(20);
/// How long the end waits for an output that takes nothing any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes lines from any thread and holds none of them up.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// Keeps the log running; dropped, it writes what still waits and ends it.
#[must_use = "the log ends with it"]
pub struct LogGuard(Lines);

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write, or nothing more will come.
    filled: Condvar,
    /// Everything is written.
    ended: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    lost: u64,
    /// Whether what waits should be seen at once.
    urgent: bool,
    closed: bool,
    ended: bool,
}

impl Lines {
    /// Starts a thread that writes to `output`.
    ///
    /// # Errors
    /// The system's, when it gives no thread.
    pub(super) fn to(output: impl Write + Send + 'static) -> io::Result<(Self, LogGuard)> {
        let shared = Shared { queue: Mutex::default(), filled: Condvar::new(), ended: Condvar::new() };
        let lines = Self(Arc::new(shared));
        let writer = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.carry_to(output))?;
        Ok((lines.clone(), LogGuard(lines)))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whoever panicked with the lock held left whole lines behind.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8], urgent: bool) {
        let mut queue = self.queue();
        if queue.waiting.len() + line.len() > WAITING {
            queue.lost += 1;
            return;
        }
        let before = (queue.waiting.is_empty(), queue.is_pressing());
        queue.waiting.extend_from_slice(line);
        queue.urgent |= urgent;
        // The thread is woken when there is something at all, and again when it should wait no longer.
        let wake = before.0 || before.1 != queue.is_pressing();
        drop(queue);
        if wake {
            self.0.filled.notify_one();
        }
    }

    fn carry_to(&self, mut output: impl Write) {
        let mut taken = Vec::new();
        while let Some(lost) = self.take(&mut taken) {
            // A full disk or a reader that has gone away: there is no other place to say so.
            let _ = output.write_all(&taken);
            let _ = output.flush();
            taken.clear();
            taken.shrink_to(WORTHWHILE * 4);
            if lost > 0 {
                tracing::warn!(lines = lost, "log lines were lost: the output did not take them");
            }
        }
        self.queue().ended = true;
        self.0.ended.notify_all();
    }

    /// Waits for lines, takes all of them, and says how many were lost; `None` when there will be no more.
    fn take(&self, taken: &mut Vec<u8>) -> Option<u64> {
        let queue = self.queue();
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && queue.lost == 0 && !queue.closed;
        let queue = self.0.filled.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
        let calm = |queue: &mut Queue| !queue.is_pressing();
        let gathered = self.0.filled.wait_timeout_while(queue, GATHERING, calm);
        let (mut queue, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() && queue.lost == 0 {
            return None;
        }
        std::mem::swap(taken, &mut queue.waiting);
        queue.urgent = false;
        Some(std::mem::take(&mut queue.lost))
    }
}

impl Queue {
    /// Whether there is a reason to write without gathering more.
    fn is_pressing(&self) -> bool {
        self.urgent || self.closed || self.waiting.len() >= WORTHWHILE
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.closed = true;
        self.0.0.filled.notify_one();
        let _ = self.0.0.ended.wait_timeout_while(queue, PATIENCE, |queue| !queue.ended);
    }
}

/// One line of a known urgency.
pub(super) struct Line<'a> {
    lines: &'a Lines,
    urgent: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, urgent: false }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line<'a> {
        Line { lines: self, urgent: *of.level() <= Level::WARN }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.push(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// An output that takes a write only when it is let.
    struct Door {
        let_in: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Door {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.let_in.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn door() -> (Sender<()>, Receiver<Vec<u8>>, Lines, LogGuard) {
        let (open, let_in) = channel();
        let (written, seen) = channel();
        let (lines, guard) = Lines::to(Door { let_in, written }).unwrap();
        (open, seen, lines, guard)
    }

    #[test]
    fn every_line_handed_over_is_written_in_order_before_the_end() {
        let (open, seen, lines, guard) = door();
        drop(open);
        let mut expected = String::new();
        for number in 0..10_000 {
            let line = format!("{number}\n");
            lines.push(line.as_bytes(), number % 10 == 7);
            expected.push_str(&line);
        }
        drop(guard);
        let written: Vec<u8> = seen.try_iter().flatten().collect();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn an_output_that_takes_nothing_holds_nobody_up_and_what_waits_is_bounded() {
        let (open, seen, lines, guard) = door();
        let line = vec![b'x'; 1024];
        for _ in 0..3 * WAITING / line.len() {
            lines.push(&line, true);
        }
        {
            let queue = lines.queue();
            assert!(queue.waiting.len() <= WAITING && queue.lost > 0);
        }
        drop(open);
        drop(guard);
        let written: usize = seen.try_iter().map(|bytes| bytes.len()).sum();
        assert!(written >= WAITING - line.len(), "{written}");
        assert_eq!(lines.queue().lost, 0, "told, and counted anew");
    }

    #[test]
    fn warnings_do_not_wait_for_company() {
        let (open, seen, lines, _guard) = door();
        drop(open);
        lines.push(b"calm\n", false);
        lines.push(b"urgent\n", true);
        let mut written = Vec::new();
        while !written.ends_with(b"urgent\n") {
            written.extend(seen.recv().unwrap());
        }
        assert_eq!(written, b"calm\nurgent\n");
    }
}
