//! The room against the simulator, over real HTTP on the loopback interface. Every exchange of every test is held
//! against the contract's schemas.
#![cfg(feature = "demo")]

mod ceremony;
mod contract;
mod kept;
mod lies;
mod limits;
mod outage;
mod secrecy;
mod stage;
mod sync;
