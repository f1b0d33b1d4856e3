//! The log on standard output.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Deserialize;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;

use super::json::{JsonLine, JsonMembers};
use super::lines::{Lines, LogGuard};
use crate::model::Fault;

/// Below `info` these crates print headers and bodies. They say no more unless the filter names them.
const DISCREET: &str = "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tower_http=info";

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// Levels by target, e.g. `info,comity::federation=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// The log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is malformed.
    #[error("the log filter is malformed")]
    Filter(#[from] ParseError),
    /// The process logs already.
    #[error("the log is already started")]
    Started(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// There is no thread to write it.
    #[error("the log has no thread")]
    Thread(#[source] io::Error),
}

/// Starts the log of this process; called once, by the command that serves. It ends with the guard.
pub fn init(settings: &LogSettings) -> Result<LogGuard, Error> {
    let filter = filter(settings)?;
    let (lines, guard) = Lines::to(io::stdout()).map_err(Error::Thread)?;
    match settings.format {
        LogFormat::Text => tracing::subscriber::set_global_default(text(filter, lines))?,
        LogFormat::Json => tracing::subscriber::set_global_default(json(filter, lines))?,
    }
    Ok(guard)
}

/// Succeeds when the log could be started with these settings.
pub fn check(settings: &LogSettings) -> Result<(), Error> {
    filter(settings).map(drop)
}

/// Logs a fault with all its causes. The surrounding span carries the request's id.
pub fn log_fault(fault: &Fault) {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(fault);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    tracing::error!(causes = causes.join(": "), "{fault}");
}

fn filter(settings: &LogSettings) -> Result<EnvFilter, Error> {
    Ok(EnvFilter::builder().parse(format!("{DISCREET},{}", settings.filter))?)
}

fn text<W>(filter: EnvFilter, output: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        // Told on standard error, it panics when that is the same full disk.
        .log_internal_errors(false)
        .with_writer(OneLine(output))
        .finish()
}

fn json<W>(filter: EnvFilter, output: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .fmt_fields(JsonMembers)
        .event_format(JsonLine)
        .with_writer(OneLine(output))
        .finish()
}

/// Keeps one event on one line: whatever could break it, move the cursor or turn the reading direction is written as
/// `\uXXXX`, which is as good in JSON as in text.
struct OneLine<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for OneLine<W> {
    type Writer = OneLine<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }

    fn make_writer_for(&'w self, of: &Metadata<'_>) -> Self::Writer {
        OneLine(self.0.make_writer_for(of))
    }
}

impl<W: Write> Write for OneLine<W> {
    /// The subscriber hands over each event in one piece.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (body, end) = event.split_at(event.len().saturating_sub(1));
        if end == b"\n" && body.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            self.0.write_all(event)?;
            return Ok(event.len());
        }
        let text = String::from_utf8_lossy(event);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        if line.contains(is_disruptive) {
            self.0.write_all((escaped(line) + end).as_bytes())?;
        } else {
            self.0.write_all(text.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn is_disruptive(c: char) -> bool {
    let is_invisible =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    c.is_control() || is_invisible
}

fn escaped(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_disruptive(c) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{debug, error, info, info_span, warn};

    use super::*;
    use crate::model::Secret;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, levels: &str, act: impl FnOnce()) -> String {
        let output = Output::default();
        let settings = LogSettings { format, filter: levels.to_owned() };
        let (filter, writer) = (filter(&settings).unwrap(), output.clone());
        match format {
            LogFormat::Text => with_default(text(filter, move || writer.clone()), act),
            LogFormat::Json => with_default(json(filter, move || writer.clone()), act),
        }
        let bytes = output.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const HOSTILE: &str = "a\r\n2026-01-01T00:00:00Z  INFO forged\u{1b}[2J\t\u{9b}31m\u{7f}\u{0}\u{202e}\u{2028}끝";

    #[test]
    fn no_value_breaks_out_of_its_line() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, "info", || {
                let _span = info_span!("request", id = %HOSTILE).entered();
                info!(shown = %HOSTILE, debugged = ?HOSTILE, "{HOSTILE}");
                warn!("second");
            });
            let lines: Vec<_> = log.lines().collect();
            assert_eq!(lines.len(), 2, "{log}");
            assert!(log.ends_with('\n') && !log.trim_end_matches('\n').contains(|c| is_disruptive(c) && c != '\n'));
            assert!(lines[0].contains("forged") && lines[0].contains('끝') && lines[1].contains("second"));
        }
    }

    #[test]
    fn json_lines_stay_json_and_keep_their_values() {
        let log = logged(LogFormat::Json, "info", || error!(shown = %HOSTILE, "failed"));
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["message"], "failed");
        assert_eq!(line["level"], "ERROR");
        assert!(line["timestamp"].is_string() && line["shown"].as_str().unwrap().starts_with("a\r\n2026"));
    }

    #[test]
    fn json_lines_name_the_request_they_are_about() {
        let log = logged(LogFormat::Json, "info", || {
            let span = info_span!("request", id = "a\"b", route = tracing::field::Empty).entered();
            span.record("route", "/token");
            info!(status = 200_u16, share = 0.5, nothing = f64::NAN, good = true, r#type = -1, ?span, "answered");
            drop(span);
            info!("alone");
        });
        let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let span = serde_json::json!({ "id": "a\"b", "route": "/token", "name": "request" });
        assert_eq!((&lines[0]["span"], &lines[1]["span"]), (&span, &serde_json::Value::Null));
        let expected = serde_json::json!([200, 0.5, null, true, -1, "comity::telemetry::log::tests"]);
        let names = ["status", "share", "nothing", "good", "type", "target"];
        assert_eq!(names.map(|name| lines[0][name].clone()).to_vec(), *expected.as_array().unwrap());
        assert_eq!(lines[1]["message"], "alone");
    }

    #[test]
    fn the_filter_selects_and_talkative_crates_stay_discreet() {
        let act = || {
            info!("told");
            debug!("detail");
            debug!(target: "h2::codec", "authorization: Bearer x");
            debug!(target: "hyper::proto", "body");
        };
        assert!(!logged(LogFormat::Text, "info", act).contains("detail"));
        let everything = logged(LogFormat::Text, "trace", act);
        assert!(everything.contains("told") && everything.contains("detail"));
        assert!(!everything.contains("Bearer") && !everything.contains("body"));
        assert!(logged(LogFormat::Text, "info,h2=trace", act).contains("Bearer"));
        assert!(matches!(
            filter(&LogSettings { filter: "comity=loud".to_owned(), ..Default::default() }),
            Err(Error::Filter(_))
        ));
    }

    #[test]
    fn secrets_do_not_show() {
        let secret = Secret::from("canary-7f3a");
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, "trace", || info!(?secret, "{secret:?} in {:?}", Some(&secret)));
            assert!(log.contains("[secret]") && !log.contains("canary"), "{log}");
        }
    }
}
