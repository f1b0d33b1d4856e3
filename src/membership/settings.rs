//! What an operator says of the loyalty programmes: `[[programmes]]` and `[membership]` in the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::error::InvalidSettings;
use super::proof::Method;
use crate::model::member::MemberFacts;
use crate::model::{Locale, ProgrammeId, Secret, UnixTime};
use crate::policy::member_number::{CheckDigit, NumberFormat};

/// All programmes and the limits on proving numbers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MembershipSettings {
    /// The programmes, in the order they are offered.
    pub programme: Vec<ProgrammeSettings>,
    /// How often a number may be tried.
    pub limits: LimitSettings,
}

/// How often a number may be tried. A try is a challenge, or an answer after a challenge's first.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Tries of one account in a day, over all programmes.
    pub account_per_day: u64,
    /// Tries of one number in an hour, by whomever.
    pub number_per_hour: u64,
    /// Tries from one address in an hour.
    pub ip_per_hour: u64,
    /// Seconds a number stays shut after too many tries of it.
    pub number_lock_seconds: i64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { account_per_day: 5, number_per_hour: 3, ip_per_hour: 30, number_lock_seconds: 86_400 }
    }
}

/// `[[programmes]]`: one loyalty programme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeSettings {
    /// Its code, here and at the host.
    pub id: ProgrammeId,
    /// Its name by language; `en` is the one of last resort.
    pub names: BTreeMap<Locale, String>,
    /// What its numbers look like.
    pub number: NumberSettings,
    /// The proofs offered, the preferred one first.
    pub proofs: Vec<Method>,
    /// Where its members are kept.
    pub host: HostSettings,
    /// When the host is asked again.
    #[serde(default)]
    pub refresh: RefreshSettings,
    /// Its tiers; a tier the host names and this list does not is ignored.
    #[serde(default)]
    pub tier: Vec<TierSettings>,
}

/// What a programme's numbers look like.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSettings {
    /// The regular expression the canonical number matches from end to end.
    pub pattern: String,
    /// How it is protected against typing errors.
    #[serde(default)]
    pub check: CheckDigit,
    /// A number of the right form, shown as a placeholder.
    pub example: String,
}

/// One tier of a programme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierSettings {
    /// The host's code, e.g. `gold`.
    pub code: String,
    /// Higher is better.
    pub rank: u32,
    /// Its name by language.
    pub names: BTreeMap<Locale, String>,
}

/// How a programme's host is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HostSettings {
    /// By the HTTP contract.
    Http(HttpHostSettings),
}

/// A host that answers the HTTP contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpHostSettings {
    /// What the contract's paths are appended to.
    pub base_url: Url,
    /// How we show who we are.
    pub auth: CredentialSettings,
    /// The longest a person waits for the host while linking, in milliseconds.
    #[serde(default = "interactive_timeout")]
    pub interactive_timeout_ms: u64,
    /// The longest background work waits for one answer, in milliseconds.
    #[serde(default = "background_timeout")]
    pub background_timeout_ms: u64,
    /// How many calls may be under way at once on people's behalf; background work has a quarter of it besides.
    #[serde(default = "max_in_flight")]
    pub max_in_flight: usize,
}

/// How we show a host who we are.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialSettings {
    /// A shared secret as bearer token.
    Bearer {
        /// The file that holds it.
        secret_file: Option<PathBuf>,
        /// The secret itself, for the demo and tests.
        secret: Option<Secret<String>>,
    },
    /// A JWT per call, signed with our key, in the manner of [RFC 7523 §3].
    PrivateKeyJwt {
        /// The private key, PEM.
        key_file: PathBuf,
        /// `alg`, e.g. `ES256`.
        alg: String,
        /// `kid`, when the host knows several keys.
        kid: Option<String>,
        /// `iss` and `sub`: our name at the host.
        client_id: String,
    },
}

/// When the host is asked again. How old its words may be to be released is `[release.freshness]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshSettings {
    /// Background work reads a member again after so many seconds.
    pub after_seconds: i64,
    /// A userinfo request asks the host for words older than so many seconds.
    pub on_demand_after_seconds: i64,
    /// The longest a userinfo request waits for the host, in milliseconds.
    pub on_demand_wait_ms: u64,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        Self { after_seconds: 6 * 3600, on_demand_after_seconds: 60, on_demand_wait_ms: 300 }
    }
}

impl RefreshSettings {
    /// Whether background work should read the member again.
    pub(super) fn is_due(&self, facts: &MemberFacts, now: UnixTime) -> bool {
        is_older(facts.as_of, self.after_seconds, now)
    }

    /// Whether a userinfo request should ask the host.
    pub(super) fn is_due_on_demand(&self, facts: &MemberFacts, now: UnixTime) -> bool {
        is_older(facts.as_of, self.on_demand_after_seconds, now)
            || is_older(facts.balances_as_of, self.on_demand_after_seconds, now)
    }
}

fn is_older(as_of: Option<UnixTime>, seconds: i64, now: UnixTime) -> bool {
    as_of.is_none_or(|as_of| now.since(as_of) > seconds)
}

const fn interactive_timeout() -> u64 {
    3000
}

const fn background_timeout() -> u64 {
    5000
}

const fn max_in_flight() -> usize {
    16
}

/// The text of a language, else English, else any.
fn in_language<'a>(names: &'a BTreeMap<Locale, String>, locale: &Locale) -> Option<&'a str> {
    let exact = names
        .get(locale)
        .or_else(|| names.iter().find(|(named, _)| named.language() == locale.language()).map(|(_, name)| name));
    exact.or_else(|| names.get(&Locale::english())).or_else(|| names.values().next()).map(String::as_str)
}

