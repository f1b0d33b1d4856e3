//! A listener on the wire: passes everything on, notes what waits for an answer, and cuts the wire when told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A port that leads to a server, and what was asked through it.
pub(super) struct Tap {
    pub(super) port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    heard: Vec<String>,
    /// The answer to this never arrives.
    cut_after: Option<&'static str>,
}

impl Tap {
    pub(super) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Mutex<Shared>>::default();
        let told = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, Arc::clone(&told)));
            }
        });
        Self { port, shared }
    }

    /// What waited for an answer since the last call: one word or text for each round trip.
    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().heard)
    }

    /// Cuts one wire when the server has answered to what is said next in these words, and not passed that on.
    pub(super) fn cut_after(&self, words: &'static str) {
        self.shared.lock().unwrap().cut_after = Some(words);
    }
}

async fn carry(mut client: TcpStream, server: u16, shared: Arc<Mutex<Shared>>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut questions, mut answers) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut ear, mut cut) = (Ear::default(), false);
    loop {
        tokio::select! {
            read = client.read(&mut questions) => match read {
                Ok(count @ 1..) => {
                    cut |= note(&shared, ear.listen(&questions[..count]));
                    if server.write_all(&questions[..count]).await.is_err() { return }
                }
                _ => return,
            },
            read = server.read(&mut answers) => match read {
                Ok(count @ 1..) if !cut => if client.write_all(&answers[..count]).await.is_err() { return },
                _ => return,
            },
        }
    }
}

/// Keeps what was heard; gives whether the wire is to be cut.
fn note(shared: &Mutex<Shared>, heard: Vec<String>) -> bool {
    let mut shared = shared.lock().unwrap();
    let cut = shared.cut_after.is_some_and(|words| heard.iter().any(|it| it == words));
    if cut {
        shared.cut_after = None;
    }
    shared.heard.extend(heard);
    cut
}

/// Makes messages of bytes [PostgreSQL 15 §55.7].
#[derive(Default)]
struct Ear {
    bytes: Vec<u8>,
    begun: bool,
    since_sync: Vec<u8>,
}

impl Ear {
    fn listen(&mut self, bytes: &[u8]) -> Vec<String> {
        self.bytes.extend_from_slice(bytes);
        let mut heard = Vec::new();
        loop {
            let start = usize::from(self.begun);
            let Some(length) = self.bytes.get(start..start + 4) else { return heard };
            let end = start + u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if self.bytes.len() < end {
                return heard;
            }
            let message: Vec<u8> = self.bytes.drain(..end).collect();
            if !self.begun {
                // A question for TLS comes before the beginning.
                self.begun = message[4..8] == 196_608_u32.to_be_bytes();
                continue;
            }
            match message[0] {
                b'Q' => heard.push(String::from_utf8_lossy(&message[5..end - 1]).into_owned()),
                b'S' => heard.push(
                    match std::mem::take(&mut self.since_sync) {
                        kinds if kinds.contains(&b'E') => "execute",
                        kinds if kinds.contains(&b'P') => "prepare",
                        _ => "ping",
                    }
                    .to_owned(),
                ),
                kind => self.since_sync.push(kind),
            }
        }
    }
}
