//! The cast: who is a member of SkyWay Club.

use serde::Serialize;

/// 김민지, gold.
pub const MINA: &str = "0012345675";
/// 佐藤健, silver.
pub const KEN: &str = "0027182816";
/// Léa Martin, no tier yet.
pub const LEA: &str = "0031415926";

/// The tiers from the lowest to the highest.
pub const TIERS: [&str; 4] = ["member", "silver", "gold", "platinum"];

/// What the host says of a member's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// In good standing.
    Active,
    /// Set aside by the programme.
    Frozen,
    /// No longer a member.
    Closed,
}

/// One member of the programme.
#[derive(Clone, Debug)]
pub struct Member {
    /// The host's own identifier, which never changes.
    pub member_ref: String,
    /// The number printed on the card.
    pub number: String,
    /// The name as shown in the back office.
    pub name: String,
    /// The surname in every script on file.
    pub family_names: Vec<String>,
    /// `YYYY-MM-DD`.
    pub birthdate: String,
    /// The telephone number codes go to, E.164.
    pub phone: String,
    /// The PIN of the call centre.
    pub pin: String,
    /// The language messages are written in.
    pub locale: String,
    /// One of [`TIERS`].
    pub tier: String,
    /// The last day of the tier.
    pub tier_expires: Option<String>,
    /// The standing.
    pub status: MemberStatus,
    /// Miles on the account.
    pub points: i64,
    /// Whom the member pools miles with.
    pub household_ref: Option<String>,
    /// Counts the changes of status and tier; the entity tag.
    pub version: u64,
}

struct Row {
    member_ref: &'static str,
    number: &'static str,
    name: &'static str,
    family_names: &'static [&'static str],
    birthdate: &'static str,
    phone: &'static str,
    pin: &'static str,
    locale: &'static str,
    tier: &'static str,
    status: MemberStatus,
    points: i64,
    household_ref: Option<&'static str>,
}

const CAST: [Row; 6] = [
    Row {
        member_ref: "m_7f3a01",
        number: MINA,
        name: "김민지",
        family_names: &["김", "KIM"],
        birthdate: "1994-05-17",
        phone: "+821055550112",
        pin: "482915",
        locale: "ko",
        tier: "gold",
        status: MemberStatus::Active,
        points: 18_250,
        household_ref: Some("h_kim"),
    },
    Row {
        member_ref: "m_7f3a02",
        number: KEN,
        name: "佐藤 健",
        family_names: &["佐藤", "サトウ", "SATO"],
        birthdate: "1988-11-03",
        phone: "+819055550134",
        pin: "730264",
        locale: "ja",
        tier: "silver",
        status: MemberStatus::Active,
        points: 6_400,
        household_ref: None,
    },
    Row {
        member_ref: "m_7f3a03",
        number: LEA,
        name: "Léa Martin",
        family_names: &["Martin"],
        birthdate: "2000-02-29",
        phone: "+33655550156",
        pin: "159307",
        locale: "en",
        tier: "member",
        status: MemberStatus::Active,
        points: 900,
        household_ref: None,
    },
    Row {
        member_ref: "m_7f3a04",
        number: "0046692015",
        name: "이보라",
        family_names: &["이", "LEE", "YI"],
        birthdate: "1979-08-21",
        phone: "+821055550178",
        pin: "604418",
        locale: "ko",
        tier: "platinum",
        status: MemberStatus::Active,
        points: 214_300,
        household_ref: None,
    },
    Row {
        member_ref: "m_7f3a05",
        number: "0057721565",
        name: "김도윤",
        family_names: &["김", "KIM"],
        birthdate: "1992-01-30",
        phone: "+821055550190",
        pin: "271846",
        locale: "ko",
        tier: "silver",
        status: MemberStatus::Active,
        points: 3_120,
        household_ref: Some("h_kim"),
    },
    Row {
        member_ref: "m_7f3a06",
        number: "0060221405",
        name: "田中 美咲",
        family_names: &["田中", "タナカ", "TANAKA"],
        birthdate: "1965-12-09",
        phone: "+819055550121",
        pin: "918273",
        locale: "ja",
        tier: "gold",
        status: MemberStatus::Frozen,
        points: 52_000,
        household_ref: None,
    },
];

/// The members as the curtain rises.
pub(super) fn cast() -> Vec<Member> {
    CAST.iter()
        .map(|row| Member {
            member_ref: row.member_ref.to_owned(),
            number: row.number.to_owned(),
            name: row.name.to_owned(),
            family_names: row.family_names.iter().map(|name| (*name).to_owned()).collect(),
            birthdate: row.birthdate.to_owned(),
            phone: row.phone.to_owned(),
            pin: row.pin.to_owned(),
            locale: row.locale.to_owned(),
            tier: row.tier.to_owned(),
            tier_expires: (row.tier != "member").then(|| "2027-03-31".to_owned()),
            status: row.status,
            points: row.points,
            household_ref: row.household_ref.map(str::to_owned),
            version: 1,
        })
        .collect()
}

impl Member {
    /// The contact as a hint: its last two digits.
    pub(super) fn hint(&self) -> String {
        let digits: Vec<char> = self.phone.chars().collect();
        let tail: String = digits.iter().skip(digits.len().saturating_sub(2)).collect();
        format!("•••{tail}")
    }

    /// Whether the answers to the questions of a knowledge check are right.
    pub(super) fn matches(&self, family_name: &str, birthdate: &str) -> bool {
        let asked = family_name.trim().to_lowercase();
        self.family_names.iter().any(|name| name.to_lowercase() == asked) && self.birthdate == birthdate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_ends_in_its_check_digit_and_is_unique() {
        let cast = cast();
        for member in &cast {
            let number: u64 = member.number.parse().unwrap();
            assert_eq!(number / 10 % 7, number % 10, "{}", member.number);
            assert_eq!(member.number.len(), 10);
            assert!(TIERS.contains(&member.tier.as_str()));
            assert_eq!(cast.iter().filter(|other| other.number == member.number).count(), 1);
        }
    }

    #[test]
    fn a_hint_shows_two_digits() {
        assert_eq!(cast()[0].hint(), "•••12");
    }
}
