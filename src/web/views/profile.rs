//! Asking for a little more, with a reason.

use askama::Template;

use super::{ClientView, Page, Problem};

/// A few fields, each with its reason. Posts `do=save` with `<name>=<value>`, `do=later` or `do=never`.
#[derive(Debug, Template)]
#[template(path = "pages/profile.html")]
pub struct Profile<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks; `None` from the account page.
    pub client: Option<ClientView<'a>>,
    /// What is asked.
    pub fields: &'a [ProfileField<'a>],
    /// Whether every field may be left for later.
    pub optional: bool,
    /// Whether the page is an edit from the account page: `do=later` is then called cancel, and there is no `do=never`.
    pub editing: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct ProfileField<'a> {
    /// The claim it fills; also its name in the form.
    pub claim: &'a str,
    /// The value known or typed so far.
    pub value: &'a str,
    /// Why it is asked, in the language of the page; empty when editing.
    pub why: &'a str,
    /// Who receives it; empty when nobody else does.
    pub recipients: &'a str,
    /// The provider that supplied the value, by its name.
    pub from: Option<&'a str>,
    /// What can be chosen, value and text; anything can be typed when empty.
    pub choices: &'a [(&'a str, &'a str)],
}

impl ProfileField<'_> {
    fn input_type(&self) -> &'static str {
        match self.claim {
            "birthdate" => "date",
            "phone_number" => "tel",
            "email" => "email",
            "website" => "url",
            _ => "text",
        }
    }

    /// The purpose of the field as browsers know it [HTML §4.10.18.7].
    fn autocomplete(&self) -> &'static str {
        match self.claim.split('#').next().unwrap_or_default() {
            "name" => "name",
            "given_name" => "given-name",
            "family_name" => "family-name",
            "nickname" => "nickname",
            "birthdate" => "bday",
            "phone_number" => "tel",
            "email" => "email",
            "gender" => "sex",
            "website" => "url",
            "locale" => "language",
            _ => "off",
        }
    }
}
