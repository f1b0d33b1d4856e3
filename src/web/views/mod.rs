//! What the hosted pages show: one struct per page, rendered by the template of the same name in `templates/pages`.
//!
//! A view borrows what a handler already has and decides nothing; it names no HTTP type, so every page is rendered in
//! every language by a unit test. Values are escaped by the templates, always. Contracts with the handlers:
//! every form posts to [`Page::action`] with the hidden fields `txn` (when there is one) and `csrf`; the button pressed
//! arrives as `do=<verb>`, or as `<verb>=<row id>` where a list has a button per row; every name occurs once per form.
//!
//! A new page is a struct here, a template, its texts, and a line in the samples of `tests`.

mod account;
mod agree;
pub mod assets;
mod confirm;
mod document;
mod error;
mod form_post;
mod link_account;
mod link_member;
mod page;
mod problem;
mod profile;
mod sign_in;
#[cfg(test)]
mod tests;

pub use account::{
    Account, AppClaim, AppRow, ContactRow, IdentityRow, MembershipRow, ProfileRow, Programme, Received, SessionRow,
    SetPassword,
};
pub use agree::{Consent, ConsentGroup, ConsentLine, DocumentChoice, Terms};
pub use askama::Template;
pub use confirm::{Confirm, Deed, Logout, SignedOut};
pub use document::{Block, Document};
pub use error::{ErrorKind, ErrorPage, Notice, NoticeKind};
pub use form_post::FormPost;
pub use link_account::{Candidate, LinkAccount};
pub use link_member::{LinkMember, LinkMemberStep, ProofChoice, ProofMethod};
pub use page::{ClientView, Connection, Page};
pub use problem::Problem;
pub use profile::{Profile, ProfileField};
pub use sign_in::{
    AccountChoice, Code, MagicLink, MagicLinkState, Password, SelectAccount, SignIn, SignInReason, SignUp,
};
