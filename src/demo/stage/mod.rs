//! `localhost/demo`: the guided stage. Left the script, in the middle the customer, on the right what relying parties
//! received and what happens behind the scenes.
//!
//! Nothing on it is canned: a step is done when records, receipts and events say so ([`steps`]). It reads; the few
//! levers it has are those of the loyalty host.
//!
//! A new step is a function in `steps`, its texts in `templates/demo/words`, and the blocks of settings it shows.

mod chronicle;
mod customer;
mod excerpt;
mod page;
mod steps;
mod views;

pub(super) use page::{Props, router};
