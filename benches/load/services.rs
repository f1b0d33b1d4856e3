//! PostgreSQL and Redis of the run's own, as they come: durable commits, default settings but for their addresses. Both
//! end with this process, however it ends.

use std::ffi::OsString;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Failure;
use crate::machine::{Cores, on};
use crate::note;
use crate::process::free_port;

/// Where records are kept besides files and memory.
pub struct Services {
    /// The database's URL.
    pub database: String,
    /// The cache's URL.
    pub cache: String,
    /// The number of the database's first process, if it is ours.
    pub postgres: Option<u32>,
    /// The number of the cache's process, if it is ours.
    pub redis: Option<u32>,
    _supervisors: Vec<Supervisor>,
}

/// Starts a program, waits for its standard input to close, then ends what it started and clears the directory. What a
/// shell starts in the background ignores INT and QUIT, unless it says otherwise itself: each program has its signal.
const SUPERVISOR: &str = r#"
signal=$1; dir=$2; shift 2
trap : INT TERM
"$@" >"$dir/log" 2>&1 &
server=$!
read -r _
kill -"$signal" "$server" 2>/dev/null
wait
rm -rf "$dir"
"#;

/// Ends its program when dropped, or when this process ends.
struct Supervisor {
    shell: Child,
}

impl Supervisor {
    fn start(signal: &str, directory: &Path, words: &[OsString]) -> Result<Self, Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "supervisor", signal]).arg(directory).args(words).current_dir(directory);
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

impl Services {
    /// Somebody else's, of which only the addresses are known.
    pub fn given(database: &str, cache: &str) -> Self {
        let (database, cache) = (database.to_owned(), cache.to_owned());
        Self { database, cache, postgres: None, redis: None, _supervisors: Vec::new() }
    }

    /// New ones; `None` where a program is not installed.
    pub fn start(cores: &Cores) -> Result<Option<Self>, Failure> {
        let Some(bin) = postgres_programs() else {
            return missing("postgres and initdb");
        };
        let Some(redis) = in_path("redis-server") else {
            return missing("redis-server");
        };
        let (postgres_supervisor, postgres_port, directory) = start_postgres(&bin, cores)?;
        let (redis_supervisor, redis_port) = start_redis(&redis, cores)?;
        let pid_file = fs::read_to_string(directory.join("data/postmaster.pid"))?;
        Ok(Some(Self {
            database: format!("postgres://comity@127.0.0.1:{postgres_port}/postgres"),
            cache: format!("redis://127.0.0.1:{redis_port}/0"),
            postgres: pid_file.lines().next().and_then(|line| line.trim().parse().ok()),
            redis: child_of(redis_supervisor.shell.id()),
            _supervisors: vec![postgres_supervisor, redis_supervisor],
        }))
    }
}

/// Says what the store is left out for; where tests demand it, that is a failure here too.
fn missing(program: &str) -> Result<Option<Services>, Failure> {
    if std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required") {
        return Err(format!("COMITY_TEST_SERVICES=required, but {program} is not installed").into());
    }
    note(&format!("{program} not found: the store is left out"));
    Ok(None)
}

fn start_postgres(bin: &Path, cores: &Cores) -> Result<(Supervisor, u16, PathBuf), Failure> {
    // The supervisor clears it.
    let directory = TempDir::with_prefix("comity-load-postgres-")?.keep();
    let user = unprivileged_user();
    if let Some(user) = &user {
        run(Command::new("chown").arg(user).arg(&directory))?;
    }
    let mut initdb = as_user(user.as_deref(), &bin.join("initdb"))?;
    initdb.extend(["-D", "data", "-U", "comity", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"].map(Into::into));
    run(command(&initdb)?.current_dir(&directory))?;
    let port = free_port()?;
    let mut words = pinned(&cores.others);
    words.extend(as_user(user.as_deref(), &bin.join("postgres"))?);
    words.extend(["-D", "data", "-p"].map(Into::into));
    words.push(port.to_string().into());
    let settings =
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "max_wal_size=2GB"];
    words.extend(settings.iter().flat_map(|setting| ["-c", *setting]).map(Into::into));
    let supervisor = Supervisor::start("QUIT", &directory, &words)?;
    let began = Instant::now();
    let ready = || {
        let mut probe = Command::new(bin.join("pg_isready"));
        probe.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "comity"]).stdout(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    while !ready() {
        if began.elapsed() > Duration::from_secs(30) {
            let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
            return Err(format!("postgres did not start: {log}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((supervisor, port, directory))
}

fn start_redis(program: &Path, cores: &Cores) -> Result<(Supervisor, u16), Failure> {
    let directory = TempDir::with_prefix("comity-load-redis-")?.keep();
    let port = free_port()?;
    let mut words = pinned(&cores.others);
    words.push(program.into());
    words.extend(["--bind", "127.0.0.1", "--port", &port.to_string()].map(Into::into));
    words.extend(["--save", "", "--appendonly", "no"].map(Into::into));
    let supervisor = Supervisor::start("TERM", &directory, &words)?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if began.elapsed() > Duration::from_secs(20) {
            return Err("redis-server did not start".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((supervisor, port))
}

fn pinned(cores: &[usize]) -> Vec<OsString> {
    let command = on(cores, "");
    let mut words: Vec<OsString> = vec![command.get_program().to_owned()];
    words.extend(command.get_args().map(ToOwned::to_owned));
    words.retain(|word| !word.is_empty());
    words
}

fn child_of(shell: u32) -> Option<u32> {
    let listed = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
    listed.split_whitespace().next()?.parse().ok()
}

/// PostgreSQL refuses to run as root: somebody else must then.
fn unprivileged_user() -> Option<String> {
    let output = Command::new("id").arg("-u").output().ok()?;
    if output.stdout.trim_ascii() != b"0" {
        return None;
    }
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = ["postgres", "nobody"].into_iter();
    user.filter(|user| known.lines().any(|line| line.starts_with(&format!("{user}:")))).map(str::to_owned).next()
}

fn as_user(user: Option<&str>, program: &Path) -> Result<Vec<OsString>, Failure> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(user) = user {
        if in_path("setpriv").is_some() {
            let group = String::from_utf8(Command::new("id").args(["-g", user]).output()?.stdout)?;
            words.extend(["setpriv", "--reuid", user, "--regid", group.trim(), "--clear-groups"].map(Into::into));
        } else {
            words.extend(["runuser", "-u", user, "--"].map(Into::into));
        }
    }
    words.push(program.into());
    Ok(words)
}

fn postgres_programs() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| ["postgres", "initdb", "pg_isready"].iter().all(|name| dir.join(name).exists());
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    // The real programs first: a wrapper in the path would hide the server's process.
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions.into_iter().rev().chain(std::env::split_paths(&path)).find(complete)
}

/// Where a program is, by the search path.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.exists())
}

fn command(words: &[OsString]) -> Result<Command, Failure> {
    let (program, rest) = words.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    command.args(rest);
    Ok(command)
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
