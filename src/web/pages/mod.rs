//! Pages for people: a handler reads, calls a room, maps what comes back to a view or to the next page.

pub mod account;
pub mod callback;
pub mod code;
pub mod confirm;
pub mod consent;
pub mod document;
pub mod email;
pub mod flow;
pub mod link;
pub mod link_account;
pub mod link_member;
pub mod password;
pub mod profile;
pub mod select_account;
pub mod set_password;
pub mod sign_in;
pub mod sign_up;
mod step_up;
pub mod terms;
