//! npm `oidc-provider` beside us: installed on first use, started, and its people signed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use http::header::SET_COOKIE;
use url::Url;

use crate::Failure;
use crate::clients::{self, REDIRECT_URI, SCOPE};
use crate::flows::{Visitor, encoded, text};
use crate::http::{Answer, Connection};
use crate::machine::{Cores, on};
use crate::note;
use crate::process::{Process, free_port};
use crate::services::in_path;
use crate::site::DISCOVERY;

const PACKAGE: &str = include_str!("../peer/package.json");
const SERVER: &str = include_str!("../peer/server.mjs");
/// People of each client.
const PEOPLE: usize = 50;

/// The provider, running.
pub struct Peer {
    /// Its process.
    pub process: Process,
    /// Its port.
    pub port: u16,
    /// How long it took to tell its metadata, once installed: the median of three starts.
    pub start: Duration,
}

impl Peer {
    /// Installs and starts it; `None`, with a line that says so, where that cannot be done.
    pub async fn start(cores: &Cores) -> Result<Option<Self>, Failure> {
        let (Some(node), Some(npm)) = (in_path("node"), in_path("npm")) else {
            note("oidc-provider: skipped, node and npm are not installed");
            return Ok(None);
        };
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peer");
        if let Err(error) = install(&npm, &folder) {
            note(&format!("oidc-provider: skipped, it cannot be installed: {error}"));
            return Ok(None);
        }
        let port = free_port()?;
        let mut starts = Vec::new();
        loop {
            let mut command = on(&cores.server, &node);
            command.arg("server.mjs").current_dir(&folder);
            command.env("PORT", port.to_string()).env("NODE_ENV", "production");
            let began = Instant::now();
            let mut process = Process::start(command, &folder.join("log"))?;
            starts.push(process.answers(port, DISCOVERY, began).await?);
            if starts.len() == 3 {
                starts.sort_unstable();
                return Ok(Some(Self { process, port, start: starts.get(1).copied().unwrap_or_default() }));
            }
            process.stop();
        }
    }

    /// Signs people in, some of each client.
    pub async fn people(&self) -> Result<Vec<Visitor>, Failure> {
        let mut connection = Connection::open(self.port).await?;
        let metadata = connection.get(DISCOVERY, &[]).await?.json()?;
        let authorize: Url = text(&metadata, "authorization_endpoint")?.parse()?;
        let mut visitors = Vec::new();
        for client in clients::of_people() {
            for number in 0..PEOPLE {
                let cookies = sign_in(&mut connection, authorize.path(), &client, number).await?;
                visitors.push(Visitor { client: client.clone(), cookies });
            }
        }
        Ok(visitors)
    }
}

/// Follows an authorization request through the page that signs in; gives the cookies of the session.
async fn sign_in(connection: &mut Connection, path: &str, client: &str, number: usize) -> Result<String, Failure> {
    let mut jar = BTreeMap::new();
    let mut next = format!(
        "{path}?response_type=code&client_id={client}&redirect_uri={}&scope={}&login_hint=person-{number}",
        encoded(REDIRECT_URI),
        encoded(SCOPE)
    );
    for _ in 0..4 {
        let answer = connection.get_with_cookies(&next, &header(&jar)).await?;
        keep(&answer, &mut jar);
        let location = answer.location()?;
        if location.starts_with(REDIRECT_URI) {
            jar.retain(|name, _| name.starts_with("_session"));
            return Ok(header(&jar));
        }
        next = location.parse::<Url>().map_or_else(|_| location.to_owned(), |url| url.path().to_owned());
    }
    Err("a sign-in that never ends".into())
}

fn keep(answer: &Answer, jar: &mut BTreeMap<String, String>) {
    for cookie in answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn header(jar: &BTreeMap<String, String>) -> String {
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// Puts the package where nothing is committed, unless it is there already in this version.
fn install(npm: &Path, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("server.mjs"), SERVER)?;
    let installed = folder.join("node_modules/oidc-provider").exists();
    if installed && std::fs::read_to_string(folder.join("package.json")).is_ok_and(|known| known == PACKAGE) {
        return Ok(());
    }
    std::fs::write(folder.join("package.json"), PACKAGE)?;
    note("oidc-provider: installing");
    let mut command = Command::new(npm);
    command.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into())
}
