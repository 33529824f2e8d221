//! Worlds as data: their state, and what is done to it by hand. A test, a demonstration or a bug report is one file.
//!
//! Everything is made by the calls that anybody would make, so a file can no more bend AWS's rules than a client can. What is
//! not in its form is reported first; where everything is, so are all names of nothing; where these are right, the world is made,
//! and the first thing that AWS refuses ends it.

mod build;
mod check;
mod names;
mod shape;

use std::fmt;

use portolan_yaml::{Decode, Node, Position, Problem, Problems, Source, Value};

use super::state::App;
use super::world::World;
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
    let source = [Source { name: file.to_owned(), text: text.to_owned(), files: Default::default() }];
    let mut problems = Problems::new(&source, &WorldFile);
    let node = only_document(text, &mut problems);
    let shape = node.and_then(|node| shape::World::decode(&node, "the world", &mut problems));
    if let Some(shape) = shape.filter(|_| problems.is_empty()) {
        check::check(&shape, &mut problems);
        if problems.is_empty() {
            match build::build(&shape) {
                Ok(world) => return Ok(world),
                Err(wrong) => problems.add(wrong.at.unwrap_or_default(), wrong.message),
            }
        }
    }
    Err(WorldError(problems.finish()))
}

/// Reads what an image does, as `{image: …}` with the members of an app.
pub(super) fn app(text: &str) -> Result<(String, App), WorldError> {
    let source = [Source { name: "the body".to_owned(), text: text.to_owned(), files: Default::default() }];
    let mut problems = Problems::new(&source, &WorldFile);
    let node = only_document(text, &mut problems);
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
    let image = match entries.iter().position(|entry| entry.key == "image") {
        Some(place) => String::decode(&entries.remove(place).value, "image", problems),
        None => {
            problems.add(node.at, "missing field \"image\"");
            None
        }
    };
    let app = shape::App::decode(&node, "app", problems)?;
    Some((image?, app.to_state()))
}

/// The one document of a file; an empty file is a mapping with nothing in it.
fn only_document(text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    let read = portolan_yaml::read(0, text, problems);
    if !read.whole {
        return None;
    }
    let mut documents = read.documents.into_iter().filter(|document| !document.is_nothing());
    let first = documents.next();
    if let Some(second) = documents.next() {
        problems.add_hint(second.at, "a second document", "a world is one document: remove the line with ---");
    }
    let nothing = || Node { at: Position::default(), value: Value::Mapping(Vec::new()) };
    Some(first.unwrap_or_else(nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let problems = app(text).expect_err("it is wrong").0;
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn an_app_is_told_with_its_image_in_json_and_in_yaml() {
        for text in [
            r#"{"image": "web", "listens": [{"port": 80, "code": null}], "crashesAfter": null}"#,
            "image: web\nlistens: [{port: 80}]",
        ] {
            let (image, app) = app(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((image.as_str(), app.listens.len(), app.listens[0].code), ("web", 1, 200));
        }
    }

    #[test]
    fn everything_that_is_wrong_with_an_app_is_told() {
        assert_eq!(wrong(""), ["missing field \"image\""]);
        assert_eq!(wrong("[web]"), ["expected an image and what it does, found a list"]);
        assert_eq!(
            wrong("{listens: [{port: web}]}"),
            ["missing field \"image\"", "port: expected a number, found the text \"web\""]
        );
        assert_eq!(wrong("{image: web, listen: []}"), ["unknown field \"listen\" in an app"]);
    }

    #[test]
    fn parameters_of_a_call_are_what_yaml_makes_of_them() {
        let text =
            "then: [{call: ecs:ListClusters, with: {a: 1, b: \"1\", c: true, d: null, e: [x, {f: 0.5}], g: -3}}]";
        let source = [Source { name: "world.yaml".to_owned(), text: text.to_owned(), files: Default::default() }];
        let mut problems = Problems::new(&source, &WorldFile);
        let node = only_document(text, &mut problems).expect("a document");
        let shape = shape::World::decode(&node, "the world", &mut problems).expect("a world");
        let with = shape.then[0].with.as_ref().expect("parameters");
        let expected = serde_json::json!({"a": 1, "b": "1", "c": true, "d": null, "e": ["x", {"f": 0.5}], "g": -3});
        assert_eq!(with.0, expected);
    }
}
