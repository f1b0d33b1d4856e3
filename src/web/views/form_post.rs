//! An authorization response that travels as a form.

use askama::Template;

use super::Page;

/// Posts the response to the relying party by itself, or at the press of a button
/// [OAuth 2.0 Form Post Response Mode §2].
#[derive(Debug, Template)]
#[template(path = "pages/form_post.html")]
pub struct FormPost<'a> {
    /// The frame; none of its form fields are sent.
    pub page: &'a Page<'a>,
    /// The redirect URI.
    pub redirect_uri: &'a str,
    /// The response parameters, in order.
    pub parameters: &'a [(&'a str, &'a str)],
}
