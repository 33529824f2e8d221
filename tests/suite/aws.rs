//! The tree that names the SDK: against moto where moto knows the call, against a script of answers for the rest.

mod copying;
mod errors;
mod fleet;
mod looking_back;
mod reading;
mod script;
mod secrets;
mod writing;
mod writing_again;
mod writing_moto;
