//! The claim `urn:comity:memberships` as a relying party reads it.

use serde_json::{Map, Value};

/// The claim.
pub(in crate::demo) const MEMBERSHIPS: &str = "urn:comity:memberships";
const PROGRAMME: &str = "skyway";

/// A membership of SkyWay Club; what was not released is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::demo) struct Member {
    pub(in crate::demo) tier: Option<String>,
    pub(in crate::demo) number: Option<String>,
    pub(in crate::demo) miles: Option<i64>,
    pub(in crate::demo) as_of: Option<String>,
    /// The programme could not be asked: this is its last word.
    pub(in crate::demo) is_stale: bool,
}

impl Member {
    /// Reads it from claims; `None` when there is no membership of this programme.
    pub(in crate::demo) fn of(claims: &Map<String, Value>) -> Option<Self> {
        let all = claims.get(MEMBERSHIPS)?.as_array()?;
        let ours = all.iter().find(|one| one.get("programme").and_then(Value::as_str) == Some(PROGRAMME))?;
        let text = |name: &str| ours.get(name).and_then(Value::as_str).map(str::to_owned);
        let miles = |balance: &Value| {
            let is_mile = balance.get("unit").and_then(Value::as_str) == Some("mile");
            balance.get("amount").and_then(Value::as_i64).filter(|_| is_mile)
        };
        Some(Self {
            tier: text("tier"),
            number: text("number"),
            miles: ours.get("balances").and_then(Value::as_array).and_then(|all| all.iter().find_map(miles)),
            as_of: text("as_of"),
            is_stale: ours.get("stale").and_then(Value::as_bool).unwrap_or_default(),
        })
    }

    /// The key of what the hotel gives this tier.
    pub(in crate::demo) fn benefit_key(&self) -> &'static str {
        match self.tier_code() {
            "platinum" => "hotel.benefit_platinum",
            "gold" => "hotel.benefit_gold",
            "silver" => "hotel.benefit_silver",
            _ => "hotel.benefit_member",
        }
    }

    /// The tier's code, or nothing.
    pub(in crate::demo) fn tier_code(&self) -> &str {
        self.tier.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: &Value) -> Option<Member> {
        Member::of(claims.as_object().unwrap())
    }

    #[test]
    fn the_own_programme_is_found_among_others() {
        let member = read(&json!({ MEMBERSHIPS: [
            { "programme": "milenote", "tier": "a" },
            { "programme": "skyway", "tier": "gold", "number": "0012345675", "stale": true, "as_of": "2026-11-23T08:00:12Z",
              "balances": [{ "unit": "point", "amount": 1 }, { "unit": "mile", "amount": 18250 }] },
        ] }));
        let member = member.unwrap();
        assert_eq!((member.tier_code(), member.number.as_deref()), ("gold", Some("0012345675")));
        assert_eq!((member.miles, member.is_stale), (Some(18_250), true));
    }

    #[test]
    fn what_is_not_released_is_absent() {
        assert_eq!(read(&json!({})), None);
        assert_eq!(read(&json!({ MEMBERSHIPS: [] })), None);
        let member = read(&json!({ MEMBERSHIPS: [{ "programme": "skyway", "tier": "silver" }] })).unwrap();
        assert_eq!(member, Member { tier: Some("silver".to_owned()), ..Member::default() });
    }
}
