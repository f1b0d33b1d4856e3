//! Where values come from.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::evaluate::Facts;
use crate::model::ProgrammeId;
use crate::model::account::Attribute;
use crate::model::contact::{Contact, ContactKind};

/// Where a claim's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Source {
    /// `profile.<attribute>`: the best value known of an attribute.
    Profile(String),
    /// `email`: the address proven first.
    Email,
    /// `email_verified`: true with a proven address.
    EmailVerified,
    /// `phone_number`: the number proven first.
    PhoneNumber,
    /// `phone_number_verified`: true with a proven number.
    PhoneNumberVerified,
    /// `account.stage`: how much is known of the person.
    Stage,
    /// `account.updated_at`: when any claim last changed.
    UpdatedAt,
    /// `account.locale`: the language of mails and pages.
    Locale,
    /// `account.zoneinfo`: the time zone.
    Zoneinfo,
    /// `loyalty:<programme>` or `loyalty:*`: memberships of one or of all programmes.
    Loyalty(Option<ProgrammeId>),
}

/// The text names no source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a source of claims: {0:?}")]
pub struct InvalidSource(String);

impl FromStr for Source {
    type Err = InvalidSource;
    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let invalid = || InvalidSource(text.to_owned());
        if let Some(attribute) = text.strip_prefix("profile.") {
            // What identifies a person comes from proven contacts only, whatever a provider or an import said.
            let is_contact = matches!(
                attribute,
                "" | "email" | "email_verified" | "phone_number" | "phone_number_verified" | "updated_at"
            );
            return if is_contact { Err(invalid()) } else { Ok(Self::Profile(attribute.to_owned())) };
        }
        Ok(match text {
            "email" => Self::Email,
            "email_verified" => Self::EmailVerified,
            "phone_number" => Self::PhoneNumber,
            "phone_number_verified" => Self::PhoneNumberVerified,
            "account.stage" => Self::Stage,
            "account.updated_at" => Self::UpdatedAt,
            "account.locale" => Self::Locale,
            "account.zoneinfo" => Self::Zoneinfo,
            "loyalty:*" => Self::Loyalty(None),
            _ => match text.strip_prefix("loyalty:") {
                Some(programme) if !programme.is_empty() => Self::Loyalty(Some(programme.into())),
                _ => return Err(invalid()),
            },
        })
    }
}

impl TryFrom<String> for Source {
    type Error = InvalidSource;
    fn try_from(text: String) -> Result<Self, InvalidSource> {
        text.parse()
    }
}

impl Source {
    /// The raw value, in the language of `tag` if one is asked for; memberships are built elsewhere.
    pub(super) fn value(&self, tag: Option<&str>, facts: &Facts<'_>) -> Option<Value> {
        if tag.is_some() && !matches!(self, Self::Profile(_)) {
            return None;
        }
        match self {
            Self::Profile(name) => best_attribute(name, tag, facts.attributes).map(|attribute| attribute.value.clone()),
            Self::Email => proven(ContactKind::Email, facts).map(|contact| contact.value.clone().into()),
            Self::EmailVerified => proven(ContactKind::Email, facts).map(|_| true.into()),
            Self::PhoneNumber => proven(ContactKind::Phone, facts).map(|contact| contact.value.clone().into()),
            Self::PhoneNumberVerified => proven(ContactKind::Phone, facts).map(|_| true.into()),
            Self::Stage => Some(facts.account.stage.as_str().into()),
            Self::UpdatedAt => Some(facts.account.updated_at.0.into()),
            Self::Locale => Some(facts.account.locale.as_str().into()),
            Self::Zoneinfo => Some(facts.account.zoneinfo.clone().into()),
            Self::Loyalty(_) => None,
        }
    }

    /// The language tags the attribute is known in [OIDC Core §5.2], in alphabetical order.
    pub(super) fn tags<'a>(&self, facts: &Facts<'a>) -> Vec<&'a str> {
        let Self::Profile(name) = self else { return Vec::new() };
        let tag = |attribute: &'a Attribute| match attribute.name.split_once('#') {
            Some((base, tag)) if base == name && !tag.is_empty() => Some(tag),
            _ => None,
        };
        let mut tags: Vec<&str> = facts.attributes.iter().filter_map(tag).collect();
        tags.sort_unstable();
        tags.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        tags
    }
}

/// The best value of an attribute, in the language of `tag` if one is asked for: verified before unverified, the
/// person's own word before others', the newest.
pub fn best_attribute<'a>(name: &str, tag: Option<&str>, attributes: &'a [Attribute]) -> Option<&'a Attribute> {
    let is_named = |attribute: &&Attribute| match (attribute.name.split_once('#'), tag) {
        (Some((base, own)), Some(tag)) => base == name && own.eq_ignore_ascii_case(tag),
        (_, None) => attribute.name == name,
        (None, Some(_)) => false,
    };
    attributes.iter().filter(is_named).max_by(|a, b| {
        let rank = |attribute: &Attribute| (attribute.verification, attribute.source == "user", attribute.observed_at);
        // The source's name only breaks ties, so that equal facts always give the same answer.
        rank(a).cmp(&rank(b)).then_with(|| b.source.cmp(&a.source))
    })
}

/// The contact proven first: adding a second address must not change what relying parties see.
fn proven<'a>(kind: ContactKind, facts: &Facts<'a>) -> Option<&'a Contact> {
    let own = facts.contacts.iter().filter(|contact| contact.kind == kind && contact.account == facts.account.id);
    own.filter(|contact| contact.verified_at.is_some()).min_by_key(|contact| (contact.verified_at, contact.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        assert_eq!("profile.birthdate".parse(), Ok(Source::Profile("birthdate".into())));
        assert_eq!("loyalty:*".parse(), Ok(Source::Loyalty(None)));
        assert_eq!("loyalty:skyway".parse(), Ok(Source::Loyalty(Some("skyway".into()))));
        for text in
            ["", "profile.", "profile.email", "profile.phone_number_verified", "loyalty:", "account.id", "Email"]
        {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
