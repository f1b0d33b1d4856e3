//! Lengths of time as configuration writes them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A length of time in seconds, written `365d`, `72h`, `15m` or `30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Period(i64);

/// The text is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a period such as 365d, 72h, 15m or 30s: {0:?}")]
pub struct InvalidPeriod(String);

impl Period {
    /// A period of so many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Its length in seconds.
    pub const fn as_seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;
    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let read = || {
            let unit = match text.chars().next_back()? {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return None,
            };
            let digits = text.get(..text.len().checked_sub(1)?)?;
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let count: u32 = digits.parse().ok().filter(|_| is_plain)?;
            Some(Self(i64::from(count) * unit))
        };
        read().ok_or_else(|| InvalidPeriod(text.to_owned()))
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;
    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        text.parse()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            seconds if seconds % 86_400 == 0 => (seconds / 86_400, 'd'),
            seconds if seconds % 3600 == 0 => (seconds / 3600, 'h'),
            seconds if seconds % 60 == 0 => (seconds / 60, 'm'),
            seconds => (seconds, 's'),
        };
        write!(f, "{count}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written() {
        for (text, seconds) in [("365d", 31_536_000), ("72h", 259_200), ("15m", 900), ("30s", 30), ("0s", 0)] {
            assert_eq!(text.parse(), Ok(Period(seconds)));
        }
        for text in ["", "d", "365", "-1d", "+1d", "1.5h", "1w", "1 d", "日", "99999999999d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        assert_eq!(Period(259_200).to_string(), "3d");
        assert_eq!(Period(5400).to_string(), "90m");
    }
}
