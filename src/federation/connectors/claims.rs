//! Reads single values out of answers nobody promised the types of.

use serde_json::Value;
use url::Url;

/// Longer descriptive values are cut off: nobody's name is lost, and no page is flooded.
const MAX_TEXT: usize = 200;

/// A descriptive text, cleaned; `None` when nothing visible is left.
pub(in crate::federation) fn text(answer: &Value, pointer: &str) -> Option<String> {
    let visible = |character: &char| !character.is_control() && !is_invisible(*character);
    let text: String = answer.pointer(pointer)?.as_str()?.chars().filter(visible).take(MAX_TEXT).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A full name out of its parts: the family name first and without a space where both are in Hangul, Han or kana.
pub(super) fn full_name(given: Option<&str>, family: Option<&str>) -> Option<String> {
    let (Some(given), Some(family)) = (given, family) else { return given.or(family).map(str::to_owned) };
    let is_east_asian = format!("{family}{given}").chars().all(|c| {
        matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}')
    });
    Some(if is_east_asian { format!("{family}{given}") } else { format!("{given} {family}") })
}

/// A subject: text kept byte for byte, or a whole number. Anything odd is no subject rather than a repaired one.
pub(in crate::federation) fn identifier(answer: &Value, pointer: &str) -> Option<String> {
    match answer.pointer(pointer)? {
        Value::String(text) => {
            let sound = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
            sound.then(|| text.clone())
        }
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A truth value as `true`, `"true"`, `"1"` or `1`; false otherwise.
pub(in crate::federation) fn flag(answer: &Value, pointer: &str) -> bool {
    match answer.pointer(pointer) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true") || text == "1",
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

/// An e-mail address of plausible shape, as the provider spells it. Canonical form is the business of policy.
pub(super) fn email(answer: &Value, pointer: &str) -> Option<String> {
    let address = answer.pointer(pointer)?.as_str()?;
    let odd = |character: char| character.is_control() || character.is_whitespace() || is_invisible(character);
    let (local, domain) = address.split_once('@')?;
    let sound = address.len() <= 254
        && !local.is_empty()
        && local.len() <= 64
        && !domain.contains('@')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !address.contains(odd);
    sound.then(|| address.to_owned())
}

/// The domain of an address, in lower case.
pub(super) fn domain(address: &str) -> String {
    address.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_ascii_lowercase())
}

/// The address of a picture: `http` or `https`, nothing that runs.
pub(super) fn picture(answer: &Value, pointer: &str) -> Option<String> {
    let url = Url::parse(answer.pointer(pointer)?.as_str()?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2048).then(|| url.to_string())
}

/// A telephone number that already is international, without its punctuation.
pub(super) fn phone(answer: &Value, pointer: &str) -> Option<String> {
    let text = answer.pointer(pointer)?.as_str()?;
    let number: String = text.chars().filter(|character| !matches!(character, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = number.strip_prefix('+')?;
    let sound = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (sound && !digits.starts_with('0')).then_some(number)
}

/// A birth date from a year and a month with day, either of which may be missing [OIDC Core §5.1].
pub(super) fn birthdate(year: Option<&str>, month_day: Option<&str>) -> Option<String> {
    let year = year.filter(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()));
    let month_day = month_day.and_then(|text| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let (month, day) = (digits.get(..2)?, digits.get(2..)?);
        // 2000 was a leap year: 29 February is a birthday too.
        let real = digits.len() == 4 && format!("2000-{month}-{day}").parse::<jiff::civil::Date>().is_ok();
        real.then(|| format!("{month}-{day}"))
    });
    match (year, month_day) {
        (Some(year), Some(month_day)) => Some(format!("{year}-{month_day}")),
        (Some(year), None) => Some(year.to_owned()),
        (None, Some(month_day)) => Some(format!("0000-{month_day}")),
        (None, None) => None,
    }
}

/// Characters that change how a text looks without being seen.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
