//! What the server depends on fails: database, cache, disk, settings, and the operator's patience. It fails closed and
//! quickly, says so to whom it concerns, loses nothing, and recovers by itself.

mod cache;
mod database;
mod disk;
mod failover;
mod keys;
mod scene;
mod settings;
mod shutdown;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::process::finish;

/// Runs a test on a runtime of its own.
fn on_services(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
    runtime.shutdown_timeout(Duration::from_secs(1));
}

/// Runs a statement on a database.
fn psql(database: &str, statement: &str) {
    let mut command = Command::new(crate::support::psql());
    command.args(["-q", "-d", database, "-c", statement]).stdin(Stdio::null());
    command.env("PGOPTIONS", "-c default_transaction_read_only=off");
    let output = finish(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Sends commands to a cache.
fn redis(url: &str, commands: &[&str]) {
    let url: url::Url = url.parse().unwrap();
    let mut socket = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let select = format!("SELECT {}", url.path().trim_matches('/'));
    for command in [select.as_str()].iter().chain(commands) {
        socket.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut answer = [0; 5];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+OK\r\n", "{command}");
    }
}
