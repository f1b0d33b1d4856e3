//! What an operator decides: typed, validated once, never changed afterwards.
//!
//! Sources, later ones winning: `config/default.toml` (built in, documented, complete), the operator's file, the
//! environment (`COMITY_SERVER__ISSUER`). Unknown keys are refused. A secret may be given by a file: `password_file`
//! stands for `password` everywhere. Lists of named rows (`[[release.scope]]`, `[[purposes]]`, `[[documents]]`)
//! extend the built-in ones; a row of the same name replaces it.
//!
//! A new setting: its field here, its documented line in `config/default.toml`, its check in `validate.rs`.

mod load;
mod validate;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

pub use load::{Error, GivenClient, Source, clients_from, defaults};

use crate::federation::ConnectionSettings;
use crate::mail::SmtpSettings;
use crate::membership::{LimitSettings, ProgrammeSettings};
use crate::model::{Locale, Secret};
use crate::outbound::OutboundSettings;
use crate::policy::linking::LinkingPolicy;
use crate::policy::release::{Purpose, ReleaseRules, ReleaseTable};
use crate::store::DatabaseSettings;
use crate::telemetry::LogSettings;

/// What a process is run for. Test affordances exist outside `production` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// For customers: https, real mail, real secrets.
    Production,
    /// For showing: everything on this machine.
    Demo,
    /// For tests: a movable clock, a mail sink.
    Test,
}

/// Everything an operator decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What this process is run for.
    pub profile: Profile,
    /// Where it listens and what it is called.
    pub server: Server,
    /// What it writes to standard error.
    pub log: LogSettings,
    /// Where durable records live.
    pub database: DatabaseSettings,
    /// Where short-lived records live.
    pub cache: CacheSettings,
    /// Keys and their schedule.
    pub keys: Keys,
    /// How long tokens live.
    pub tokens: Tokens,
    /// How long a sign-in lasts.
    pub session: SessionSettings,
    /// How people sign in.
    pub sign_in: SignIn,
    /// How mail leaves.
    pub mail: MailSettings,
    /// How we call others.
    pub outbound: OutboundSettings,
    /// Languages.
    pub locales: Locales,
    /// Relying parties given by file.
    pub clients: Clients,
    /// Terms people accept before they have an account.
    #[serde(default)]
    pub documents: Vec<Document>,
    /// What data is used for.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
    /// Which scopes release which claims.
    #[serde(default)]
    pub release: ReleaseTable,
    /// Upstream providers.
    #[serde(default)]
    pub connections: Vec<ConnectionSettings>,
    /// Loyalty programmes.
    #[serde(default)]
    pub programmes: Vec<ProgrammeSettings>,
    /// How often member numbers may be tried.
    #[serde(default)]
    pub membership: LimitSettings,
    /// How first upstream logins meet existing accounts.
    #[serde(default)]
    pub linking: LinkingPolicy,
}

/// Where it listens and what it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The issuer identifier; every URL we publish begins with it [OIDC Discovery §3].
    pub issuer: Url,
    /// The public listener.
    pub listen: SocketAddr,
    /// Metrics and health; never reachable from outside. Off when absent.
    #[serde(default)]
    pub private_listen: Option<SocketAddr>,
    /// Peers whose `X-Forwarded-For` is believed, as CIDR blocks.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// Requests answered at the same time; more are answered 503.
    pub max_in_flight: usize,
    /// Connections held at the same time; more wait to be accepted.
    pub max_connections: usize,
    /// How long the server goes on serving after a stop signal, while readiness says that it is about to end.
    pub drain_seconds: u64,
    /// How long requests under way may take to finish after that.
    pub shutdown_seconds: u64,
    /// The name people see on pages and in mails.
    pub brand: String,
}

/// Where short-lived records live.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    /// `memory`, or a `redis://` or `rediss://` URL.
    pub url: Secret<String>,
}

/// Keys and their schedule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Files of 32 bytes in base64 or hexadecimal. The first encrypts, all of them decrypt.
    #[serde(default)]
    pub master_key_files: Vec<PathBuf>,
    /// Algorithms a key is kept for; `RS256` always.
    pub algs: Vec<String>,
    /// Seconds a key signs.
    pub lifetime_seconds: i64,
    /// Seconds a key is published before it signs.
    pub publish_ahead_seconds: i64,
    /// Seconds a key is published after it signed last; at least the longest token life.
    pub retain_seconds: i64,
}

/// How long tokens live, in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Authorization codes; at most 60.
    pub code_seconds: u64,
    /// Access tokens; at most 600.
    pub access_seconds: i64,
    /// ID tokens.
    pub id_seconds: i64,
    /// Refresh tokens, from first issue.
    pub refresh_seconds: i64,
    /// Refresh tokens, unused.
    pub refresh_idle_seconds: i64,
}

/// How long a sign-in lasts, in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// Since last use.
    pub idle_seconds: i64,
    /// Since sign-in.
    pub absolute_seconds: i64,
    /// How old a proof may be for a sensitive change on the account page.
    pub step_up_seconds: i64,
}

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Whether passwords may be set and used.
    pub passwords: bool,
    /// Seconds an e-mailed code or link works; at most 600.
    pub code_seconds: u64,
    /// Wrong tries an e-mailed code survives; at most 5.
    pub code_tries: u64,
    /// Codes one mailbox is sent in an hour.
    pub codes_per_hour: u64,
    /// Sign-in attempts one network address may make in a minute.
    pub attempts_per_minute: u64,
    /// Password hashes computed at the same time.
    pub hashing_threads: usize,
    /// Password hashes that may wait for one of those.
    pub hashing_queue: usize,
}

/// How mail leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Where to.
    pub transport: MailTransport,
    /// The mail server.
    pub smtp: SmtpSettings,
}

/// Where mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTransport {
    /// To a mail server.
    Smtp,
    /// Nowhere: kept in memory for demo and test.
    Sink,
}

/// Languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locales {
    /// For those who name none we speak.
    pub default: Locale,
    /// A folder of `<language>.toml` files that override single texts or add languages.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// The time zone of people who never told theirs.
    pub zoneinfo: String,
}

/// Relying parties given by file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// A file of `[[client]]` rows, written to the database at start.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// A terms document in one version. Once effective it must not change: publish a new version instead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// E.g. `terms`.
    pub id: String,
    /// Counts up.
    pub version: u32,
    /// Whether an account needs it.
    pub required: bool,
    /// The title by language.
    pub title: std::collections::BTreeMap<Locale, String>,
    /// The text by language; plain text, blank lines separate paragraphs.
    pub text: std::collections::BTreeMap<Locale, String>,
}

impl Settings {
    /// The rules of release: the purposes and rows of all layers together.
    pub fn release_rules(&self) -> ReleaseRules {
        ReleaseRules::new(self.purposes.clone(), self.release.clone())
    }
}
