//! The test identities, each as the provider knows the person.

use super::settings::Provider;
use crate::model::digest::sha256;

/// One account at one provider.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Names the button, `mina` of `#user-mina`.
    pub id: String,
    /// The subject the provider's first registered application sees; see `Person::subject_for`.
    pub subject: String,
    /// As the provider displays it.
    pub name: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Kakao, Naver and LINE know people by this.
    pub nickname: String,
    /// The account's own address.
    pub email: Option<String>,
    /// Whether the provider has seen a proof of the address.
    pub email_verified: bool,
    /// Apple: the address given out when the user hides his own.
    pub relay_email: Option<String>,
    /// Google Workspace: `hd`.
    pub hosted_domain: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// ISO 8601, `YYYY-MM-DD`.
    pub birthdate: Option<String>,
    /// `female` or `male`.
    pub gender: Option<String>,
}

impl Person {
    /// The subject the `nth` registered application (or, at Apple, team) sees: providers with application-scoped
    /// identifiers tell each application another one.
    pub(super) fn subject_for(&self, provider: Provider, nth: usize) -> String {
        if nth == 0 || matches!(provider, Provider::Google | Provider::Line) {
            return self.subject.clone();
        }
        let hash = sha256(format!("{provider}|{nth}|{}", self.subject).as_bytes());
        let hex = hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let digits: String = hash.iter().take(12).map(|byte| char::from(b'0' + byte % 10)).collect();
        match provider {
            Provider::Kakao => format!("4{}", digits.get(..9).unwrap_or_default()),
            Provider::Facebook => format!("10220{digits}"),
            Provider::Apple => format!("001999.{}.0101", hex.get(..32).unwrap_or_default()),
            _ => hex.get(..43).unwrap_or_default().to_owned(),
        }
    }

    fn mina(subject: &str, email: Option<&str>) -> Self {
        Self {
            id: "mina".to_owned(),
            subject: subject.to_owned(),
            name: "김민지".to_owned(),
            given_name: "민지".to_owned(),
            family_name: "김".to_owned(),
            nickname: "민지".to_owned(),
            email: email.map(str::to_owned),
            email_verified: true,
            phone: Some("+821012345678".to_owned()),
            birthdate: Some("1994-05-17".to_owned()),
            gender: Some("female".to_owned()),
            ..Self::default()
        }
    }

    fn lea(subject: &str, email: &str) -> Self {
        Self {
            id: "lea".to_owned(),
            subject: subject.to_owned(),
            name: "Léa Martin".to_owned(),
            given_name: "Léa".to_owned(),
            family_name: "Martin".to_owned(),
            nickname: "Léa".to_owned(),
            email: Some(email.to_owned()),
            email_verified: true,
            birthdate: Some("2000-02-29".to_owned()),
            gender: Some("female".to_owned()),
            ..Self::default()
        }
    }

    fn ken() -> Self {
        Self {
            id: "ken".to_owned(),
            subject: "U0d8f3b6a91c24e57a0b1c2d3e4f5a6b7".to_owned(),
            name: "佐藤健".to_owned(),
            given_name: "健".to_owned(),
            family_name: "佐藤".to_owned(),
            nickname: "ケン".to_owned(),
            email: Some("ken.sato@example.jp".to_owned()),
            email_verified: true,
            phone: Some("+819012345678".to_owned()),
            birthdate: Some("1988-11-03".to_owned()),
            gender: Some("male".to_owned()),
            ..Self::default()
        }
    }

    /// The people who have an account at `provider`: Mina everywhere (at LINE without an email address, at Google a
    /// second time for work), Léa at the western three, Ken at LINE only.
    pub fn known_to(provider: Provider) -> Vec<Self> {
        match provider {
            Provider::Google => vec![
                Self::mina("110000000000000000001", Some("mina.skyway.demo@gmail.com")),
                Self {
                    id: "mina-work".to_owned(),
                    hosted_domain: Some("agency.example".to_owned()),
                    ..Self::mina("110000000000000000002", Some("mina.kim@agency.example"))
                },
                Self {
                    hosted_domain: Some("atelier.example".to_owned()),
                    ..Self::lea("110000000000000000003", "lea@atelier.example")
                },
            ],
            Provider::Apple => vec![
                Self {
                    relay_email: Some("k7w2m9x4qd@privaterelay.appleid.com".to_owned()),
                    ..Self::mina("001999.0123456789abcdef0123456789abcdef.0101", Some("mina@example.kr"))
                },
                Self {
                    relay_email: Some("r3t8v5n1zb@privaterelay.appleid.com".to_owned()),
                    ..Self::lea("001999.fedcba9876543210fedcba9876543210.0202", "lea.martin@example.fr")
                },
            ],
            Provider::Kakao => vec![Self::mina("3900000001", Some("mina@example.kr"))],
            Provider::Naver => {
                vec![Self::mina("AbCdEfGh1234567890_abcdefghijklmnopqrstuvw", Some("mina.demo@naver.com"))]
            }
            Provider::Line => vec![Self::mina("U0123456789abcdef0123456789abcdef", None), Self::ken()],
            Provider::Facebook => vec![
                Self::mina("10220000000000001", Some("mina@example.kr")),
                Self::lea("10220000000000002", "lea.martin@example.fr"),
            ],
        }
    }
}
