//! What AWS refuses, checked before anything is sent, and what a fleet must agree on within itself.
//!
//! A rule notes a problem where the value stands that is at odds; a field that is absent is at odds with nothing.

mod attribute;
mod definition;
mod deployment;
mod fleet;
mod health_check;
mod listener;
mod name;
mod network;
mod port;
mod route;
mod service;
mod service_file;
mod target;
mod target_group;

use std::collections::BTreeMap;

use super::collect::Documents;
use super::document::TargetGroupDocument;
use super::lower;
use crate::model::Fleet;
use crate::yaml::{At, Problems, quoted};

/// What rules look up in other documents.
struct Scene<'d> {
    documents: &'d Documents,
    /// `None` without a readable Fleet: nothing can be said about its defaults then.
    fleet: Option<Fleet>,
    target_groups: BTreeMap<&'d str, &'d At<TargetGroupDocument>>,
}

impl Scene<'_> {
    /// The key of the TargetGroup with this name in AWS.
    fn target_group_called(&self, name: &str) -> Option<String> {
        let is_it = |group: &&&At<TargetGroupDocument>| {
            let own = group.spec.name.as_ref().map_or(group.metadata.name.0.as_str(), |own| own.value.as_str());
            name::bare(own) == name
        };
        self.target_groups.values().find(is_it).map(|group| group.metadata.name.0.clone())
    }
}

/// Checks everything that was read.
pub(super) fn check(documents: &Documents, problems: &mut Problems<'_>) {
    let scene = Scene {
        documents,
        fleet: documents.fleet.as_ref().map(|fleet| lower::fleet(&fleet.metadata.name.0, &fleet.spec)),
        target_groups: documents.target_groups.iter().map(|group| (group.metadata.name.0.as_str(), group)).collect(),
    };
    fleet::check(&scene, problems);
    for service in &documents.services {
        service::check(service, &scene, problems);
    }
    for group in &documents.target_groups {
        target_group::check(group, &scene, problems);
    }
    listener::check(&scene, problems);
}

/// Reports what a list of names says twice.
fn check_once(list: &[At<String>], what: &str, problems: &mut Problems<'_>) {
    let mut seen = BTreeMap::new();
    for item in list {
        if let Some(first) = seen.insert(item.value.as_str(), item.at) {
            let message = format!("{what}: {} is listed twice", quoted(item));
            problems.add_hint(item.at, message, format!("first at {}", problems.place(first)));
        }
    }
}

/// Reports addresses that are not in `address/prefix` form, or have bits below the mask.
fn check_cidr(text: &At<String>, name: &str, problems: &mut Problems<'_>) {
    match text.parse::<ipnet::IpNet>() {
        Ok(net) if net == net.trunc() => {}
        Ok(net) => {
            let message = format!("{name}: {} has bits set below its prefix", quoted(text));
            problems.add_hint(text.at, message, format!("write {}", net.trunc()));
        }
        Err(_) => {
            let hint = match text.parse::<std::net::IpAddr>() {
                Ok(address) => format!("write {}", ipnet::IpNet::from(address)),
                Err(_) => "such as 10.20.0.0/16 or 2001:db8::/32".to_owned(),
            };
            let message = format!("{name}: expected addresses with a prefix length, found {}", quoted(text));
            problems.add_hint(text.at, message, hint);
        }
    }
}
