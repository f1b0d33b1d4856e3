//! Values in words: what goes out, as the person knows it.

use serde_json::{Map, Value};

use crate::model::{Locale, UnixTime};
use crate::policy::release::{AskLine, Period};
use crate::web::state::Web;

const SEPARATOR: &str = " · ";

/// Reads values out to a person.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) web: &'a Web,
    pub(super) locale: &'a Locale,
}

impl Words<'_> {
    /// The value of a line; empty for a scope that is a permission by itself.
    pub(super) fn of(&self, line: &AskLine) -> String {
        match (line.claim.as_str(), &line.value) {
            ("", _) if line.scope == "openid" => self.text("value.random"),
            ("birthdate", Value::String(day)) => self.web.texts.calendar_day(self.locale, day),
            ("updated_at", Value::Number(time)) => self.day(time.as_i64().unwrap_or_default()),
            ("locale", Value::String(tag)) => self.language(tag),
            ("gender", Value::String(gender)) => self.known(&format!("value.{gender}"), gender),
            ("urn:comity:stage", Value::String(stage)) => self.known(&format!("stage.{stage}"), stage),
            ("urn:comity:memberships", Value::Array(entries)) => {
                let entries = entries.iter().filter_map(Value::as_object);
                entries.map(|entry| self.membership(entry)).collect::<Vec<_>>().join("; ")
            }
            (_, value) => self.plain(value),
        }
    }

    /// A length of time as settings write it, else the words they have for it.
    pub(super) fn period(&self, written: &str) -> String {
        let days = written.parse().map(|period: Period| period.as_seconds() / 86_400);
        match days {
            Ok(days) if days > 0 => {
                let count = self.web.texts.number(self.locale, days);
                self.web.texts.t(self.locale, "consent.retention_days", &[("count", &count)])
            }
            _ => written.to_owned(),
        }
    }

    fn plain(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::Bool(true) => self.text("value.yes"),
            Value::Bool(false) => self.text("value.no"),
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), |number| self.number(number)),
            Value::Array(items) => join(items.iter().map(|item| self.plain(item))),
            Value::Object(members) => match members.get("formatted") {
                Some(formatted) => self.plain(formatted),
                None => join(members.values().map(|member| self.plain(member))),
            },
        }
    }

    /// The programme and what is told of the membership. What only machines read is left out.
    fn membership(&self, entry: &Map<String, Value>) -> String {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let id = text("programme").unwrap_or_default();
        let programme = self.web.memberships.programme(&id.into());
        let tier_name = |code: &str| {
            programme.and_then(|programme| programme.tier(code)).map_or(code, |tier| tier.name(self.locale)).to_owned()
        };
        let balances = entry.get("balances").and_then(Value::as_array).into_iter().flatten();
        let parts = [
            Some(programme.map_or(id, |programme| programme.name(self.locale)).to_owned()),
            text("tier").map(tier_name),
            text("tier_expires").map(|day| self.until(day)),
            text("status").filter(|status| *status != "active").map(str::to_owned),
            text("number").map(str::to_owned),
        ];
        join(parts.into_iter().flatten().chain(balances.map(|balance| self.balance(balance))))
    }

    fn balance(&self, balance: &Value) -> String {
        let amount = balance.get("amount").map(|amount| self.plain(amount)).unwrap_or_default();
        let unit = balance.get("unit").and_then(Value::as_str).unwrap_or_default();
        format!("{amount} {}", self.known(&format!("value.unit.{unit}"), unit))
    }

    fn until(&self, day: &str) -> String {
        let day = self.web.texts.calendar_day(self.locale, day);
        self.web.texts.t(self.locale, "value.until", &[("date", &day)])
    }

    fn day(&self, seconds: i64) -> String {
        self.web.texts.date(self.locale, UnixTime(seconds), &self.web.zone)
    }

    fn number(&self, number: i64) -> String {
        self.web.texts.number(self.locale, number)
    }

    /// What a language calls itself.
    fn language(&self, tag: &str) -> String {
        let mut known = self.web.texts.locales();
        known.find(|locale| locale.as_str() == tag).map_or(tag, |it| self.web.texts.get(it, "language.name")).to_owned()
    }

    fn text(&self, key: &str) -> String {
        self.web.texts.get(self.locale, key).to_owned()
    }

    /// The text of a key, else the code it is made of.
    fn known(&self, key: &str, code: &str) -> String {
        self.web.texts.find(self.locale, key).unwrap_or(code).to_owned()
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(SEPARATOR)
}
