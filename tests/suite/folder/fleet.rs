//! A base fleet: a folder of `tests/fleets` with a manifest and with what AWS answers for it, as `observed.yaml` or `world.yaml`.

use std::fs;
use std::path::Path;

use super::tree::{Node, parse, parse_documents};

pub struct Fleet {
    /// Specs by kind and name; there is one Fleet, so its spec needs no name.
    pub manifest: Node,
    fleet_name: Node,
    pub observed: Option<Node>,
    pub world: Option<Node>,
}

impl Fleet {
    pub fn read(fleets: &Path, name: &str) -> Result<Self, Vec<String>> {
        let folder = fleets.join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let Some(manifest) = read("manifest.yaml").filter(|_| !name.is_empty()) else {
            return Err(vec![format!("base: there is no fleet {name:?}; there are {}", names(fleets).join(", "))]);
        };
        let problem = |file: &str, what: String| vec![format!("the base's {file}: {what}")];
        let tree = |file: &str| -> Result<Option<Node>, Vec<String>> {
            read(file).map(|text| parse(&text).map_err(|what| problem(file, what))).transpose()
        };
        let documents = parse_documents(&manifest).map_err(|what| problem("manifest.yaml", what))?;
        let (manifest, fleet_name) = by_kind(documents).ok_or_else(|| {
            problem(
                "manifest.yaml",
                "each document needs kind, metadata.name (and no other metadata) and spec".to_owned(),
            )
        })?;
        Ok(Self { manifest, fleet_name, observed: tree("observed.yaml")?, world: tree("world.yaml")? })
    }

    /// Renames in the manifest and in what is observed; a word that is found nowhere is a problem.
    pub fn rename(&mut self, words: &Node) -> Vec<String> {
        let Node::Map(words) = words else { return vec!["rename: takes a map of words".to_owned()] };
        let mut renaming = Renaming { words: Vec::new(), found: vec![false; words.len()] };
        for (from, to) in words {
            match to.as_key() {
                Some(to) => renaming.words.push((from.clone(), to)),
                None => return vec![format!("rename/{from}: takes a word")],
            }
        }
        let trees = [Some(&mut self.manifest), Some(&mut self.fleet_name), self.observed.as_mut(), self.world.as_mut()];
        trees.into_iter().flatten().for_each(|tree| renaming.node(tree));
        let unused = renaming.words.iter().zip(&renaming.found).filter(|(_, found)| !**found);
        unused.map(|((from, _), _)| format!("rename/{from}: is no word of the base")).collect()
    }

    pub fn manifest_text(&self) -> String {
        let Node::Map(kinds) = &self.manifest else { return String::new() };
        let mut documents = Vec::new();
        for (kind, specs) in kinds {
            match specs {
                Node::Map(specs) if kind != "Fleet" => {
                    documents.extend(specs.iter().map(|(name, spec)| document(kind, Node::text(name), spec)));
                }
                spec => documents.push(document(kind, self.fleet_name.clone(), spec)),
            }
        }
        documents.join("---\n")
    }
}

fn names(fleets: &Path) -> Vec<String> {
    let entries = fs::read_dir(fleets).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// `{Fleet: spec, Service: {checkout: spec}, TargetGroup: {checkout-http: spec}}`, and the Fleet's name.
fn by_kind(documents: Vec<Node>) -> Option<(Node, Node)> {
    let mut kinds: Vec<(String, Node)> =
        ["Service", "TargetGroup"].map(|kind| (kind.to_owned(), Node::Map(Vec::new()))).into();
    let mut fleet = None;
    for document in documents {
        let (kind, metadata, spec) =
            (document.get("kind")?.as_key()?, document.get("metadata")?, document.get("spec")?);
        let Node::Map(fields) = metadata else { return None };
        let name = metadata.get("name")?.clone();
        if fields.len() != 1 {
            return None;
        }
        if kind == "Fleet" {
            fleet = Some((spec.clone(), name));
        } else {
            let (_, Node::Map(specs)) = kinds.iter_mut().find(|(known, _)| *known == kind)? else { return None };
            specs.push((name.as_key()?, spec.clone()));
        }
    }
    let (spec, name) = fleet?;
    kinds.insert(0, ("Fleet".to_owned(), spec));
    Some((Node::Map(kinds), name))
}

fn document(kind: &str, name: Node, spec: &Node) -> String {
    let entry = |key: &str, value: Node| (key.to_owned(), value);
    let metadata = Node::Map(vec![entry("name", name)]);
    Node::Map(vec![
        entry("apiVersion", Node::text("portolan.dev/v1alpha1")),
        entry("kind", Node::text(kind)),
        entry("metadata", metadata),
        entry("spec", spec.clone()),
    ])
    .to_string()
}

struct Renaming {
    words: Vec<(String, String)>,
    found: Vec<bool>,
}

impl Renaming {
    fn node(&mut self, node: &mut Node) {
        match node {
            Node::Scalar(serde_json::Value::String(text)) => *text = self.text(text),
            Node::Scalar(serde_json::Value::Number(number)) => {
                if let Ok(port) = self.text(&number.to_string()).parse::<u64>() {
                    *number = port.into();
                }
            }
            Node::Scalar(_) => {}
            Node::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Node::Map(entries) => {
                for (key, value) in entries {
                    *key = self.text(key);
                    self.node(value);
                }
            }
        }
    }

    /// Replaces whole words: `checkout` is one in `checkout:7` and in `/checkout/*`, not in `checkout-http`. A port is a word too.
    fn text(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut renamed = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let place = self.words.iter().position(|(known, _)| known == word);
            renamed.push_str(before);
            renamed.push_str(place.map_or(word, |place| &self.words[place].1));
            if let Some(place) = place {
                self.found[place] = true;
            }
            rest = after;
        }
        renamed + rest
    }
}
