//! What the shop sells.

use super::member::Member;

/// A flight at its public price.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::demo) struct Fare {
    /// Part of the button's id, e.g. `icn-nrt`.
    pub(in crate::demo) id: &'static str,
    /// Where it goes; the key of its name.
    pub(in crate::demo) to: &'static str,
    pub(in crate::demo) flight: &'static str,
    pub(in crate::demo) departs: &'static str,
    /// Korean won.
    pub(in crate::demo) price: i64,
    /// The price in miles.
    pub(in crate::demo) miles: i64,
}

/// All flights from Seoul.
pub(in crate::demo) const FARES: [Fare; 4] = [
    Fare { id: "icn-nrt", to: "NRT", flight: "SW 701", departs: "09:10", price: 289_000, miles: 15_000 },
    Fare { id: "icn-cdg", to: "CDG", flight: "SW 901", departs: "12:40", price: 1_190_000, miles: 35_000 },
    Fare { id: "icn-lax", to: "LAX", flight: "SW 017", departs: "14:30", price: 1_340_000, miles: 40_000 },
    Fare { id: "icn-dps", to: "DPS", flight: "SW 633", departs: "17:55", price: 620_000, miles: 22_500 },
];

/// A flight that was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::demo) struct Booking {
    pub(in crate::demo) reference: String,
    pub(in crate::demo) fare: &'static str,
    /// As the traveller's name came from userinfo.
    pub(in crate::demo) traveller: String,
    pub(in crate::demo) number: Option<String>,
    /// What it cost, in words.
    pub(in crate::demo) paid: String,
}

impl Fare {
    /// A flight by its id.
    pub(in crate::demo) fn find(id: &str) -> Option<&'static Self> {
        FARES.iter().find(|fare| fare.id == id)
    }

    /// The key of its destination's name.
    pub(in crate::demo) fn city_key(&self) -> &'static str {
        match self.to {
            "NRT" => "city.nrt",
            "CDG" => "city.cdg",
            "LAX" => "city.lax",
            _ => "city.dps",
        }
    }

    /// The price for a member.
    pub(in crate::demo) fn price_for(&self, member: Option<&Member>) -> i64 {
        let percent = discount(member.map_or("", Member::tier_code));
        // Fares are whole thousands.
        (self.price * (100 - percent) / 100) / 1000 * 1000
    }
}

/// Percent off, by tier.
pub(in crate::demo) fn discount(tier: &str) -> i64 {
    match tier {
        "platinum" => 15,
        "gold" => 10,
        "silver" => 5,
        "member" => 2,
        _ => 0,
    }
}

/// An amount with its thousands set apart.
pub(in crate::demo) fn grouped(amount: i64) -> String {
    let digits = amount.abs().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if amount < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_makes_a_fare_cheaper() {
        let fare = Fare::find("icn-nrt").unwrap();
        let tier = |tier: &str| Member { tier: Some(tier.to_owned()), ..Member::default() };
        assert_eq!(fare.price_for(None), 289_000);
        assert_eq!(fare.price_for(Some(&tier("gold"))), 260_000);
        assert_eq!(fare.price_for(Some(&tier("emperor"))), 289_000);
        assert!(fare.price_for(Some(&tier("platinum"))) < fare.price_for(Some(&tier("gold"))));
    }

    #[test]
    fn thousands_are_set_apart() {
        for (amount, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000")] {
            assert_eq!(grouped(amount), text);
        }
    }
}
