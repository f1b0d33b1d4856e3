//! A door between the server and what it depends on, that a test can shut. Shut, connections are refused and those
//! there were are cut, as when the other side's process ends; blocked, nothing moves and nothing is said, as when its
//! machine is lost.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::process::free_port;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Shut,
    Blocked,
}

/// A door on a port of its own.
pub struct Gate {
    pub port: u16,
    state: watch::Sender<State>,
}

impl Gate {
    /// Opens one to this port of the same machine.
    pub fn to(target: u16) -> Self {
        let port = free_port();
        let (state, watched) = watch::channel(State::Open);
        tokio::spawn(keep(port, target, watched));
        Self { port, state }
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Waits until connections are taken or refused, as the state says.
    pub async fn settled(&self) {
        let shut = *self.state.borrow() == State::Shut;
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() != shut {
            assert!(std::time::Instant::now() < deadline, "the door does not move");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn keep(port: u16, target: u16, mut state: watch::Receiver<State>) {
    loop {
        let Ok(_) = state.wait_for(|state| *state != State::Shut).await else { return };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let mut connections = JoinSet::new();
        let carried = state.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    connections.spawn(carry(accepted.unwrap().0, target, carried.clone()));
                }
                shut = state.wait_for(|state| *state == State::Shut) => match shut {
                    Ok(_) => break,
                    Err(_) => return,
                },
            }
        }
    }
}

async fn carry(here: TcpStream, target: u16, state: watch::Receiver<State>) {
    let mut waiting = state.clone();
    if waiting.wait_for(|state| *state == State::Open).await.is_err() {
        return;
    }
    let Ok(there) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target))).await else { return };
    let (near_in, near_out) = here.into_split();
    let (far_in, far_out) = there.into_split();
    tokio::join!(pass(near_in, far_out, state.clone()), pass(far_in, near_out, state));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if state.wait_for(|state| *state == State::Open).await.is_err() || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
}
