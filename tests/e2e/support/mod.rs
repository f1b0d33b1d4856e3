//! What the stories are told with.

mod browser;
mod chrome;
mod cookies;
mod dump;
pub mod gate;
pub mod http;
pub mod keys;
pub mod logs;
pub mod lossy;
mod loyalty;
pub mod mailbox;
pub mod page;
pub mod people;
pub mod phone;
mod portal;
#[path = "../../../src/store/private_postgres/mod.rs"]
pub mod private_postgres;
pub mod process;
pub mod resident;
pub mod rp;
mod services;
mod simulators;
mod stage;
pub mod tokens;
mod wire;
mod world;

pub use browser::Browser;
pub use chrome::{Chrome, Tab};
pub use http::{Reply, Request};
pub use loyalty::{CEREMONY, FARES, membership};
pub use page::Page;
pub use rp::Rp;
pub use services::psql;
pub use stage::{Stage, client_id};
pub use tokens::Tokens;
pub use world::{Backend, World, run};

/// Makes two tests of each story, one for each set of backends: `name::on_sqlite` and `name::on_postgres`.
macro_rules! stories {
    ($($name:ident $(($settings:expr))?),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_sqlite() {
                $crate::support::run($crate::support::Backend::Sqlite, concat!("", $($settings)?), super::$name);
            }

            #[test]
            fn on_postgres() {
                $crate::support::run($crate::support::Backend::Postgres, concat!("", $($settings)?), super::$name);
            }
        }
    )+};
}

/// As [`stories!`], told on a [`Stage`]: a world with providers and a loyalty host around it.
macro_rules! stage_stories {
    ($($name:ident $(($settings:expr))?),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_sqlite() {
                $crate::support::Stage::run($crate::support::Backend::Sqlite, concat!("", $($settings)?), super::$name);
            }

            #[test]
            fn on_postgres() {
                $crate::support::Stage::run($crate::support::Backend::Postgres, concat!("", $($settings)?), super::$name);
            }
        }
    )+};
}
