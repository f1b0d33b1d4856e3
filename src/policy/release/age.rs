//! Ages, judged by the calendar of the place the person lives in.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::model::UnixTime;

/// Whether somebody born on `birthdate` is at least `years` old at `now` in the time zone `zoneinfo`.
///
/// It is so from the first moment of the birthday. Whoever was born on 29 February has it on 1 March in a common
/// year: no day earlier than the law of any country would allow. A bare year answers only when every day of it
/// gives the same answer, and a withheld year never does.
pub(super) fn age_over(
    years: u8,
    birthdate: &str,
    zoneinfo: &str,
    zones: &TimeZoneDatabase,
    now: UnixTime,
) -> Option<bool> {
    let today = today(zoneinfo, zones, now)?;
    if birthdate.len() == 4 {
        let year = birthdate.parse().ok()?;
        let first = come_of_age(Date::new(year, 1, 1).ok()?, years)?;
        let last = come_of_age(Date::new(year, 12, 31).ok()?, years)?;
        let (early, late) = (today >= first, today >= last);
        return (early == late).then_some(early);
    }
    let born: Date = birthdate.parse().ok()?;
    if born.year() == 0 {
        return None;
    }
    Some(today >= come_of_age(born, years)?)
}

fn come_of_age(born: Date, years: u8) -> Option<Date> {
    let birthday = born.checked_add(i64::from(years).years()).ok()?;
    // The calendar gives 28 February when the year has no 29th.
    if birthday.day() == born.day() { Some(birthday) } else { birthday.tomorrow().ok() }
}

/// Today's date in the zone. An unknown zone counts as the one the day reaches last, so that nobody is of age early.
fn today(zoneinfo: &str, zones: &TimeZoneDatabase, now: UnixTime) -> Option<Date> {
    let zone = zones.get(zoneinfo).unwrap_or_else(|_| TimeZone::fixed(Offset::constant(-12)));
    Some(zone.to_datetime(Timestamp::from_second(now.0).ok()?).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str) -> UnixTime {
        UnixTime(moment.parse::<Timestamp>().unwrap().as_second())
    }

    #[test]
    fn ages_turn_at_midnight_of_the_birthday_where_the_person_lives() {
        for (birthdate, zone, moment, expected) in [
            ("2008-03-10", "UTC", "2026-03-09T23:59:59Z", Some(false)),
            ("2008-03-10", "UTC", "2026-03-10T00:00:00Z", Some(true)),
            ("2008-03-10", "Asia/Seoul", "2026-03-09T14:59:59Z", Some(false)),
            ("2008-03-10", "Asia/Seoul", "2026-03-09T15:00:00Z", Some(true)),
            ("2008-03-10", "America/Los_Angeles", "2026-03-10T06:59:59Z", Some(false)),
            ("2008-03-10", "America/Los_Angeles", "2026-03-10T07:00:00Z", Some(true)),
            ("2008-03-10", "Pacific/Kiritimati", "2026-03-09T10:00:00Z", Some(true)),
            ("2008-03-10", "Nowhere/Atlantis", "2026-03-10T11:59:59Z", Some(false)),
            ("2008-03-10", "Nowhere/Atlantis", "2026-03-10T12:00:00Z", Some(true)),
            ("2008-02-29", "UTC", "2026-02-28T23:59:59Z", Some(false)),
            ("2008-02-29", "UTC", "2026-03-01T00:00:00Z", Some(true)),
            ("2010-02-28", "UTC", "2028-02-28T00:00:00Z", Some(true)),
            ("2010-03-01", "UTC", "2028-02-29T00:00:00Z", Some(false)),
            ("2007-12-31", "UTC", "2025-12-31T00:00:00Z", Some(true)),
            ("2007", "UTC", "2026-05-05T00:00:00Z", Some(true)),
            ("2008", "UTC", "2026-05-05T00:00:00Z", None),
            ("2008", "UTC", "2026-12-31T00:00:00Z", Some(true)),
            ("2009", "UTC", "2026-12-31T23:59:59Z", Some(false)),
            ("0000-03-10", "UTC", "2026-03-10T00:00:00Z", None),
            ("2030-01-01", "UTC", "2026-03-10T00:00:00Z", Some(false)),
            ("yesterday", "UTC", "2026-03-10T00:00:00Z", None),
            ("", "UTC", "2026-03-10T00:00:00Z", None),
        ] {
            let zones = TimeZoneDatabase::bundled();
            assert_eq!(age_over(18, birthdate, zone, &zones, at(moment)), expected, "{birthdate} {zone} {moment}");
        }
    }

    #[test]
    fn a_leap_day_is_kept_in_leap_years() {
        let zones = TimeZoneDatabase::bundled();
        assert_eq!(age_over(20, "2008-02-29", "UTC", &zones, at("2028-02-28T23:59:59Z")), Some(false));
        assert_eq!(age_over(20, "2008-02-29", "UTC", &zones, at("2028-02-29T00:00:00Z")), Some(true));
    }
}
