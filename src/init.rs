//! What stands, as a manifest: the text that `portolan init` writes. Pure: a reading in, texts out.
//!
//! What was written is read back and planned against the same reading before it is shown. What the format refuses is
//! then a comment at its place, and what would not be in sync is named at its object: the first dry run is no surprise.
//!
//! Reading order: `page` is a document as a tree of entries; `fleet`, `service`, `definition`, `target_group` and `route` fill it;
//! `settle` reads it back.

mod attribute;
mod definition;
pub mod ecspresso;
mod fleet;
mod members;
mod names;
mod page;
mod port;
mod read_back;
mod route;
mod scalar;
mod service;
mod target_group;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::owner::FLEET_TAG;
use crate::model::{Desired, Given, ObjectKind, ObjectRef, Observed, Rule, Serve, TargetGroup, Vpc, VpcId};
use crate::plan::Plan;
use crate::survey::key::{is_key, sanitized};

pub use attribute::Attributes;
pub use definition::Definitions;
use page::Page;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it describes.
    pub object: ObjectRef,
    /// Its text, without the line of dashes before it.
    pub text: String,
    /// It is only comments: the format can say nothing of it.
    pub is_comment: bool,
    /// Files that it names, by their paths beside it.
    pub files: BTreeMap<String, String>,
}

/// A manifest with what is to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The Fleet, then each service with its target groups.
    pub documents: Vec<Document>,
    /// What a dry run of it shows: steps and blocked entries where something is not as it would have to be.
    pub plan: Plan,
    /// Why it cannot be read back, if it cannot: then the plan is empty and says nothing.
    pub problems: Vec<String>,
}

impl Written {
    /// Everything in one file.
    pub fn text(&self) -> String {
        join(self.documents.iter())
    }

    /// `fleet.yaml`, and a file for each service with the target groups that stand behind it; and the files that these name.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files: Vec<(String, Vec<&Document>)> = Vec::new();
        for document in &self.documents {
            let name = match document.object.kind {
                ObjectKind::Fleet => "fleet.yaml".to_owned(),
                ObjectKind::Service if document.object.key == "fleet" => "fleet-service.yaml".to_owned(),
                ObjectKind::Service => format!("{}.yaml", document.object.key),
                ObjectKind::TargetGroup => String::new(),
            };
            match files.last_mut() {
                Some((_, documents)) if name.is_empty() => documents.push(document),
                _ => files.push((name, vec![document])),
            }
        }
        let manifests = files.into_iter().map(|(name, documents)| (name, join(documents.into_iter())));
        let named = self.documents.iter().flat_map(|document| document.files.clone());
        manifests.chain(named).collect()
    }
}

fn join<'a>(documents: impl Iterator<Item = &'a Document>) -> String {
    let mut text = String::new();
    for document in documents {
        if !text.is_empty() {
            // A document of nothing but comments is none to YAML.
            text.push_str(if document.is_comment { "\n" } else { "---\n" });
        }
        text.push_str(&document.text);
    }
    text
}

/// What to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// The fleet's name, where one was asked for.
    pub name: Option<&'a str>,
    /// Attributes of target groups.
    pub attributes: Attributes,
    /// Task definitions.
    pub definitions: Definitions,
    /// Task definitions with the images that run.
    pub images: bool,
    /// Task definitions with the values of environment variables, which may be secrets.
    pub environment: bool,
}

/// Writes the manifest of a reading. `outline` is the bare fleet that was read; `name` the fleet's name, where one was
/// asked for.
pub fn write(outline: &Desired, observed: &Observed, name: Option<&str>, now: Timestamp) -> Written {
    write_with(outline, observed, Options { name, ..Options::default() }, now)
}

/// As [`write()`], with everything that can be asked for.
pub fn write_with(outline: &Desired, observed: &Observed, options: Options<'_>, now: Timestamp) -> Written {
    let scene = Scene::of(outline, observed, options);
    let mut pages = vec![(ObjectRef::fleet(&scene.fleet), fleet::page(&scene))];
    let mut written: BTreeSet<&str> = BTreeSet::new();
    for service in outline.services.values() {
        pages.push((ObjectRef::service(&service.key), service::page(&scene, service)));
        for key in service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten()) {
            if written.insert(key) && scene.writes(key) {
                pages.push((ObjectRef::target_group(key), target_group::page(&scene, key)));
            }
        }
    }
    read_back::settle(pages, &scene, now)
}

/// What all parts of a manifest are written from.
struct Scene<'a> {
    outline: &'a Desired,
    observed: &'a Observed,
    given: Given<'a>,
    /// The fleet's name.
    fleet: String,
    /// What was asked for.
    options: Options<'a>,
    /// The VPC that goes without saying.
    vpc: Option<&'a Vpc>,
}

