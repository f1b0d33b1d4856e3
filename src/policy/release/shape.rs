//! The form each standard claim must have [OIDC Core §5.1]; a value of another form is not released at all.

use jiff::civil::Date;
use serde_json::{Map, Value};
use url::Url;

const STRINGS: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "gender",
    "zoneinfo",
    "locale",
    "email",
    "phone_number",
    "urn:comity:stage",
    "birthdate",
];
const ADDRESS: [&str; 6] = ["formatted", "street_address", "locality", "region", "postal_code", "country"];

/// The value in the form its claim demands; `None` when it cannot have it or is empty.
pub(super) fn shaped(claim: &str, value: Value) -> Option<Value> {
    let value = without_empties(value)?;
    match claim {
        "birthdate" => value.as_str().is_some_and(is_birthdate).then_some(value),
        "profile" | "picture" | "website" => value.as_str().is_some_and(is_web_address).then_some(value),
        "email_verified" | "phone_number_verified" => value.is_boolean().then_some(value),
        "updated_at" => value.is_number().then_some(value),
        "address" => address(value),
        _ if STRINGS.contains(&claim) => value.is_string().then_some(value),
        _ => Some(value),
    }
}

/// Drops what says nothing: null, empty texts, the text `null`, empty lists and objects.
fn without_empties(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.trim().is_empty() && text != "null").then_some(Value::String(text)),
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(without_empties).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let full = members.into_iter().filter_map(|(name, member)| Some((name, without_empties(member)?)));
            let members: Map<String, Value> = full.collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        scalar => Some(scalar),
    }
}

fn address(value: Value) -> Option<Value> {
    let members = match value {
        Value::String(text) => Map::from_iter([("formatted".to_owned(), Value::String(text))]),
        Value::Object(members) => members,
        _ => return None,
    };
    let known = |name: &str, member: &Value| ADDRESS.contains(&name) && member.is_string();
    let members: Map<String, Value> = members.into_iter().filter(|(name, member)| known(name, member)).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// `YYYY-MM-DD`, `0000-MM-DD` where the year is withheld, or `YYYY`.
fn is_birthdate(text: &str) -> bool {
    match text.len() {
        4 => text.bytes().all(|byte| byte.is_ascii_digit()) && text >= "1850",
        // A leap year stands in for the withheld one, so that 29 February is a birthday.
        10 => match text.strip_prefix("0000-") {
            Some(day) => format!("2000-{day}").parse::<Date>().is_ok(),
            None => text.parse::<Date>().is_ok_and(|date| date.year() >= 1850 && date.to_string() == text),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn standard_claims_have_their_form_or_are_absent() {
        for (claim, value, expected) in [
            ("birthdate", json!("1990-02-28"), Some(json!("1990-02-28"))),
            ("birthdate", json!("0000-02-29"), Some(json!("0000-02-29"))),
            ("birthdate", json!("1990"), Some(json!("1990"))),
            ("birthdate", json!("1849"), None),
            ("birthdate", json!("1849-01-01"), None),
            ("birthdate", json!("1990-02-30"), None),
            ("birthdate", json!("0000-13-01"), None),
            ("birthdate", json!("19900228"), None),
            ("birthdate", json!("1990-2-28"), None),
            ("birthdate", json!("28.02.1990"), None),
            ("birthdate", json!(1990), None),
            ("email_verified", json!("true"), None),
            ("email_verified", json!(false), Some(json!(false))),
            ("updated_at", json!(5), Some(json!(5))),
            ("updated_at", json!("5"), None),
            ("name", json!("김민아"), Some(json!("김민아"))),
            ("name", json!(""), None),
            ("name", json!(" "), None),
            ("name", json!("null"), None),
            ("family_name", json!("Null"), Some(json!("Null"))),
            ("name", json!(null), None),
            ("name", json!(["김민아"]), None),
            ("picture", json!("https://img.example/1.png"), Some(json!("https://img.example/1.png"))),
            ("picture", json!("javascript:alert(1)"), None),
            ("website", json!("example"), None),
            ("address", json!("1 Rue X"), Some(json!({"formatted": "1 Rue X"}))),
            (
                "address",
                json!({"country": "KR", "region": "", "x": "y", "locality": 3}),
                Some(json!({"country": "KR"})),
            ),
            ("address", json!({"region": ""}), None),
            ("address", json!([]), None),
            ("urn:x:custom", json!({"a": [null, ""], "b": 0}), Some(json!({"b": 0}))),
            ("urn:x:custom", json!(false), Some(json!(false))),
            ("urn:x:custom", json!([]), None),
        ] {
            assert_eq!(shaped(claim, value.clone()), expected, "{claim} {value}");
        }
    }
}