impl TierSettings {
    /// Its name in a language.
    pub fn name(&self, locale: &Locale) -> &str {
        in_language(&self.names, locale).unwrap_or(&self.code)
    }
}

impl ProgrammeSettings {
    /// Its name in a language.
    pub fn name(&self, locale: &Locale) -> &str {
        in_language(&self.names, locale).unwrap_or_else(|| self.id.as_str())
    }

    /// A tier by the host's code.
    pub fn tier(&self, code: &str) -> Option<&TierSettings> {
        self.tier.iter().find(|tier| tier.code == code)
    }

    /// The form of its numbers, once everything else is found sound too.
    pub(super) fn checked(&self) -> Result<NumberFormat, InvalidSettings> {
        let wrong = |what: &'static str| InvalidSettings::Programme { programme: self.id.clone(), what };
        if self.id.as_str().is_empty() || !self.id.as_str().bytes().all(is_code) {
            return Err(wrong("id must be lower-case letters, digits, - and _"));
        }
        if self.names.is_empty() || self.names.values().any(String::is_empty) {
            return Err(wrong("names must not be empty"));
        }
        let distinct: BTreeSet<Method> = self.proofs.iter().copied().collect();
        if distinct.is_empty() || distinct.len() != self.proofs.len() {
            return Err(wrong("proofs must name each proof once, and at least one"));
        }
        let codes: BTreeSet<&str> = self.tier.iter().map(|tier| tier.code.as_str()).collect();
        let ranks: BTreeSet<u32> = self.tier.iter().map(|tier| tier.rank).collect();
        if codes.len() != self.tier.len() || ranks.len() != self.tier.len() {
            return Err(wrong("tiers must differ in code and in rank"));
        }
        let HostSettings::Http(host) = &self.host;
        let refresh = &self.refresh;
        if refresh.after_seconds < 1 || refresh.on_demand_after_seconds < 1 || refresh.on_demand_wait_ms == 0 {
            return Err(wrong("refresh times must be above zero"));
        }
        if host.max_in_flight == 0 || host.interactive_timeout_ms == 0 || host.background_timeout_ms == 0 {
            return Err(wrong("timeouts and max_in_flight must be above zero"));
        }
        let format = NumberFormat::new(&self.number.pattern, self.number.check)
            .map_err(|_| wrong("number.pattern is no regular expression"))?;
        format.canonical(&self.number.example).map_err(|_| wrong("number.example does not follow its own format"))?;
        Ok(format)
    }
}

const fn is_code(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::membership) const SKYWAY: &str = r#"
        [limits]
        ip_per_hour = 100

        [[programme]]
        id = "skyway"
        names = { ko = "스카이웨이 클럽", en = "SkyWay Club", ja = "スカイウェイクラブ" }
        number = { pattern = "[0-9]{10}", check = "mod7", example = "0012345675" }
        proofs = ["otp", "pin", "kba"]
        host = { kind = "http", base_url = "http://loyalty.localhost:8080/api", auth = { method = "bearer", secret = "s" } }

        [[programme.tier]]
        code = "silver"
        rank = 1
        names = { ko = "실버", en = "Silver", ja = "シルバー" }
    "#;

    fn read(text: &str) -> Result<MembershipSettings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_programme_reads_with_its_defaults() {
        let settings = read(SKYWAY).unwrap();
        let skyway = &settings.programme[0];
        skyway.checked().unwrap();
        assert_eq!(settings.limits.account_per_day, 5);
        assert_eq!(skyway.refresh.on_demand_wait_ms, 300);
        assert_eq!(skyway.name(&"ko-KR".parse().unwrap()), "스카이웨이 클럽");
        assert_eq!(skyway.name(&"fr".parse().unwrap()), "SkyWay Club");
        assert_eq!(skyway.tier("silver").unwrap().name(&"ja".parse().unwrap()), "シルバー");
    }

    #[test]
    fn unknown_keys_are_refused_everywhere() {
        for (from, to) in [
            ("ip_per_hour", "ip_per_houre"),
            ("proofs =", "color = 1\n proofs ="),
            ("kind = \"http\",", "kind = \"http\", retries = 1,"),
            ("secret = \"s\"", "secret = \"s\", salt = 1"),
            ("kind = \"http\"", "kind = \"ftp\""),
            ("rank = 1", "rank = 1\n color = 2"),
            ("\"kba\"", "\"wallet\""),
        ] {
            assert!(read(&SKYWAY.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn facts_never_read_are_due_at_once_others_with_age() {
        let refresh = RefreshSettings::default();
        assert!(refresh.is_due(&MemberFacts::default(), UnixTime(0)));
        let read = MemberFacts { as_of: Some(UnixTime(0)), balances_as_of: Some(UnixTime(0)), ..Default::default() };
        assert!(!refresh.is_due(&read, UnixTime(21_600)) && refresh.is_due(&read, UnixTime(21_601)));
        assert!(!refresh.is_due_on_demand(&read, UnixTime(60)) && refresh.is_due_on_demand(&read, UnixTime(61)));
    }

    #[test]
    fn contradictions_are_refused() {
        for (from, to) in [
            ("example = \"0012345675\"", "example = \"0012345674\""),
            ("[0-9]{10}", "("),
            ("\"skyway\"", "\"Sky Way\""),
            ("[\"otp\", \"pin\", \"kba\"]", "[]"),
            ("[\"otp\", \"pin\", \"kba\"]", "[\"otp\", \"otp\"]"),
            ("kind = \"http\",", "kind = \"http\", max_in_flight = 0,"),
            ("proofs =", "refresh = { on_demand_wait_ms = 0 }\n proofs ="),
        ] {
            assert!(read(&SKYWAY.replace(from, to)).unwrap().programme[0].checked().is_err(), "{to}");
        }
    }
}
