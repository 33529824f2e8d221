//! YAML to [`Desired`]: read, decode, check, lower. All problems of all files are reported together.
//!
//! ```text
//! text ─ yaml ─▶ Node ─ decode ─▶ document ─ rules ─▶ (problems)
//!                                          └ lower ─▶ Desired
//! ```
//!
//! Offline by design: nothing here asks AWS, but everything that AWS is known to refuse is refused before it is sent.

mod collect;
mod definition;
mod definition_file;
mod document;
pub mod ecspresso;
mod format;
mod hints;
mod image;
mod in_time;
mod lower;
mod member;
mod member_schema;
mod places;
mod referenced_file;
mod rules;
mod scalar;
mod schema;
mod service_file;
mod source;
mod words;

pub use image::wrong_image;
pub use in_time::{InTime, Medium, in_time};
pub use places::places;
pub use schema::schema;
pub use source::{Reads, find_sources, find_sources_with};

pub use crate::yaml::{Excerpt, Problem, STDIN, Source};

use crate::model::Desired;
use crate::yaml::Problems;
use format::Manifest;

/// Reads a fleet: everything that one run was given.
///
/// Returns what is desired, or every problem, sorted by file, line and column. It never panics.
pub fn load(sources: &[Source]) -> Result<Desired, Vec<Problem>> {
    let mut problems = Problems::new(sources, &Manifest);
    let documents = collect::collect(sources, &mut problems);
    rules::check(&documents, &mut problems);
    match lower::lower(&documents) {
        Some(desired) if problems.is_empty() => Ok(desired),
        _ => Err(problems.finish()),
    }
}
