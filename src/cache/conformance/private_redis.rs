//! Redis servers of this process alone: free loopback ports, temporary directories, gone when dropped.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::model::Secret;

const PATIENCE: Duration = Duration::from_secs(20);
/// All slots of a cluster.
const SLOTS: u16 = 16_384;

/// One server, nothing persisted.
pub(super) struct Server {
    process: Child,
    directory: TempDir,
    pub(super) port: u16,
    options: Vec<String>,
}

impl Server {
    /// Starts one, or says that `redis-server` is not installed — which is a failure where services are required.
    pub(super) fn start() -> Option<Self> {
        is_installed().then(|| Self::with(&[]))
    }

    fn with(options: &[&str]) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let process = spawn(directory.path(), port, &options);
        let server = Self { process, directory, port, options };
        server.answers();
        server
    }

    pub(super) fn url(&self) -> Secret<String> {
        Secret::new(format!("redis://127.0.0.1:{}", self.port))
    }

    /// Ends it without warning.
    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    pub(super) fn restart(&mut self) {
        self.process = spawn(self.directory.path(), self.port, &self.options);
        self.answers();
    }

    /// What it answers to a command, as it is written.
    pub(super) fn ask(&self, command: &str) -> String {
        ask(self.port, command).unwrap()
    }

    fn answers(&self) {
        until(|| ask(self.port, "PING").is_ok_and(|answer| answer.contains("PONG")), "redis-server answers");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three primaries, and a replica of the first.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
}

impl Cluster {
    pub(super) fn start() -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let options =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"];
        let cluster = Self { nodes: (0..4).map(|_| Server::with(&options)).collect() };
        let [first, second, third, replica] = cluster.nodes.as_slice() else { panic!("four nodes") };
        let shares = [(first, 0, 5460), (second, 5461, 10_922), (third, 10_923, SLOTS - 1)];
        for (number, (node, from, to)) in shares.iter().enumerate() {
            assert_eq!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}")), "+OK\r\n");
            assert_eq!(node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1)), "+OK\r\n");
        }
        for other in [second, third, replica] {
            assert_eq!(first.ask(&format!("CLUSTER MEET 127.0.0.1 {} {}", other.port, bus(other.port))), "+OK\r\n");
        }
        let id = first.ask("CLUSTER MYID");
        let id = id.lines().nth(1).unwrap();
        until(|| replica.ask("CLUSTER NODES").contains(id), "the replica knows the first node");
        until(|| replica.ask(&format!("CLUSTER REPLICATE {id}")) == "+OK\r\n", "the replica follows the first node");
        let whole = |node: &Server| {
            let (info, nodes) = (node.ask("CLUSTER INFO"), node.ask("CLUSTER NODES"));
            info.contains("cluster_state:ok") && info.contains("cluster_size:3") && nodes.contains("slave ")
        };
        until(|| cluster.nodes.iter().all(whole), "the cluster is whole");
        until(|| replica.ask("INFO replication").contains("master_link_status:up"), "the replica has a copy");
        Some(cluster)
    }

    /// Returns when the replica has what its primary has.
    pub(super) fn has_copied(&self) {
        copied(&self.nodes[0], &self.nodes[3]);
    }

    /// Any of them will do: two are enough.
    pub(super) fn url(&self) -> Secret<String> {
        Secret::new(format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.nodes[0].port, self.nodes[1].port))
    }
}

/// A primary, its replica, and three sentinels that agree by two.
pub(super) struct Watched {
    pub(super) primary: Server,
    pub(super) replica: Server,
    sentinels: Vec<Server>,
}

