//! Documents of all sources, sorted by kind. Here a document gets its identity, and none may have another's.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::document::{FleetDocument, ServiceDocument, TargetGroupDocument};
use super::hints;
use crate::model::ObjectKind;
use crate::yaml::{self, At, Decode, Node, Position, Problems, Value, quoted, wrong_type};

/// What was read.
#[derive(Default)]
pub(super) struct Documents {
    /// The first Fleet.
    pub fleet: Option<At<FleetDocument>>,
    pub services: Vec<At<ServiceDocument>>,
    pub target_groups: Vec<At<TargetGroupDocument>>,
    /// Keys of all target groups, of broken ones too: a reference to them is not a mistake of its own.
    pub target_group_keys: BTreeSet<String>,
    /// Whether the kind of every document is known, so that something missing is really missing.
    pub whole: bool,
}

/// Reads all sources.
pub(super) fn collect(sources: &[Source], problems: &mut Problems<'_>) -> Documents {
    let mut collector = Collector {
        documents: Documents { whole: true, ..Documents::default() },
        first_of: BTreeMap::new(),
        fleet_at: None,
    };
    for (index, source) in sources.iter().enumerate() {
        let read = yaml::read(index, &source.text, problems);
        collector.documents.whole &= read.whole;
        for document in read.documents {
            collector.take(&document, problems);
        }
    }
    if collector.fleet_at.is_none() && collector.documents.whole {
        let empty = collector.first_of.is_empty();
        let message = if empty { "the manifest is empty" } else { "no document of kind Fleet" };
        let hint = "add exactly one Fleet document: it sets the name, the region and the mode";
        problems.add_hint(Position::default(), message, hint);
    }
    collector.documents
}

struct Collector {
    documents: Documents,
    first_of: BTreeMap<(ObjectKind, String), Position>,
    fleet_at: Option<Position>,
}

impl Collector {
    fn take(&mut self, node: &Node, problems: &mut Problems<'_>) {
        if node.is_nothing() {
            return; // `---` with nothing or only comments below it
        }
        let Some(kind) = kind_of(node, problems) else {
            self.documents.whole = false;
            return;
        };
        self.claim_identity(kind, node, problems);
        let documents = &mut self.documents;
        match kind {
            ObjectKind::Fleet => {
                let fleet = At::decode(node, "Fleet", problems);
                if let Some(first) = self.fleet_at {
                    let message = "a second Fleet; a manifest has exactly one";
                    problems.add_hint(node.at, message, format!("first at {}", problems.place(first)));
                } else {
                    self.fleet_at = Some(node.at);
                    documents.fleet = fleet;
                }
            }
            ObjectKind::Service => documents.services.extend(At::decode(node, "Service", problems)),
            ObjectKind::TargetGroup => documents.target_groups.extend(At::decode(node, "TargetGroup", problems)),
        }
    }

    fn claim_identity(&mut self, kind: ObjectKind, node: &Node, problems: &mut Problems<'_>) {
        if kind == ObjectKind::Fleet {
            return; // a second one is wrong whatever its name
        }
        let Some(name) = field(node, "metadata").and_then(|metadata| field(metadata, "name")) else { return };
        let Value::Scalar(scalar) = &name.value else { return };
        if kind == ObjectKind::TargetGroup {
            self.documents.target_group_keys.insert(scalar.text.clone());
        }
        let identity = (kind, scalar.text.clone());
        if let Some(first) = self.first_of.get(&identity) {
            let message = format!("a second {} {}", kind.as_str(), quoted(&scalar.text));
            problems.add_hint(name.at, message, format!("first at {}", problems.place(*first)));
        } else {
            self.first_of.insert(identity, name.at);
        }
    }
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value),
        Value::Scalar(_) | Value::Sequence(_) | Value::Broken => None,
    }
}

/// The kind of a document; anything but Portolan's own is reported.
fn kind_of(node: &Node, problems: &mut Problems<'_>) -> Option<ObjectKind> {
    if !matches!(node.value, Value::Mapping(_)) {
        if !matches!(node.value, Value::Broken) {
            problems.add(
                node.at,
                format!("expected a document with apiVersion, kind, metadata and spec, found {}", node.found()),
            );
        }
        return None;
    }
    let Some(kind) = field(node, "kind") else {
        problems.add_hint(
            node.at,
            "missing field \"kind\" in the document",
            "kinds are Fleet, Service and TargetGroup",
        );
        return None;
    };
    let Value::Scalar(scalar) = &kind.value else {
        wrong_type(kind, "kind", "Fleet, Service or TargetGroup", None, problems);
        return None;
    };
    let kinds = [ObjectKind::Fleet, ObjectKind::Service, ObjectKind::TargetGroup];
    let found = kinds.into_iter().find(|known| known.as_str() == scalar.text);
    if found.is_none() {
        problems.add_hint(kind.at, format!("unknown kind {}", quoted(&scalar.text)), hints::unknown_kind(&scalar.text));
    }
    found
}
