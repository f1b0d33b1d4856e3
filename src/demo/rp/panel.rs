//! "What I received": every claim of every delivery on a line of its own.

use serde_json::{Map, Value};

use super::receipts::Receipt;
use crate::demo::page::time_of_day;
use crate::model::UnixTime;

/// The claims that came one way.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) struct Block {
    /// `id_token`, `userinfo` or `access_token`.
    pub(in crate::demo) source: &'static str,
    pub(in crate::demo) lines: Vec<Line>,
}

impl Block {
    /// Whether it says something of the person; tokens are mostly about themselves.
    pub(in crate::demo) fn is_telling(&self) -> bool {
        self.source == "userinfo"
    }

    /// The key of its heading.
    pub(in crate::demo) fn title_key(&self) -> &'static str {
        match self.source {
            "id_token" => "received.id_token",
            "userinfo" => "received.userinfo",
            _ => "received.access_token",
        }
    }
}

/// One claim, or one member of a structured claim.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) struct Line {
    /// With a path into structures: `urn:comity:memberships[0].tier`.
    pub(in crate::demo) claim: String,
    pub(in crate::demo) value: String,
    /// A time in words.
    pub(in crate::demo) note: Option<String>,
}

/// A delivery, decoded.
pub(in crate::demo) fn blocks(receipt: &Receipt) -> Vec<Block> {
    let mut blocks = vec![
        Block { source: "id_token", lines: lines(&receipt.id_token) },
        Block { source: "userinfo", lines: lines(&receipt.userinfo) },
    ];
    if let Some(claims) = &receipt.access_token {
        blocks.push(Block { source: "access_token", lines: lines(claims) });
    }
    blocks
}

fn lines(claims: &Map<String, Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (claim, value) in claims {
        flatten(claim.clone(), value, &mut lines);
    }
    lines
}

fn flatten(path: String, value: &Value, lines: &mut Vec<Line>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                flatten(format!("{path}.{name}"), value, lines);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (position, item) in items.iter().enumerate() {
                flatten(format!("{path}[{position}]"), item, lines);
            }
        }
        Value::String(text) => lines.push(Line { claim: path, value: text.clone(), note: None }),
        other => {
            let is_time = matches!(path.as_str(), "iat" | "exp" | "nbf" | "auth_time" | "updated_at");
            let note = other.as_i64().filter(|_| is_time).map(|seconds| time_of_day(UnixTime(seconds)));
            lines.push(Line { claim: path, value: other.to_string(), note });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn structures_are_laid_out_line_by_line() {
        let claims =
            json!({ "sub": "a", "amr": ["fed"], "exp": 0, "m": [{ "tier": "gold", "proof": { "level": "low" } }] });
        let found = lines(claims.as_object().unwrap());
        let shown: Vec<_> = found.iter().map(|line| format!("{}={}", line.claim, line.value)).collect();
        assert_eq!(shown.len(), 5);
        for expected in ["sub=a", "amr=[\"fed\"]", "exp=0", "m[0].tier=gold", "m[0].proof.level=low"] {
            assert!(shown.iter().any(|line| line == expected), "{expected}: {shown:?}");
        }
        assert_eq!(found.iter().find(|line| line.claim == "exp").unwrap().note.as_deref(), Some("09:00:00"));
    }
}
