//! A connection whose other side may be slow, but not for ever: silence, dribbled headers and answers nobody fetches
//! end it, so that none of them keeps a place from somebody else.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To send a request's headers, once it has begun to; and to begin, on a new connection.
    pub headers: Duration,
    /// To begin its next request. Longer than proxies keep connections: who closes first risks the other's request.
    pub idle: Duration,
    /// To take the next part of an answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [headers, idle, answer] = [10, 75, 30].map(Duration::from_secs);
        Self { headers, idle, answer }
    }
}

/// What the connection needs to know of its requests.
#[derive(Debug, Default)]
pub(super) struct Talk {
    begun: AtomicU64,
    finished: AtomicU64,
    /// HTTP/2: bytes between requests are no beginning of headers.
    multiplexed: AtomicBool,
}

/// One request under way; it has ended when this is dropped.
pub(super) struct Turn(Arc<Talk>);

impl Talk {
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> Turn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        if multiplexed {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        Turn(self.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.finished.fetch_add(1, Ordering::Relaxed);
    }
}

/// A socket that ends by itself when its other side tries our patience.
pub(super) struct Patient<S> {
    socket: S,
    talk: Arc<Talk>,
    patience: Patience,
    /// One for everything; it is set anew only when it rings, so that a busy connection never touches it.
    alarm: Pin<Box<Sleep>>,
    /// Requests begun and finished when `since` was set.
    seen: (u64, u64),
    /// When the present wait for the other side began.
    since: Instant,
    /// Whether it has said something since.
    heard: bool,
    /// Since when it takes nothing of what we send.
    stuck: Option<Instant>,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, talk: Arc<Talk>, patience: Patience) -> Self {
        let alarm = Box::pin(sleep(patience.headers));
        Self { socket, talk, patience, alarm, seen: (0, 0), since: Instant::now(), heard: false, stuck: None }
    }

    /// Notes that a request has begun or ended: whatever the other side does next, it begins to do now.
    fn look(&mut self) {
        let seen = (self.talk.begun.load(Ordering::Relaxed), self.talk.finished.load(Ordering::Relaxed));
        if self.seen != seen {
            (self.seen, self.since, self.heard) = (seen, Instant::now(), false);
        }
    }

    fn hear(&mut self) {
        self.look();
        if !self.heard {
            (self.heard, self.since) = (true, Instant::now());
        }
    }

    /// Whether the silence has lasted too long; if not, the task is woken when it might have.
    fn is_silent_too_long(&mut self, cx: &mut Context<'_>) -> bool {
        self.look();
        let (begun, finished) = self.seen;
        if begun != finished {
            // It is our turn. The alarm is only so that the silence after that is noticed.
            let later = Instant::now() + self.patience.idle;
            self.has_passed(later, cx);
            return false;
        }
        let dribbling = self.heard && !self.talk.multiplexed.load(Ordering::Relaxed);
        let patience = if begun == 0 || dribbling { self.patience.headers } else { self.patience.idle };
        self.has_passed(self.since + patience, cx)
    }

    /// Whether a point in time has passed; if not, the task is woken then, or before.
    fn has_passed(&mut self, point: Instant, cx: &mut Context<'_>) -> bool {
        loop {
            if point <= Instant::now() {
                return true;
            }
            if self.alarm.is_elapsed() || self.alarm.deadline() > point {
                self.alarm.as_mut().reset(point);
            }
            if self.alarm.as_mut().poll(cx).is_pending() {
                return false;
            }
        }
    }

    /// What a write came to, unless nothing has moved for too long.
    fn unless_stuck<T>(&mut self, wrote: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stuck = None;
            return wrote;
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        if self.has_passed(since + self.patience.answer, cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    /// Out of patience is the end of the stream: between requests that closes the connection in order.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.socket).poll_read(cx, buf) {
            Poll::Ready(read) => {
                if buf.filled().len() > before {
                    self.hear();
                }
                Poll::Ready(read)
            }
            Poll::Pending if self.is_silent_too_long(cx) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.unless_stuck(wrote, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.unless_stuck(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}
