//! End-to-end tests: a server of its own for every story, spoken to by HTTP only.
//!
//! ```ignore
//! stories!(a_visitor_signs_in, passwords_may_be_off("sign_in.passwords = false"));
//!
//! async fn a_visitor_signs_in(world: World) {
//!     world.person("mina@example.com", "Mina Kim").await;      // an account with the terms accepted
//!     let rp = world.rp("web");                                // a client of support/clients.toml
//!     let mut browser = world.browser();
//!     browser.open(&rp.authorize().with("prompt", "login").url()).await;
//!     browser.sign_in(&world, "mina@example.com").await;       // types the address, reads the mail, types the code
//!     let code = rp.code(&browser);                            // checks state and iss
//!     let tokens = rp.redeem(&code).await;                     // checks the ID token by the JWKS
//! }
//! ```
//!
//! A story listed in `stories!` becomes two tests: on SQLite with the cache in memory, and on a private PostgreSQL and
//! Redis where those are installed (`COMITY_TEST_SERVICES=required` makes their absence a failure). Settings in
//! parentheses are laid over `support/test.toml`. Time stands still until `world.advance(seconds)`.
//!
//! - [`World`](support::World): the server, its mailbox, people, clients, the clock; raw requests with
//!   `world.send(Request::post("/token").form(…))`.
//! - [`Browser`](support::Browser): cookies, redirects, forms, and what browsers enforce: `SameSite`, `Origin`,
//!   `Sec-Fetch-Site`, the policy's `form-action`. Buttons and boxes are named by id, fields by name. A redirect to a
//!   host nobody serves here (a client's) ends the way: `browser.is_away()`. Names below `localhost` are served.
//! - [`Rp`](support::Rp): a relying party: PKCE, state, nonce, tokens.
//! - [`Stage`](support::Stage): a world with the simulators of six providers and of a loyalty host around it, for stories
//!   listed in `stage_stories!`: `browser.sign_in_at(Provider::Kakao, "mina")`, `stage.link_mina(&mut browser)`.
//!
//! `crash` and `faults` are told of the program itself, started as a process ([`Site`](support::process::Site)) that may
//! be killed, starved or stopped; there time is the system's, and what cannot be waited for is polled.
//!
//! `nodes` runs a second server beside the first ([`World::another_node`](support::World::another_node)): a browser turns
//! to it with `browser.turn_to(&there)`, a relying party with `rp.through(&there)`.
//!
//! A new feature is a module of its name; attacks stand beside the happy path. Tests never sleep and share nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

#[macro_use]
mod support;

mod account;
mod account_access;
mod authorize;
mod callbacks;
mod client_auth;
mod client_credentials;
mod code;
mod consent;
mod cors;
mod crash;
mod discovery;
mod errors;
mod explain;
mod faults;
mod federation;
mod headers;
mod hostile_upstreams;
mod i18n;
mod introspection;
mod jwks;
mod linking;
mod logout;
mod loyalty_host;
mod magic_link;
mod membership;
mod nodes;
mod overload;
mod password;
mod prehijacking;
mod prompts;
mod refresh;
mod release;
mod revocation;
mod round_trips;
mod sessions;
mod sign_in;
mod sign_up;
mod stage;
mod tidy;
mod token;
mod userinfo;
mod withdrawal;
