//! Agreeing: to terms, and to what a relying party receives.

use askama::Template;

use super::{ClientView, Page, Problem};
use crate::model::UnixTime;
use crate::model::client::Relationship;

/// A document with its box, posted as `accept.<id>=yes`. Boxes are never ticked by us.
#[derive(Clone, Copy, Debug)]
pub struct DocumentChoice<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Its title in the language of the page.
    pub title: &'a str,
    /// Where its text is; `None` for a plain declaration.
    pub href: Option<&'a str>,
    /// Whether there is no account without it.
    pub required: bool,
    /// Whether the person ticked it before the form came back.
    pub ticked: bool,
    /// One sentence on what changed.
    pub change: Option<&'a str>,
    /// Where the differences are shown.
    pub change_href: Option<&'a str>,
}

impl DocumentChoice<'_> {
    /// Whether any is optional.
    pub fn any_optional(documents: &[Self]) -> bool {
        documents.iter().any(|document| !document.required)
    }
}

/// New versions of terms, only what is new. Posts `do=continue` with `accept.<id>=yes`, or `do=decline`.
#[derive(Debug, Template)]
#[template(path = "pages/terms.html")]
pub struct Terms<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who asks.
    pub client: Option<ClientView<'a>>,
    /// What to agree to.
    pub documents: &'a [DocumentChoice<'a>],
    /// When the earliest of them takes effect.
    pub effective: Option<UnixTime>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// What a relying party will receive. Posts `do=allow` with `<field>=yes` per ticked voluntary line, or `do=deny`.
#[derive(Debug, Template)]
#[template(path = "pages/consent.html")]
pub struct Consent<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Who receives.
    pub client: ClientView<'a>,
    /// The company behind it; empty when unknown.
    pub legal_entity: &'a str,
    /// The legal form.
    pub relationship: Relationship,
    /// The person, by name or masked address.
    pub signed_in_as: &'a str,
    /// What, by scope.
    pub groups: &'a [ConsentGroup<'a>],
    /// Whether earlier answers stand and only new lines are shown.
    pub only_new: bool,
    /// Whether access goes on while the person is away (`offline_access`).
    pub offline: bool,
}

impl Consent<'_> {
    fn third_party(&self) -> bool {
        self.relationship == Relationship::ThirdParty
    }

    fn any_voluntary(&self) -> bool {
        self.groups.iter().flat_map(|group| group.lines).any(|line| line.voluntary)
    }

    fn form_key(&self) -> &'static str {
        match self.relationship {
            Relationship::SameController => "consent.form_same_controller",
            Relationship::Processor => "consent.form_processor",
            Relationship::ThirdParty => "consent.form_third_party",
        }
    }
}

/// The lines of one scope.
#[derive(Clone, Copy, Debug)]
pub struct ConsentGroup<'a> {
    /// The scope.
    pub scope: &'a str,
    /// The purpose's text in the language of the page.
    pub purpose: &'a str,
    /// Who receives it, by name.
    pub recipients: &'a str,
    /// How long the recipient keeps it, in the language of the page; empty when not stated.
    pub retention: &'a str,
    /// For how many days the answer is remembered; until withdrawn when `None`.
    pub remember_days: Option<i64>,
    /// Its claims.
    pub lines: &'a [ConsentLine<'a>],
}

impl ConsentGroup<'_> {
    /// What a line is called. A scope that is a permission by itself has its own name; of the sign-in that is the
    /// identifier.
    fn label<'p>(&'p self, line: &'p ConsentLine<'_>, page: &'p Page<'_>) -> &'p str {
        match (line.claim, self.scope) {
            ("", "openid") => page.claim("sub"),
            ("", scope) => page.scope(scope),
            (claim, _) => page.claim(claim),
        }
    }
}

/// One claim and its value.
#[derive(Clone, Copy, Debug)]
pub struct ConsentLine<'a> {
    /// The name of the box; unique on the page, no white space.
    pub field: &'a str,
    /// The claim; empty for a scope that is a permission by itself.
    pub claim: &'a str,
    /// The value that would be released, ready to read.
    pub value: &'a str,
    /// Whether it may be left out.
    pub voluntary: bool,
    /// Whether the person ticked it before the form came back.
    pub ticked: bool,
}
