//! Where each page for people lives. Endpoints for machines are in [`crate::provider::paths`].

/// Sign in, choose a provider.
pub const SIGN_IN: &str = "/sign-in";
/// Type the code that was mailed.
pub const CODE: &str = "/sign-in/code";
/// Offer a password.
pub const PASSWORD: &str = "/sign-in/password";
/// Open the link that was mailed.
pub const LINK: &str = "/sign-in/link";
/// Give a name, accept the terms.
pub const SIGN_UP: &str = "/sign-up";
/// New here, or not?
pub const LINK_ACCOUNT: &str = "/sign-in/account";
/// Which account to go on with.
pub const SELECT_ACCOUNT: &str = "/sign-in/select";
/// Documents that await acceptance.
pub const TERMS: &str = "/terms";
/// Claims that await an answer.
pub const CONSENT: &str = "/consent";
/// Where upstream providers send people back to, by connection.
pub const CALLBACK: &str = "/federation/{connection}/callback";
/// The text of a document.
pub const DOCUMENT: &str = "/documents/{id}";
/// The account page.
pub const ACCOUNT: &str = "/account";
/// Set or change the password.
pub const ACCOUNT_PASSWORD: &str = "/account/password";
/// Edit the profile.
pub const ACCOUNT_PROFILE: &str = "/account/profile";
/// Be sure before something is taken away.
pub const ACCOUNT_CONFIRM: &str = "/account/confirm";
/// Prove an address that was added.
pub const ACCOUNT_EMAIL: &str = "/account/email";
/// Connect a member number, by programme.
pub const LINK_MEMBER: &str = "/account/link/{programme}";
/// The answer to "sign out?".
pub const LOGOUT_ANSWER: &str = "/logout/answer";
/// Signed out.
pub const SIGNED_OUT: &str = "/signed-out";
/// Static files.
pub const STATIC: &str = "/static/{*path}";

/// A page of a transaction.
pub fn with_txn(path: &str, txn: &str) -> String {
    format!("{path}?txn={txn}")
}

/// Where a connection sends people back to.
pub fn callback(connection: &str) -> String {
    CALLBACK.replace("{connection}", connection)
}

/// The text of a document, read on the way through a transaction.
pub fn document(id: &str, txn: &str) -> String {
    with_txn(&DOCUMENT.replace("{id}", id), txn)
}

/// Where a number of a programme is connected.
pub fn link_member(programme: &str) -> String {
    LINK_MEMBER.replace("{programme}", programme)
}
