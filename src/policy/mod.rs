//! L1 — pure verdicts: model values in, a verdict out.
//!
//! This room does no I/O, reads no clock and draws no randomness: the time and every fact arrive as arguments, so
//! each rule is tested by table and by property without a server. It decides what a relying party may learn
//! ([`release`]), what a first federated login may do ([`linking`]), and which input is acceptable at all
//! ([`identifier`], [`password`], [`member_number`], [`return_to`]).
//!
//! A new scope, claim or purpose is a row of configuration; a new transform or attribute source is an arm in
//! `release/transform.rs` or `release/source.rs`. Rules that need the store or a request belong above.

pub mod identifier;
pub mod linking;
pub mod member_number;
pub mod password;
pub mod release;
pub mod return_to;
mod text;
