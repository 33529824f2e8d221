//! The tree that names the SDK: against moto where moto knows the call, against a script of answers for the rest.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod copying;
mod errors;
mod fleet;
mod left_overs;
mod looking_again;
mod looking_back;
mod reading;
mod refusals;
mod script;
mod secrets;
mod whole_answers;
mod writing;
mod writing_again;
mod writing_moto;
mod writing_service;
