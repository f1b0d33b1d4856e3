//! What all pages have in common.

use std::borrow::Cow;

use crate::i18n::{Texts, steady};
use crate::model::{Locale, UnixTime};

/// The frame of every page: language, brand, and what its forms need.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The texts of the deployment.
    pub texts: &'a Texts,
    /// The language of the page.
    pub locale: &'a Locale,
    /// The IANA time zone dates are shown in.
    pub zone: &'a str,
    /// The name of the service, top of every page.
    pub brand: &'a str,
    /// An extra style sheet that sets the colour tokens of the brand.
    pub theme: Option<&'a str>,
    /// Changes whenever a static file does; part of their addresses.
    pub asset_version: &'a str,
    /// The nonce of the content security policy, for the one page with a script.
    pub nonce: &'a str,
    /// The token that proves a form came from this browser.
    pub csrf: &'a str,
    /// The pending transaction, if the page belongs to one.
    pub txn: Option<&'a str>,
    /// Where the forms of the page post to: an absolute path.
    pub action: &'a str,
    /// How the page is reached by GET, with its query; the language switcher returns there with `ui_locales` added.
    pub href: &'a str,
}

impl Page<'_> {
    /// The text of a key.
    pub fn t<'k>(&'k self, key: &'k str) -> &'k str {
        self.texts.get(self.locale, key)
    }

    /// The text of a key with one placeholder filled.
    pub fn t1(&self, key: &str, name: &str, value: impl AsRef<str>) -> String {
        self.texts.t(self.locale, key, &[(name, value.as_ref())])
    }

    /// The text of a key with two placeholders filled.
    pub fn t2(&self, key: &str, name: &str, value: impl AsRef<str>, other: &str, second: impl AsRef<str>) -> String {
        self.texts.t(self.locale, key, &[(name, value.as_ref()), (other, second.as_ref())])
    }

    /// A text from elsewhere, unable to disguise itself by reordering.
    pub fn steady<'t>(&self, text: &'t str) -> Cow<'t, str> {
        steady(text)
    }

    /// The day of a moment.
    pub fn date(&self, time: &UnixTime) -> String {
        self.texts.date(self.locale, *time, self.zone)
    }

    /// The day and time of day of a moment.
    pub fn date_time(&self, time: &UnixTime) -> String {
        self.texts.date_time(self.locale, *time, self.zone)
    }

    /// A whole number.
    pub fn number(&self, number: &i64) -> String {
        self.texts.number(self.locale, *number)
    }

    /// What people call a claim; its technical name when there is no text for it. A language tag is not part of the
    /// key [OIDC Core §5.2].
    pub fn claim<'k>(&'k self, claim: &'k str) -> &'k str {
        let name = claim.split('#').next().unwrap_or(claim);
        self.texts.find(self.locale, &format!("claim.{name}")).unwrap_or(name)
    }

    /// What people call a scope; its technical name when there is no text for it.
    pub fn scope<'k>(&'k self, scope: &'k str) -> &'k str {
        self.texts.find(self.locale, &format!("scope.{scope}")).unwrap_or(scope)
    }

    /// The address of this page in another language.
    pub fn href_in(&self, locale: &Locale) -> String {
        let separator = if self.href.contains('?') { '&' } else { '?' };
        format!("{}{separator}ui_locales={locale}", self.href)
    }

    /// What a language calls itself.
    pub fn language_name<'k>(&'k self, locale: &'k Locale) -> &'k str {
        self.texts.get(locale, "language.name")
    }
}

/// The relying party a page speaks of [OIDC Registration §2].
#[derive(Clone, Copy, Debug)]
pub struct ClientView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its logo; without one its initial is shown.
    pub logo: Option<&'a str>,
    /// Its privacy policy.
    pub policy_uri: Option<&'a str>,
    /// Its terms.
    pub tos_uri: Option<&'a str>,
    /// Whether it is another company's.
    pub external: bool,
}

impl ClientView<'_> {
    /// The first letter of the name, in place of a logo.
    pub fn initial(&self) -> String {
        self.name
            .chars()
            .find(|letter| letter.is_alphanumeric())
            .map(|letter| letter.to_uppercase().collect())
            .unwrap_or_default()
    }
}

/// An upstream provider people may sign in with.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Its identifier; the value its button posts as `connection`.
    pub id: &'a str,
    /// Its name in the language of the page.
    pub name: &'a str,
    /// Where its icon is.
    pub icon: Option<&'a str>,
    /// Whether this browser used it the last time.
    pub last_used: bool,
}
