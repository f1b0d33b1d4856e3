//! What the user APIs of the simulators share.

use super::call::Call;
use super::person::Person;
use super::simulator::Simulator;
use super::state::{Kind, Token};
use crate::model::UnixTime;

/// The live access token of the `Authorization` header and whose it is.
pub(super) fn bearer(simulator: &Simulator, call: &Call) -> Option<(Token, Person)> {
    access_token(simulator, call.authorization("Bearer")?)
}

/// A live access token and whose it is.
pub(super) fn access_token(simulator: &Simulator, text: &str) -> Option<(Token, Person)> {
    simulator.token(text).filter(|(token, _)| token.kind == Kind::Access)
}

impl Token {
    /// Whether the user granted the item and did not take it back since.
    pub(super) fn shows(&self, simulator: &Simulator, item: &str) -> bool {
        let state = simulator.state();
        let link = state.link(&self.grant.client, &self.grant.person);
        self.grant.items.contains(item) && link.is_some_and(|link| link.granted.contains(item))
    }
}

impl Person {
    /// Year, month and day of birth.
    pub(super) fn birth(&self) -> Option<(&str, &str, &str)> {
        let (year, rest) = self.birthdate.as_deref()?.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        Some((year, month, day))
    }

    /// First and last age of the decade of life.
    pub(super) fn decade(&self, now: UnixTime) -> Option<(i32, i32)> {
        let born: i32 = self.birth()?.0.parse().ok()?;
        let this_year: i32 = now.to_rfc3339().get(..4)?.parse().ok()?;
        let first = (this_year - born) / 10 * 10;
        Some((first, first + 9))
    }

    /// The phone number without `+82`, as `10-1234-5678`.
    pub(super) fn korean_phone(&self) -> Option<String> {
        let digits = self.phone.as_deref()?.strip_prefix("+82")?;
        Some(format!("{}-{}-{}", digits.get(..2)?, digits.get(2..6)?, digits.get(6..)?))
    }
}
