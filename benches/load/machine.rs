//! The machine: its cores, and what a process has used of it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// Clock ticks of `/proc/<pid>/stat` in a second: fixed by the kernel's interface.
const TICKS: f64 = 100.0;

/// Which cores whom belong to. Empty lists where there is nothing to divide.
#[derive(Clone, Debug, Default)]
pub struct Cores {
    /// The server's.
    pub server: Vec<usize>,
    /// Those of all others: the driver, the database, the cache.
    pub others: Vec<usize>,
}

impl Cores {
    /// Divides the cores this process may use: so many for the server, the others for everything else.
    pub fn divide(server: usize) -> Self {
        let mut all = allowed();
        let has_taskset = Command::new("taskset").arg("--version").output().is_ok();
        if all.len() < 2 || !has_taskset {
            eprintln!("driver and server share their cores: rates and latencies say little, CPU times still do");
            return Self::default();
        }
        let others = all.split_off(server.clamp(1, all.len() - 1));
        Self { server: all, others }
    }

    /// All that are used.
    pub fn count(&self) -> usize {
        let used: BTreeSet<_> = [&self.server, &self.others].into_iter().flatten().collect();
        if used.is_empty() { allowed().len() } else { used.len() }
    }

    /// Leaves the server's cores. To be done before this process starts threads.
    pub fn leave_the_servers(&self) {
        if !self.others.is_empty() {
            let (list, own) = (list(&self.others), std::process::id().to_string());
            // Fails where the system forbids it: the figures then are of shared cores.
            let _ = Command::new("taskset").args(["-apc", &list, &own]).output();
        }
    }
}

/// A command that runs on these cores, wherever this process runs.
pub fn on(cores: &[usize], program: impl AsRef<std::ffi::OsStr>) -> Command {
    if cores.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(list(cores)).arg(program);
    command
}

fn list(cores: &[usize]) -> String {
    cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn allowed() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let listed = field(&status, "Cpus_allowed_list:").unwrap_or_default();
    let mut cores = BTreeSet::new();
    for part in listed.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
            cores.extend(first..=last);
        }
    }
    cores.into_iter().collect()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Seconds of CPU time a process has used, in user and kernel mode, all its threads together.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; what follows it does not.
    let after = stat.rsplit_once(") ").map(|(_, after)| after).ok_or("an unreadable /proc/<pid>/stat")?;
    let mut fields = after.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok());
    match (ticks(), ticks()) {
        (Some(user), Some(system)) => Ok((user + system) / TICKS),
        _ => Err("an unreadable /proc/<pid>/stat".into()),
    }
}

/// The same of a process and all its children, e.g. a database with a process per connection.
pub fn cpu_seconds_of_family(pid: u32) -> f64 {
    let own = cpu_seconds(pid).unwrap_or(0.0);
    own + children(pid).into_iter().map(|child| cpu_seconds(child).unwrap_or(0.0)).sum::<f64>()
}

fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Mebibytes of a process that are in memory.
pub fn resident_mib(pid: u32) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kibibytes = field(&status, "VmRSS:").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kibibytes.ok_or("an unreadable /proc/<pid>/status")? / 1024.0)
}

/// Where figures were taken.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub processor: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Gibibytes of memory.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// The commit measured, with a mark where the tree differs from it.
    pub commit: String,
}

impl Machine {
    /// This one, with the commit of the working directory unless another is given.
    pub fn describe(used: &Cores, commit: Option<&str>) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = field(&cpuinfo, "model name").map(|name| name.trim_start_matches([':', ' ', '\t']).to_owned());
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = field(&meminfo, "MemTotal:").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        Self {
            processor: named.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: used.count(),
            memory_gib: memory.unwrap_or_default() / 1024.0 / 1024.0,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            commit: commit.map_or_else(|| git(&["describe", "--always", "--dirty", "--exclude=*"]), str::to_owned),
        }
    }
}

fn git(words: &[&str]) -> String {
    let output = Command::new("git").args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
