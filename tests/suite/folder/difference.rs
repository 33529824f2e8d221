//! A difference is a tree that is laid over another one:
//!
//! - A map changes the keys that it names and leaves the others. `null` removes a key.
//! - A map over a list changes the items that it names, by the field that tells them apart ([`KEYS`]); a new name adds an
//!   item at the end, and `null` removes one.
//! - Everything else replaces what is there: a text, a number, a list.
//! - `rules/100/hosts: [a]` is short for `rules: {100: {hosts: [a]}}`. In a map over a list every key with a slash is such a path;
//!   elsewhere it is one if letters, digits and hyphens come before the slash (`/healthz` and `portolan.dev/fleet` are none).
//!
//! A line that changes nothing is an error, because it says what is not so.

use super::tree::Node;

/// What tells the items of a list apart: the first of these that all of them have.
const KEYS: [&str; 10] =
    ["name", "family", "id", "priority", "listener", "targetGroup", "instance", "number", "port", "address"];

/// Lays a difference over a base; every problem is said with its place.
pub fn lay_over(base: &mut Node, difference: &Node, place: &str) -> Vec<String> {
    let mut laying = Laying { problems: Vec::new() };
    laying.lay(base, difference, place);
    laying.problems
}

struct Laying {
    problems: Vec<String>,
}

impl Laying {
    fn problem(&mut self, place: &str, what: &str) {
        self.problems.push(format!("{place}: {what}"));
    }

    fn lay(&mut self, base: &mut Node, difference: &Node, place: &str) {
        match (&mut *base, difference) {
            (Node::Map(entries), Node::Map(changes)) => {
                if changes.is_empty() {
                    self.problem(place, "changes nothing");
                }
                for (key, change) in changes {
                    let (key, change) = step_of(key, change, false);
                    self.entry(entries, &key, &change, &format!("{place}/{key}"));
                }
            }
            (Node::List(items), Node::Map(changes)) => self.items(items, changes, place),
            (same, other) if same == other => {
                self.problem(place, "is the same in the base, so this line changes nothing")
            }
            _ => *base = self.built(difference, place),
        }
    }

    fn entry(&mut self, entries: &mut Vec<(String, Node)>, key: &str, change: &Node, place: &str) {
        let found = entries.iter().position(|(name, _)| name == key);
        match (found, change == &Node::NULL) {
            (None, true) => self.problem(place, "cannot be removed, because the base does not have it"),
            (Some(at), true) => {
                entries.remove(at);
            }
            (Some(at), false) => self.lay(&mut entries[at].1, change, place),
            (None, false) => {
                let new = self.built(change, place);
                entries.push((key.to_owned(), new));
            }
        }
    }

    fn items(&mut self, items: &mut Vec<Node>, changes: &[(String, Node)], place: &str) {
        let Some(field) = key_of(items) else {
            return self.problem(place, "nothing tells the items of this list apart; write the whole list");
        };
        for (name, change) in changes {
            let (name, change) = step_of(name, change, true);
            let place = format!("{place}/{name}");
            let found = items.iter().position(|item| item.get(field).and_then(Node::as_key).as_ref() == Some(&name));
            match (found, change == Node::NULL) {
                (None, true) => self.problem(&place, "cannot be removed, because the base does not have it"),
                (Some(at), true) => {
                    items.remove(at);
                }
                (Some(at), false) => self.lay(&mut items[at], &change, &place),
                (None, false) => {
                    let key = (field.to_owned(), like(&items[0], field, &name));
                    let Node::Map(others) = self.built(&change, &place) else {
                        self.problem(
                            &place,
                            &format!("is a new item of this list, so it must be a map of its fields beside {field}"),
                        );
                        continue;
                    };
                    items.push(Node::Map([key].into_iter().chain(others).collect()));
                }
            }
        }
    }

    /// What the base does not have: paths are spelt out, and there is nothing to remove.
    fn built(&mut self, change: &Node, place: &str) -> Node {
        let Node::Map(entries) = change else { return change.clone() };
        let mut new = Vec::new();
        for (key, value) in entries {
            let (key, value) = step_of(key, value, false);
            self.entry(&mut new, &key, &value, &format!("{place}/{key}"));
        }
        Node::Map(new)
    }
}

/// The first step of a path, and the rest as a difference of its own.
fn step_of(key: &str, change: &Node, over_list: bool) -> (String, Node) {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut steps = key.split('/');
    let first = steps.next().unwrap_or_default();
    if !over_list && !is_word(first) {
        return (key.to_owned(), change.clone());
    }
    let rest = steps.rev().fold(change.clone(), |inner, step| Node::Map(vec![(step.to_owned(), inner)]));
    (first.to_owned(), rest)
}

fn key_of(items: &[Node]) -> Option<&'static str> {
    let names = |field: &str| -> Option<Vec<String>> { items.iter().map(|item| item.get(field)?.as_key()).collect() };
    let field = KEYS.into_iter().find(|field| names(field).is_some_and(|names| !names.is_empty()))?;
    let mut all = names(field)?;
    all.sort();
    let count = all.len();
    all.dedup();
    (all.len() == count).then_some(field)
}

/// A name as the other items write theirs: a number, or a text.
fn like(item: &Node, field: &str, name: &str) -> Node {
    let number = name
        .parse::<u64>()
        .ok()
        .filter(|_| matches!(item.get(field), Some(Node::Scalar(serde_json::Value::Number(_)))));
    number.map_or_else(|| Node::text(name), |number| Node::Scalar(number.into()))
}
