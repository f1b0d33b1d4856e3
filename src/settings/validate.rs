//! What no single field can know: contradictions, and what a profile forbids.

use std::collections::BTreeSet;

use super::{Profile, Settings};

impl Settings {
    /// Everything wrong with these settings, one sentence each; empty when they can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.check_server(&mut problems);
        self.check_records(&mut problems);
        self.check_lifetimes(&mut problems);
        self.check_sign_in(&mut problems);
        self.check_rows(&mut problems);
        if self.profile == Profile::Production {
            self.check_production(&mut problems);
        }
        problems
    }

    fn check_server(&self, problems: &mut Vec<String>) {
        let issuer = &self.server.issuer;
        if issuer.query().is_some() || issuer.fragment().is_some() || !issuer.username().is_empty() {
            problems.push("server.issuer must have no query, fragment or user name".to_owned());
        }
        if issuer.path() != "/" {
            problems.push("server.issuer must be the root of a host: a path is not supported".to_owned());
        }
        let loopback = matches!(issuer.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if issuer.scheme() != "https" && !(issuer.scheme() == "http" && loopback) {
            problems.push("server.issuer must be https (http is accepted for localhost only)".to_owned());
        }
        if self.server.max_in_flight == 0 || self.server.max_connections == 0 {
            problems.push("server: a limit of 0 serves nobody".to_owned());
        }
        for block in &self.server.trusted_proxies {
            if block.parse::<crate::web::proxies::Cidr>().is_err() {
                problems.push(format!("server.trusted_proxies: {block:?} is no CIDR block"));
            }
        }
    }

    fn check_records(&self, problems: &mut Vec<String>) {
        problems.extend(self.database.problems());
        let cache = self.cache.url.expose();
        if cache != "memory" && !crate::cache::Cache::is_redis(cache) {
            problems.push(
                "cache.url must be memory or a redis://, redis+cluster://HOST,HOST or redis+sentinel://HOST,HOST/NAME URL, \
                 each with rediss for TLS"
                    .to_owned(),
            );
        }
    }

    fn check_lifetimes(&self, problems: &mut Vec<String>) {
        let tokens = &self.tokens;
        if !(1..=60).contains(&tokens.code_seconds) {
            problems.push("tokens.code_seconds must be between 1 and 60".to_owned());
        }
        if !(1..=600).contains(&tokens.access_seconds) {
            problems.push("tokens.access_seconds must be between 1 and 600".to_owned());
        }
        if tokens.id_seconds < 1 || tokens.refresh_seconds < 1 || tokens.refresh_idle_seconds < 1 {
            problems.push("tokens: every lifetime must be positive".to_owned());
        }
        let keys = &self.keys;
        if keys.retain_seconds < tokens.access_seconds.max(tokens.id_seconds) {
            problems.push("keys.retain_seconds must be at least as long as the longest token life".to_owned());
        }
        if keys.publish_ahead_seconds < 0 || keys.lifetime_seconds <= keys.publish_ahead_seconds {
            problems.push("keys.lifetime_seconds must be longer than keys.publish_ahead_seconds".to_owned());
        }
        if !keys.algs.iter().any(|alg| alg == "RS256") {
            problems.push("keys.algs must contain RS256 [OIDC Discovery §3]".to_owned());
        }
        for alg in &keys.algs {
            if alg.parse::<crate::jose::Alg>().is_err() {
                problems.push(format!("keys.algs: {alg:?} is not one of RS256, PS256, ES256, EdDSA"));
            }
        }
    }

    fn check_sign_in(&self, problems: &mut Vec<String>) {
        let sign_in = &self.sign_in;
        if !(60..=600).contains(&sign_in.code_seconds) {
            problems.push("sign_in.code_seconds must be between 60 and 600".to_owned());
        }
        if !(1..=5).contains(&sign_in.code_tries) {
            problems.push("sign_in.code_tries must be between 1 and 5".to_owned());
        }
        if sign_in.codes_per_hour == 0 || sign_in.attempts_per_minute == 0 {
            problems.push("sign_in: a limit of 0 lets nobody in".to_owned());
        }
        let session = &self.session;
        if session.idle_seconds < 1 || session.absolute_seconds < session.idle_seconds {
            problems.push("session.idle_seconds must be positive, session.absolute_seconds not less".to_owned());
        }
        if !(1..=300).contains(&session.step_up_seconds) {
            problems.push("session.step_up_seconds must be between 1 and 300".to_owned());
        }
        if sign_in.hashing_threads == 0 {
            problems.push("sign_in.hashing_threads must be at least 1".to_owned());
        }
        if jiff::tz::TimeZone::get(&self.locales.zoneinfo).is_err() {
            problems.push(format!("locales.zoneinfo: {:?} is no time zone", self.locales.zoneinfo));
        }
    }

    fn check_rows(&self, problems: &mut Vec<String>) {
        repeated("documents", self.documents.iter().map(|document| document.id.clone()), problems);
        repeated("connections", self.connections.iter().map(|connection| connection.id.to_string()), problems);
        repeated("programmes", self.programmes.iter().map(|programme| programme.id.to_string()), problems);
        for document in &self.documents {
            if !document.text.contains_key(&self.locales.default) || !document.title.contains_key(&self.locales.default)
            {
                problems.push(format!("documents: {:?} has no text in the default language", document.id));
            }
        }
        problems.extend(self.connections.iter().flat_map(crate::federation::ConnectionSettings::validate));
        problems.extend(self.release_rules().validate());
    }

    fn check_production(&self, problems: &mut Vec<String>) {
        if self.server.issuer.scheme() != "https" {
            problems.push("server.issuer must be https in production".to_owned());
        }
        if self.keys.master_key_files.is_empty() {
            problems.push("keys.master_key_files is required in production".to_owned());
        }
        if self.mail.transport == super::MailTransport::Sink {
            problems.push("mail.transport sink keeps mail in memory: demo and test only".to_owned());
        }
        if self.outbound.allow_hosts.iter().any(|host| host == "localhost") {
            problems.push("outbound.allow_hosts must not name localhost in production".to_owned());
        }
        let secrets = self.connections.iter().filter_map(|connection| connection.client_secret.as_ref());
        if secrets.into_iter().any(|secret| secret.expose().starts_with("demo-")) {
            problems.push("connections: a demo secret cannot be used in production".to_owned());
        }
    }
}

fn repeated(list: &str, names: impl Iterator<Item = String>, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            problems.push(format!("{list}: {name:?} is listed twice"));
        }
    }
}
