//! Worlds as data: what stands, and what is done to it by hand. A test, a demonstration or a bug report is one file.
//!
//! Everything is made by the calls that anybody would make, so a file can no more bend AWS's rules than a client can. What
//! can be seen without making anything is told at once, with its places; the first thing that AWS refuses ends the making.

mod build;
mod check;
mod names;
mod shape;

use std::fmt;

use super::state::App;
use super::world::World;
use crate::yaml::{self, Decode, Node, Position, Problem, Problems, Source, Value};
use shape::WorldFile;

/// Everything that is wrong with a world file, by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError(pub Vec<Problem>);

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&problems.join("\n\n"))
    }
}

impl std::error::Error for WorldError {}

/// Builds the world that a file describes. `file` is its name, for errors.
pub fn load(file: &str, text: &str) -> Result<World, WorldError> {
    let source = [Source { name: file.to_owned(), text: text.to_owned() }];
    let mut problems = Problems::new(&source, &WorldFile);
    let shape = only_document(text, &mut problems).and_then(|node| match node {
        Some(node) => shape::World::decode(&node, "the world", &mut problems),
        None => Some(shape::World::default()),
    });
    if let Some(shape) = shape.filter(|_| problems.is_empty()) {
        check::check(&shape, &mut problems);
        if problems.is_empty() {
            match build::build(&shape) {
                Ok(world) => return Ok(world),
                Err(wrong) => problems.add(wrong.at, wrong.message),
            }
        }
    }
    Err(WorldError(problems.finish()))
}

/// Reads what an image does, as `{image: …}` with the members of an app.
pub(super) fn app(text: &str) -> Result<(String, App), WorldError> {
    let source = [Source { name: "the body".to_owned(), text: text.to_owned() }];
    let mut problems = Problems::new(&source, &WorldFile);
    let node = only_document(text, &mut problems).flatten();
    match node.and_then(|node| named_app(node, &mut problems)).filter(|_| problems.is_empty()) {
        Some(app) => Ok(app),
        None => Err(WorldError(problems.finish())),
    }
}

fn named_app(mut node: Node, problems: &mut Problems<'_>) -> Option<(String, App)> {
    let Value::Mapping(entries) = &mut node.value else {
        problems.add(node.at, format!("expected an image and what it does, found {}", node.found()));
        return None;
    };
    let Some(place) = entries.iter().position(|entry| entry.key == "image") else {
        problems.add(node.at, "missing field \"image\"");
        return None;
    };
    let image = String::decode(&entries.remove(place).value, "image", problems);
    let app = shape::App::decode(&node, "app", problems)?;
    Some((image?, app.to_state()))
}

/// The one document of a file; an empty file has nothing in it.
fn only_document(text: &str, problems: &mut Problems<'_>) -> Option<Option<Node>> {
    let read = yaml::read(0, text, problems);
    if !read.whole {
        return None;
    }
    let mut documents = read.documents.into_iter().filter(|document| !document.is_nothing());
    let first = documents.next();
    if let Some(second) = documents.next() {
        problems.add_hint(second.at, "a second document", "a world is one document: remove the line with ---");
    }
    Some(first)
}

/// Where something stands of which only the whole is known.
const WHOLE: Position = Position { source: 0, line: 0, column: 0 };
