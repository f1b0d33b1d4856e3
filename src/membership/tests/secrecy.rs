//! What a person answers is nowhere but on its way to the host.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Level;

use super::stage::{MINA_PIN, Stage};
use crate::demo::loyalty_host::{Lie, MINA};
use crate::membership::{Answer, Method, Proven};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_answer_is_ever_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let stage = Stage::new().await;
    let mina = stage.holder().await;

    let link = stage.start(mina, MINA, Method::Kba).await;
    stage.prove(&link, mina, &("canaryname", "1901-02-03").into()).await;
    let link = stage.start(mina, MINA, Method::Pin).await;
    stage.host.lie(Some(Lie::WrongTypes));
    stage.prove(&link, mina, &Answer::Pin(MINA_PIN.into())).await;
    stage.host.lie(None);
    stage.host.set_down(true);
    stage.prove(&link, mina, &Answer::Pin("canarypin".into())).await;
    stage.host.set_down(false);
    let link = stage.start(mina, MINA, Method::Otp).await;
    let Answer::Code(code) = stage.code() else { panic!() };
    let proven = stage.prove(&link, mina, &Answer::Code(code.clone())).await;
    assert!(matches!(proven, Proven::Linked(_)));

    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("loyalty host breaks the contract"), "the log works");
    for canary in ["canaryname", "1901-02-03", MINA_PIN, "canarypin", code.expose(), "the host's secret", MINA] {
        assert!(!text.contains(canary), "{canary}");
    }
}
