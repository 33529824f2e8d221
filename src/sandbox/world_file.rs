//! Worlds as data: what stands, and what is done to it by hand. A test, a demonstration or a bug report is one file.
//!
//! Everything is made by the calls that anybody would make, so a file can no more bend AWS's rules than a client can.

mod build;
mod names;
mod shape;

use std::fmt;

use super::world::World;

pub(super) use shape::App;

/// What is wrong with a world file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    /// The file as it was named.
    pub file: String,
    /// Line and column from 1, where the text itself is wrong.
    pub place: Option<(u64, u64)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for WorldError {}

/// The parser names Rust's types of numbers.
fn for_people(message: &str) -> &str {
    match message {
        "invalid u16" | "invalid u32" | "invalid u64" | "invalid usize" => "expected a whole number, 0 or more",
        "invalid i32" | "invalid i64" => "expected a whole number",
        "invalid bool" => "expected true or false",
        other => other,
    }
}

/// Builds the world that a file describes. `file` is its name, for errors.
pub fn load(file: &str, text: &str) -> Result<World, WorldError> {
    let error = |place, message| WorldError { file: file.to_owned(), place, message };
    let shape: shape::World = serde_saphyr::from_str(text).map_err(|problem| {
        let place = problem.location().map(|at| (at.line(), at.column()));
        // The parser repeats the place at the end.
        let message = problem.without_snippet().to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        error(place, for_people(message).to_owned())
    })?;
    build::build(&shape).map_err(|message| error(None, message))
}
