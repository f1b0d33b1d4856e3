//! Log lines as JSON objects, written straight into the line: an event is formatted for each request, and making values
//! of its members first would cost more than the request's own answer.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// One event: its time, level, members, target, and the span it happened in.
pub(super) struct JsonLine;

/// Fields as members of an object, without its braces.
pub(super) struct JsonMembers;

impl<S> FormatEvent<S, JsonMembers> for JsonLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonMembers>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        write!(line, "\",\"level\":\"{}\",", event.metadata().level())?;
        let before = Members::written(line.by_ref(), event)?;
        line.write_str(if before { ",\"target\":\"" } else { "\"target\":\"" })?;
        Escaped(line.by_ref()).write_str(event.metadata().target())?;
        line.write_char('"')?;
        if let Some(span) = ctx.lookup_current() {
            line.write_str(",\"span\":{")?;
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonMembers>>()
                && !fields.is_empty()
            {
                line.write_str(fields)?;
                line.write_char(',')?;
            }
            line.write_str("\"name\":\"")?;
            Escaped(line.by_ref()).write_str(span.name())?;
            line.write_str("\"}")?;
        }
        line.write_str("}\n")
    }
}

impl<'w> FormatFields<'w> for JsonMembers {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        Members::written(writer, fields).map(drop)
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &tracing::span::Record<'_>) -> fmt::Result {
        if !current.fields.is_empty() {
            current.fields.push(',');
        }
        Members::written(current.as_writer(), fields).map(drop)
    }
}

/// Writes one member after the other.
struct Members<'w> {
    writer: Writer<'w>,
    any: bool,
    result: fmt::Result,
}

impl<'w> Members<'w> {
    /// Writes all of them; says whether there were any.
    fn written(writer: Writer<'w>, fields: impl RecordFields) -> Result<bool, fmt::Error> {
        let mut members = Self { writer, any: false, result: Ok(()) };
        fields.record(&mut members);
        members.result.map(|()| members.any)
    }

    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'w>) -> fmt::Result) {
        if self.result.is_err() {
            return;
        }
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        let separator = if std::mem::replace(&mut self.any, true) { "," } else { "" };
        self.result = write!(self.writer, "{separator}\"{name}\":").and_then(|()| value(&mut self.writer));
    }

    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.member(field, |writer| write!(writer, "{value}"));
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.plain(field, "null");
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            Escaped(writer.by_ref()).write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer.by_ref()), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

/// The inside of a JSON string [RFC 8259 §7].
struct Escaped<'w>(Writer<'w>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // What must be escaped is one byte long, so that the text can be cut on either side of it.
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            let (plain, special) = rest.split_at(at);
            let (special, after) = special.split_at(1);
            self.0.write_str(plain)?;
            match special {
                "\"" | "\\" => write!(self.0, "\\{special}")?,
                "\n" => self.0.write_str("\\n")?,
                "\r" => self.0.write_str("\\r")?,
                "\t" => self.0.write_str("\\t")?,
                other => other.chars().try_for_each(|c| write!(self.0, "\\u{:04x}", u32::from(c)))?,
            }
            rest = after;
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_escaped_reads_back_as_itself(text: String) {
            let mut line = String::from("\"");
            Escaped(Writer::new(&mut line)).write_str(&text).unwrap();
            line.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
