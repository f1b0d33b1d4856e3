//! One cluster: its directory, its process, and the shell that ends both.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A cluster on a directory of its own. Its supervisor ends it when the pipe to this process closes.
pub(crate) struct Server {
    bin: PathBuf,
    dir: PathBuf,
    user: Option<String>,
    port: u16,
    supervisor: Child,
}

/// Does as it is told until its standard input closes, then stops the server it started and clears the directory.
const SUPERVISOR: &str = r#"
dir=$1; shift
trap : INT TERM
start() { "$@" >>"$dir/log" 2>&1 & server=$!; }
start "$@"
while read -r word; do
    case $word in
        # Its processes would live on for a moment, and answer.
        kill) kill -STOP "$server"
            kill -KILL $(cat "/proc/$server/task/$server/children" 2>/dev/null) "$server"
            wait "$server" ;;
        start) start "$@" ;;
    esac
done
kill -QUIT "$server" 2>/dev/null
wait
rm -rf "$dir"
"#;

/// Durable enough for a killed process, and quick.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "shared_buffers=64MB",
    "fsync=off",
    "full_page_writes=off",
    "deadlock_timeout=100ms",
];

impl Server {
    /// Makes a cluster and starts it; `None`, with a line that says so, without PostgreSQL.
    pub(super) fn create(name: &str, settings: &[&str]) -> Option<Self> {
        let Some(bin) = find_programs() else {
            let required = std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required");
            assert!(!required, "COMITY_TEST_SERVICES=required, but postgres and initdb are not installed");
            eprintln!("skipped: postgres and initdb are not installed");
            return None;
        };
        let (dir, user) = prepare(name);
        let initdb = ["-D", "data", "-U", "comity", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"];
        run(&mut program(&bin, user.as_deref(), &dir, "initdb", &initdb));
        Some(Self::start(&bin, &dir, user.as_deref(), settings))
    }

    /// Makes a standby that follows this one, and starts it.
    pub(super) fn follower(&self, name: &str) -> Self {
        let (dir, user) = prepare(name);
        let port = self.port.to_string();
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", "comity", "-D", "data", "-R", "-X", "stream", "-c", "fast"];
        run(&mut program(&self.bin, user.as_deref(), &dir, "pg_basebackup", &from));
        Self::start(&self.bin, &dir, user.as_deref(), &[])
    }

    fn start(bin: &Path, dir: &Path, user: Option<&str>, settings: &[&str]) -> Self {
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let supervisor = supervise(bin, user, dir, port, settings);
            let started =
                Self { bin: bin.to_owned(), dir: dir.to_owned(), user: user.map(str::to_owned), port, supervisor };
            if started.wait_until_ready() {
                return started;
            }
        }
        panic!("postgres did not start: {}", fs::read_to_string(dir.join("log")).unwrap_or_default());
    }

    /// User, host and port, as in a URL.
    pub(crate) fn address(&self) -> String {
        format!("comity@127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn create_database(&self, name: &str) {
        run(Command::new(self.bin.join("createdb")).args(self.reach()).arg(name));
    }

    /// Runs a statement; gives what it says.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(self.reach()).args(["-X", "-q", "-A", "-t", "-d", database, "-c", statement]);
        let output = psql.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Kills it as a machine's end would.
    pub(crate) fn kill(&mut self) {
        self.tell("kill");
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < deadline, "postgres does not end");
            sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again where it was killed, knowing nothing of what happened since.
    pub(crate) fn start_again(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            // What its dead process left behind may refuse it for a moment.
            self.tell("start");
            for _ in 0..20 {
                if self.is_ready() {
                    return;
                }
                sleep(Duration::from_millis(50));
            }
        }
        panic!("postgres did not start again: {}", fs::read_to_string(self.dir.join("log")).unwrap_or_default());
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        let words = ["promote", "-w", "-t", "30", "-D", "data"];
        run(&mut program(&self.bin, self.user.as_deref(), &self.dir, "pg_ctl", &words));
    }

    fn tell(&mut self, word: &str) {
        self.supervisor.stdin.as_mut().unwrap().write_all(format!("{word}\n").as_bytes()).unwrap();
    }

    fn wait_until_ready(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.is_ready() {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        false
    }

    fn is_ready(&self) -> bool {
        let mut probe = Command::new(self.bin.join("pg_isready"));
        probe.args(self.reach()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn reach(&self) -> [String; 6] {
        ["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "comity"].map(str::to_owned)
    }
}

/// An empty directory, and who may run a server on it.
fn prepare(name: &str) -> (PathBuf, Option<String>) {
    let dir = std::env::temp_dir().join(format!("comity-postgres-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let user = unprivileged_user();
    if let Some(user) = &user {
        run(Command::new("chown").arg(user).arg(&dir));
    }
    (dir, user)
}

fn supervise(bin: &Path, user: Option<&str>, dir: &Path, port: u16, settings: &[&str]) -> Child {
    let mut server = as_user(user, &bin.join("postgres"));
    server.extend(["-D", "data", "-p"].map(Into::into));
    server.push(port.to_string().into());
    server.extend(SETTINGS.iter().chain(settings).flat_map(|setting| ["-c", setting]).map(Into::into));
    let mut supervisor = Command::new("sh");
    supervisor.args(["-c", SUPERVISOR, "supervisor"]).arg(dir).args(server).current_dir(dir);
    supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn program(bin: &Path, user: Option<&str>, dir: &Path, name: &str, words: &[&str]) -> Command {
    let prefix = as_user(user, &bin.join(name));
    let mut command = Command::new(&prefix[0]);
    command.args(&prefix[1..]).args(words).current_dir(dir);
    command
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
    let complete = |dir: &PathBuf| {
        let names = ["postgres", "initdb", "createdb", "pg_isready", "pg_basebackup", "pg_ctl", "psql"];
        names.iter().all(|name| dir.join(name).exists())
    };
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

fn run(command: &mut Command) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}: {complaint}");
}
