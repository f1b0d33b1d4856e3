//! Dates and numbers as each language writes them; the patterns are texts (`format.*`) too.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{Texts, fill};
use crate::model::{Locale, UnixTime};

impl Texts {
    /// A day, e.g. `2026년 11월 23일`, in an IANA time zone; UTC when the zone is unknown.
    pub fn date(&self, locale: &Locale, time: UnixTime, zone: &str) -> String {
        moment(time, zone).map_or_else(|| time.to_rfc3339(), |moment| self.civil(locale, moment.date()))
    }

    /// A day and the time of day, e.g. `23 November 2026, 17:05`.
    pub fn date_time(&self, locale: &Locale, time: UnixTime, zone: &str) -> String {
        let Some(moment) = moment(time, zone) else { return time.to_rfc3339() };
        let clock = format!("{:02}:{:02}", moment.hour(), moment.minute());
        let date = self.civil(locale, moment.date());
        fill(self.get(locale, "format.date_time"), &[("date", &date), ("time", &clock)])
    }

    /// A calendar day written `YYYY-MM-DD`, as birth dates are; any other text is returned as it is.
    pub fn calendar_day(&self, locale: &Locale, day: &str) -> String {
        day.parse::<Date>().map_or_else(|_| day.to_owned(), |date| self.civil(locale, date))
    }

    /// A whole number with its digits grouped.
    pub fn number(&self, locale: &Locale, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = String::from(if number < 0 { "-" } else { "" });
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                text.push_str(self.get(locale, "format.group"));
            }
            text.push(digit);
        }
        text
    }

    fn civil(&self, locale: &Locale, date: Date) -> String {
        let (year, month, day) = (date.year().to_string(), date.month().to_string(), date.day().to_string());
        let mut names = self.get(locale, "format.months").split(',');
        let name = usize::try_from(date.month() - 1).ok().and_then(|index| names.nth(index)).unwrap_or(&month);
        let args = [("year", year.as_str()), ("month", &month), ("month_name", name.trim()), ("day", &day)];
        fill(self.get(locale, "format.date"), &args)
    }
}

fn moment(time: UnixTime, zone: &str) -> Option<DateTime> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Some(zone.to_datetime(Timestamp::from_second(time.0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_dates_its_own_way() {
        let texts = Texts::builtin().unwrap();
        let time = UnixTime(1_795_453_500);
        let cases = [
            ("ko", "2026년 11월 24일", "2026년 11월 24일 02:05"),
            ("ja", "2026年11月24日", "2026年11月24日 02:05"),
            ("en", "24 November 2026", "24 November 2026, 02:05"),
        ];
        for (tag, date, date_time) in cases {
            let locale = tag.parse().unwrap();
            assert_eq!(texts.date(&locale, time, "Asia/Seoul"), date);
            assert_eq!(texts.date_time(&locale, time, "Asia/Seoul"), date_time);
        }
        let english = Locale::english();
        assert_eq!(texts.date(&english, time, "No/Where"), "23 November 2026");
        assert_eq!(texts.date(&english, UnixTime(i64::MAX), "UTC"), i64::MAX.to_string());
        assert_eq!(texts.calendar_day(&english, "2000-02-29"), "29 February 2000");
        assert_eq!(texts.calendar_day(&english, "0000-02-30"), "0000-02-30");
    }

    #[test]
    fn numbers_are_grouped() {
        let texts = Texts::builtin().unwrap();
        for (number, text) in [(0, "0"), (999, "999"), (18_250, "18,250"), (-1_000_000, "-1,000,000")] {
            assert_eq!(texts.number(&Locale::english(), number), text);
        }
    }
}
