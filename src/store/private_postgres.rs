//! A PostgreSQL of the test process's own: on a temporary directory and a free port, gone when the process is, however
//! that ends. Needs the programs of PostgreSQL installed; `COMITY_TEST_SERVICES=required` makes their absence a failure.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running cluster. Its supervisor ends it when the pipe to this process closes.
pub(crate) struct PrivatePostgres {
    bin: PathBuf,
    port: u16,
    databases: AtomicU32,
    _supervisor: Child,
}

/// Waits for its standard input to close, then stops the server it started and clears the directory.
const SUPERVISOR: &str = r#"
dir=$1; shift
trap : INT TERM
"$@" >"$dir/log" 2>&1 &
read -r _
kill -QUIT "$(head -n 1 "$dir/data/postmaster.pid")" 2>/dev/null
wait
rm -rf "$dir"
"#;

impl PrivatePostgres {
    /// The cluster of this process, started by whoever asks first; `None`, with a line that says so, without PostgreSQL.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PrivatePostgres>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| find_programs().map(|bin| Self::start(&bin))).as_ref();
        if shared.is_none() {
            let required = std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required");
            assert!(!required, "COMITY_TEST_SERVICES=required, but postgres and initdb are not installed");
            eprintln!("skipped: postgres and initdb are not installed");
        }
        shared
    }

    /// Creates an empty database; gives its URL.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(Command::new(self.bin.join("createdb")).args(self.address()).arg(&name));
        format!("postgres://comity@127.0.0.1:{}/{name}", self.port)
    }

    fn start(bin: &Path) -> Self {
        let dir = std::env::temp_dir().join(format!("comity-postgres-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let user = unprivileged_user();
        if let Some(user) = &user {
            run(Command::new("chown").arg(user).arg(&dir));
        }
        let mut initdb = as_user(user.as_deref(), &bin.join("initdb"));
        initdb.extend(["-D", "data", "-U", "comity", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"].map(Into::into));
        run(command(&initdb).current_dir(&dir));
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let supervisor = supervise(&dir, user.as_deref(), bin, port);
            let started = Self { bin: bin.to_owned(), port, databases: AtomicU32::new(0), _supervisor: supervisor };
            if started.wait_until_ready() {
                return started;
            }
        }
        panic!("postgres did not start: {}", fs::read_to_string(dir.join("log")).unwrap_or_default());
    }

    fn wait_until_ready(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let mut probe = Command::new(self.bin.join("pg_isready"));
            if probe.args(self.address()).stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        false
    }

    fn address(&self) -> [String; 6] {
        ["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "comity"].map(str::to_owned)
    }
}

fn supervise(dir: &Path, user: Option<&str>, bin: &Path, port: u16) -> Child {
    let mut server = as_user(user, &bin.join("postgres"));
    server.extend(["-D", "data", "-p"].map(Into::into));
    server.push(port.to_string().into());
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=400",
        "shared_buffers=64MB",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "deadlock_timeout=100ms",
    ];
    server.extend(settings.iter().flat_map(|setting| ["-c", setting]).map(Into::into));
    let mut supervisor = Command::new("sh");
    supervisor.args(["-c", SUPERVISOR, "supervisor"]).arg(dir).args(server).current_dir(dir);
    supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// PostgreSQL refuses to run as root: somebody else must then.
fn unprivileged_user() -> Option<String> {
    let output = Command::new("id").arg("-u").output().unwrap();
    if output.stdout.trim_ascii() != b"0" {
        return None;
    }
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user =
        ["postgres", "nobody"].into_iter().find(|user| known.lines().any(|line| line.starts_with(&format!("{user}:"))));
    Some(user.expect("a user to run postgres as").to_owned())
}

fn as_user(user: Option<&str>, program: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(user) = user {
        if in_path("setpriv").is_some() {
            let group = Command::new("id").args(["-g", user]).output().unwrap().stdout;
            let group = String::from_utf8(group).unwrap();
            words.extend(["setpriv", "--reuid", user, "--regid", group.trim(), "--clear-groups"].map(Into::into));
        } else {
            words.extend(["runuser", "-u", user, "--"].map(Into::into));
        }
    }
    words.push(program.into());
    words
}

fn find_programs() -> Option<PathBuf> {
    let complete =
        |dir: &PathBuf| ["postgres", "initdb", "createdb", "pg_isready"].iter().all(|name| dir.join(name).exists());
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(versions.into_iter().rev()).find(complete)
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.exists())
}

fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn run(command: &mut Command) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}: {complaint}");
}
