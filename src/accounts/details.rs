//! What people say of themselves: name, birth date, time zone, language.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Accounts;
use crate::model::account::{Attribute, Verification};
use crate::model::session::Session;
use crate::model::{Fault, Locale, UnixTime};
use crate::policy::release::best_attribute;

/// Characters of a name at most.
const NAME_LIMIT: usize = 100;
/// The source of what people say of themselves.
const USER: &str = "user";

/// What the form sends, as typed.
#[derive(Clone, Debug)]
pub struct Details {
    /// The name they want to be called.
    pub name: String,
    /// `YYYY-MM-DD`, or nothing.
    pub birthdate: String,
    /// An IANA time zone.
    pub zoneinfo: String,
    /// The language, which the caller knows there are texts in; `None` when it is not one.
    pub locale: Option<Locale>,
}

/// What saving came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Done,
    /// A name is missing or too long.
    NameMissing,
    /// One of the other fields was not understood.
    Invalid,
}

impl Accounts {
    /// Saves what changed. What a provider said and the person left as it was stays the provider's word.
    ///
    /// # Errors
    /// A [`Fault`] when the store does not answer.
    pub async fn save_details(&self, session: &Session, details: &Details) -> Result<Saved, Fault> {
        let Some(profile) = self.0.store.profile(session.account).await? else { return Ok(Saved::Invalid) };
        let now = self.0.clock.now();
        let Some(name) = name(&details.name) else { return Ok(Saved::NameMissing) };
        let (Ok(birthdate), Some(zoneinfo), Some(locale)) =
            (birthdate(&details.birthdate, now), zoneinfo(&details.zoneinfo), &details.locale)
        else {
            return Ok(Saved::Invalid);
        };
        let wanted = [("name", Some(name)), ("birthdate", birthdate)];
        let changed: Vec<Attribute> = wanted
            .into_iter()
            .filter(|(claim, value)| {
                let known = best_attribute(claim, None, &profile.attributes);
                known.and_then(|known| known.value.as_str()) != value.as_deref()
            })
            .map(|(claim, value)| Attribute {
                name: claim.to_owned(),
                value: value.map_or(Value::Null, Value::String),
                source: USER.to_owned(),
                verification: Verification::Unverified,
                observed_at: now,
            })
            .collect();
        self.0.store.put_attributes(session.account, changed, now).await?;
        if profile.account.zoneinfo != zoneinfo || profile.account.locale != *locale {
            self.0.store.set_locale(session.account, locale, &zoneinfo, now).await?;
        }
        Ok(Saved::Done)
    }
}

fn name(typed: &str) -> Option<String> {
    let name = typed.trim();
    let sound = !name.is_empty() && name.chars().count() <= NAME_LIMIT && !name.chars().any(char::is_control);
    sound.then(|| name.to_owned())
}

/// What was typed is no birth date.
#[derive(Debug, PartialEq, Eq)]
struct NoBirthdate;

/// The day as it is stored; nothing typed is an answer too.
fn birthdate(typed: &str, now: UnixTime) -> Result<Option<String>, NoBirthdate> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    // The parser would take a date with a time, too.
    let date = Some(typed).filter(|typed| typed.len() == 10).and_then(|typed| typed.parse::<Date>().ok());
    // The day begins first at UTC+14.
    let latest = jiff::Timestamp::from_second(now.0.saturating_add(14 * 3600)).map_err(|_| NoBirthdate)?;
    let latest = TimeZone::UTC.to_datetime(latest).date();
    let sound = |date: &Date| date.year() >= 1900 && *date <= latest;
    date.filter(sound).map(|date| Some(date.to_string())).ok_or(NoBirthdate)
}

/// The zone by its canonical name.
fn zoneinfo(typed: &str) -> Option<String> {
    TimeZone::get(typed.trim()).ok()?.iana_name().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_date_is_a_day_in_the_past() {
        let now = UnixTime(1_795_453_500);
        assert_eq!(birthdate(" ", now), Ok(None));
        assert_eq!(birthdate("1999-03-01", now), Ok(Some("1999-03-01".to_owned())));
        for wrong in ["1899-12-31", "1999-02-29", "2026-11-25", "1999", "1.3.1999", "1999-03-01T00:00"] {
            assert_eq!(birthdate(wrong, now), Err(NoBirthdate), "{wrong}");
        }
    }

    #[test]
    fn a_zone_is_known_and_a_name_fits_a_line() {
        assert_eq!(zoneinfo("asia/seoul").as_deref(), Some("Asia/Seoul"));
        assert_eq!(zoneinfo("Asia/Atlantis"), None);
        assert_eq!(name("  김민아 ").as_deref(), Some("김민아"));
        assert_eq!(name("a\nb"), None);
        assert_eq!(name(&"a".repeat(101)), None);
    }
}