impl<'a> Scene<'a> {
    fn of(outline: &'a Desired, observed: &'a Observed, options: Options<'a>) -> Self {
        let given = Given::new(outline, observed);
        let fleet = match options.name {
            Some(name) => sanitized(name),
            None => fleet_of_marks(&given).unwrap_or_else(|| outline.fleet.name.clone()),
        };
        let mut scene = Self { outline, observed, given, fleet, options, vpc: None };
        scene.vpc = scene.most_common_vpc();
        scene
    }

    /// The live target group of a key.
    fn live(&self, key: &str) -> Option<&'a TargetGroup> {
        let wanted = self.outline.target_groups.get(key)?;
        self.given.target_group(&wanted.name).present()
    }

    /// The fleet that made a target group, if it is another one.
    fn other_fleet(&self, key: &str) -> Option<&'a str> {
        let tags = self.live(key)?.tags.as_ref().present()?;
        tags.get(FLEET_TAG).map(String::as_str).filter(|name| *name != self.fleet)
    }

    /// Whether a target group has a document of its own.
    fn writes(&self, key: &str) -> bool {
        self.live(key).is_some() && self.other_fleet(key).is_none()
    }

    /// The VPC that a manifest's look-ups of a service's names take place in.
    fn vpc_of(&self, keys: &[String]) -> Option<&'a VpcId> {
        let first = keys.iter().min().and_then(|key| self.live(key));
        first.map_or_else(|| self.vpc.map(|vpc| &vpc.id), |group| group.vpc.as_ref())
    }

    fn most_common_vpc(&self) -> Option<&'a Vpc> {
        let all = self.observed.vpcs.as_ref().present()?;
        let groups = self.outline.target_groups.keys().filter_map(|key| self.live(key)?.vpc.as_ref());
        let subnets = self.observed.subnets.as_ref().present().into_iter().flatten();
        let services = self.outline.services.values();
        let live = services.filter_map(|service| self.observed.service(&service.id).present()?.network.as_ref());
        let first = live.filter_map(|network| network.subnets.first());
        let of_services =
            first.filter_map(|id| subnets.clone().find(|subnet| subnet.id == *id).map(|subnet| &subnet.vpc));
        let mut counts: BTreeMap<&VpcId, usize> = BTreeMap::new();
        for vpc in groups.chain(of_services) {
            *counts.entry(vpc).or_default() += 1;
        }
        let most = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(id, _)| *id)?;
        all.iter().find(|vpc| vpc.id == *most)
    }

    /// What could not be read about an object, a sentence for each call.
    fn gaps(&self, object: &ObjectRef) -> Vec<String> {
        let name = object.to_string();
        let own = self.observed.gaps.iter().filter(|(of, _)| *of == name);
        let own: BTreeSet<String> = own
            .map(|(_, gap)| {
                format!("Could not be read: {} ({}). Settings that depend on it are left out.", gap.call, gap.why)
            })
            .collect();
        own.into_iter().collect()
    }
}

/// The fleet that made things here, where it is one alone: a second name would make strangers of them.
fn fleet_of_marks(given: &Given<'_>) -> Option<String> {
    let groups = given.desired.target_groups.values();
    let groups: Vec<&TargetGroup> = groups.filter_map(|group| given.target_group(&group.name).present()).collect();
    let leads_here = |rule: &&Rule| match &rule.actions.serve {
        Serve::Forward(forward) => groups.iter().any(|group| forward.weights.contains_key(&group.arn)),
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => false,
    };
    let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten().filter(leads_here);
    let tags = groups.iter().map(|group| &group.tags).chain(rules.map(|rule| &rule.tags));
    let mut names: BTreeSet<&String> =
        tags.filter_map(|tags| tags.as_ref().present()).filter_map(|tags| tags.get(FLEET_TAG)).collect();
    let only = names.pop_first()?;
    // What is no key no manifest can be called: somebody else wrote it, and their things stay strangers.
    (names.is_empty() && is_key(only)).then(|| only.clone())
}

/// A page of a kind.
fn page_of(object: &ObjectRef, notes: Vec<String>, spec: Vec<page::Entry>) -> Page {
    use page::{Entry, Value};
    let metadata = vec![Entry::text("name", &object.key)];
    let root = vec![
        Entry::word("apiVersion", "portolan.dev/v1alpha1"),
        Entry::word("kind", object.kind.as_str()),
        Entry::field("metadata", Value::Map(metadata)),
        Entry::field("spec", Value::Map(spec)),
    ];
    Page { notes, root: Entry::item(Value::Map(root)), files: BTreeMap::new() }
}
