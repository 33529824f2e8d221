//! The manifest as its files have it: what counts of what was read, and when.

use std::time::Duration;

use crate::manifest::{self, Problem, Source};
use crate::model::{Desired, ObjectRef};

/// The texts that make up the fleet, as they are now. Paths are resolved anew each time, so that files may be replaced
/// and links moved.
pub trait Declare {
    /// Reads them.
    fn read(&self) -> impl Future<Output = Result<Vec<Source>, Vec<Problem>>>;
}

/// How often the files of the manifest are read, at the least. What has changed counts once it reads the same twice in
/// a row: a file that is written in place may be read when it is half there, and half a manifest can be a sound one.
pub(super) const MANIFEST_PERIOD: Duration = Duration::from_secs(5);

/// What the files said, or why they could not be read.
pub(super) type Read = Result<Vec<Source>, Vec<Problem>>;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// What counted last, good or not, so that nothing is told twice.
    last: Option<Read>,
    /// What was read instead when the files were looked at last, and does not count yet.
    unsettled: Option<Read>,
}

impl Declared {
    /// Whether the files read as they did when they were looked at last, or are looked at for the first time.
    pub(super) fn has_settled(&mut self, read: &Read) -> bool {
        let is_first = self.last.is_none();
        let is_known = self.last.as_ref() == Some(read) || self.unsettled.as_ref() == Some(read);
        self.unsettled = (!is_known).then(|| read.clone());
        is_first || is_known
    }

    /// Whether what was read is another manifest that can be used.
    pub(super) fn replaces(&self, read: &Read, current: &Desired) -> bool {
        if self.last.as_ref() == Some(read) {
            return false;
        }
        let Ok(sources) = read else { return false };
        let loaded = manifest::load(sources).and_then(|desired| same_fleet(current, desired));
        loaded.is_ok_and(|desired| desired != *current)
    }

    /// What counts from now on: the manifest, or what is wrong with it; `None` where that was said before.
    pub(super) fn take(&mut self, read: Read, current: &Desired) -> Option<Result<Desired, Vec<Problem>>> {
        // What was seen before this did not read the same twice in a row.
        self.unsettled = None;
        if self.last.as_ref() == Some(&read) {
            return None;
        }
        let loaded = match &read {
            Ok(sources) => manifest::load(sources).and_then(|desired| same_fleet(current, desired)),
            Err(problems) => Err(problems.clone()),
        };
        self.last = Some(read);
        Some(loaded)
    }
}

/// The clients are for one region, and a memory is about one fleet.
fn same_fleet(current: &Desired, desired: Desired) -> Result<Desired, Vec<Problem>> {
    let (old, new) = (&current.fleet, &desired.fleet);
    if (&old.name, &old.region, &old.account) == (&new.name, &new.region, &new.account) {
        return Ok(desired);
    }
    let message = format!("the name, region and account of fleet {} do not change while it runs", old.name);
    Err(vec![Problem::of_file("the manifest", message, Some("start the service anew"))])
}

/// The documents and routes that the old manifest had and the new one has not, as people name them.
pub(super) fn vanished(old: &Desired, new: &Desired) -> Vec<String> {
    let services = old.services.keys().filter(|key| !new.services.contains_key(*key));
    let services = services.map(|key| ObjectRef::service(key).to_string());
    let groups = old.target_groups.iter().flat_map(|(key, group)| {
        let object = ObjectRef::target_group(key);
        let Some(now) = new.target_groups.get(key) else { return vec![object.to_string()] };
        let left: Vec<_> = now.routes.iter().flatten().collect();
        let gone = group.routes.iter().flatten().filter(|route| !left.contains(route));
        gone.map(|route| format!("a route of {object} on listener {}", route.listener)).collect()
    });
    services.chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
";

    /// The same manifest, written differently.
    fn read(remark: &str) -> Read {
        Ok(vec![Source { name: "fleet.yaml".to_owned(), text: format!("# {remark}\n{FLEET}") }])
    }

    #[test]
    fn what_a_signal_came_between_has_not_been_read_twice_in_a_row() {
        let current = read("a").and_then(|sources| manifest::load(&sources)).expect("a sound manifest");
        let mut declared = Declared::default();
        assert!(declared.has_settled(&read("a")) && declared.take(read("a"), &current).is_some());
        assert!(!declared.has_settled(&read("b")), "seen once");
        assert!(declared.take(read("c"), &current).is_some(), "a signal makes it count at once");
        assert!(!declared.has_settled(&read("b")), "seen once since then");
        assert!(declared.has_settled(&read("b")) && declared.take(read("b"), &current).is_some());
    }

    #[test]
    fn what_a_manifest_no_longer_has_is_named() {
        let group = |routes: &str| {
            format!(
                "---\napiVersion: portolan.dev/v1alpha1\nkind: TargetGroup\nmetadata: {{name: web}}\nspec: {{loadBalancer: public, protocol: HTTP, routes: [{routes}]}}\n"
            )
        };
        let service =
            "---\napiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {name: web}\nspec: {desiredCount: 1}\n";
        let load = |parts: &[&str]| {
            let text = format!("{FLEET}{}", parts.concat());
            manifest::load(&[Source { name: "fleet.yaml".to_owned(), text }]).expect("a sound manifest")
        };
        let (one, both) = (
            "{listener: 443, priority: 1, paths: [/a]}",
            "{listener: 443, priority: 1, paths: [/a]}, {listener: 80, priority: 2, paths: [/b]}",
        );
        let old = load(&[service, &group(both)]);
        assert_eq!(vanished(&old, &old), [""; 0]);
        assert_eq!(vanished(&old, &load(&[service, &group(one)])), ["a route of TargetGroup/web on listener 80"]);
        assert_eq!(vanished(&old, &load(&[])), ["Service/web", "TargetGroup/web"]);
    }
}