impl Watched {
    /// Both servers want a password, the sentinels another.
    pub(super) fn start() -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let secrets = ["--requirepass", "of-servers", "--masterauth", "of-servers"];
        let primary = Server::with(&secrets);
        let follows = ["--replicaof", &format!("127.0.0.1 {}", primary.port)];
        let replica = Server::with(&[&secrets[..], &follows].concat());
        until(|| replica.ask("INFO replication").contains("master_link_status:up"), "the replica has a copy");
        let sentinels: Vec<Server> = (0..3).map(|_| sentinel(primary.port)).collect();
        let agreed = |sentinel: &Server| {
            let master = sentinel.ask("SENTINEL MASTER comity");
            master.contains("num-slaves\r\n$1\r\n1") && master.contains("num-other-sentinels\r\n$1\r\n2")
        };
        until(|| sentinels.iter().all(agreed), "the sentinels know each other");
        Some(Self { primary, replica, sentinels })
    }

    /// Returns when the replica has what the primary has.
    pub(super) fn has_copied(&self) {
        copied(&self.primary, &self.replica);
    }

    pub(super) fn url(&self) -> Secret<String> {
        let sentinels: Vec<String> = self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port)).collect();
        let sentinels = sentinels.join(",");
        Secret::new(format!("redis+sentinel://:of-servers@{sentinels}/comity?sentinel_password=of-sentinels"))
    }
}

/// A sentinel; it keeps what it learns in its configuration file.
fn sentinel(primary: u16) -> Server {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sentinel.conf");
    let settings = format!(
        "requirepass of-sentinels\nsentinel monitor comity 127.0.0.1 {primary} 2\nsentinel auth-pass comity of-servers\n\
         sentinel down-after-milliseconds comity 500\nsentinel failover-timeout comity 2000\n\
         sentinel sentinel-pass of-sentinels\n"
    );
    std::fs::write(&file, settings).unwrap();
    let port = free_port();
    let mut command = Command::new("redis-server");
    command.arg(&file).args(["--sentinel", "--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]);
    let process = command.arg(directory.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sentinel = Server { process, directory, port, options: Vec::new() };
    sentinel.answers();
    sentinel
}

fn is_installed() -> bool {
    if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok() {
        return true;
    }
    assert!(
        std::env::var("COMITY_TEST_SERVICES").as_deref() != Ok("required"),
        "redis-server is required and not installed"
    );
    eprintln!("skipped: redis-server is not installed");
    false
}

fn spawn(directory: &Path, port: u16, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no", "--dir"]);
    command.arg(directory).args(["--repl-diskless-sync-delay", "0"]);
    if options.iter().any(|option| option == "--cluster-enabled") {
        command.args(["--cluster-port", &bus(port).to_string()]);
    }
    command.args(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The port on which nodes of a cluster speak to each other.
const fn bus(port: u16) -> u16 {
    port + 10_000
}

/// A port that is free, with its bus port, and that no outgoing connection is given.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 5_000).unwrap();
    for _ in 0..5_000 {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 5_000;
        if [port, bus(port)].iter().all(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()) {
            return port;
        }
    }
    panic!("no free port")
}

/// Sends a command as a person would type it. Servers of these tests have one of two passwords, or none.
fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut answer = exchange(&mut socket, command)?;
    for password in ["of-servers", "of-sentinels"] {
        if answer.starts_with("-NOAUTH") && exchange(&mut socket, &format!("AUTH {password}"))? == "+OK\r\n" {
            answer = exchange(&mut socket, command)?;
        }
    }
    Ok(answer)
}

/// The answer is read until no more of it comes at once: short, and sent in one piece.
fn exchange(socket: &mut TcpStream, command: &str) -> std::io::Result<String> {
    socket.write_all(format!("{command}\r\n").as_bytes())?;
    let mut bytes = vec![0; 64 * 1024];
    let length = socket.read(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

fn copied(primary: &Server, replica: &Server) {
    let offset = |server: &Server, name: &str| {
        let info = server.ask("INFO replication");
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned));
        line.and_then(|number| number.trim().parse::<u64>().ok())
    };
    let there = offset(primary, "master_repl_offset").unwrap();
    until(|| offset(replica, "slave_repl_offset").is_some_and(|here| here >= there), "the replica has caught up");
}

fn until(mut condition: impl FnMut() -> bool, what: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20));
    }
}
