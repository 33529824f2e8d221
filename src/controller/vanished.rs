//! What another manifest no longer has. A file that was lost looks just like a decision, so each object is reported by name.

use std::collections::BTreeSet;

use crate::model::{Desired, ObjectRef};

/// What the files had before and have no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// Files, as `-f` or their folder names them.
    pub files: Vec<String>,
    /// `Service/key` and `TargetGroup/key`.
    pub documents: Vec<String>,
    /// Routes of target groups that are still declared.
    pub routes: Vec<String>,
    /// Static targets of target groups that are still declared.
    pub targets: Vec<String>,
    /// The number of documents before, the Fleet left out.
    pub before: usize,
    /// The number of these that are left.
    pub left: usize,
}

impl Vanished {
    /// Compares two manifests and the names of their files.
    pub(super) fn between(old: &Desired, new: &Desired, files: Vec<String>) -> Self {
        let services = old.services.keys().filter(|key| !new.services.contains_key(*key));
        let groups = old.target_groups.keys().filter(|key| !new.target_groups.contains_key(*key));
        let services = services.map(|key| ObjectRef::service(key).to_string());
        let documents: Vec<_> = services.chain(groups.map(|key| ObjectRef::target_group(key).to_string())).collect();
        let before = old.services.len() + old.target_groups.len();
        let left = before - documents.len();
        let mut vanished = Self { files, documents, before, left, ..Self::default() };
        for (key, group) in &old.target_groups {
            let Some(now) = new.target_groups.get(key) else { continue };
            let object = ObjectRef::target_group(key);
            let routes: Vec<_> = now.routes.iter().flatten().collect();
            let gone = group.routes.iter().flatten().filter(|route| !routes.contains(route));
            vanished.routes.extend(gone.map(|route| format!("a route of {object} on listener {}", route.listener)));
            let targets: BTreeSet<_> = now.targets.iter().flatten().map(|target| &target.key).collect();
            let gone = group.targets.iter().flatten().filter(|target| !targets.contains(&target.key));
            vanished.targets.extend(gone.map(|target| format!("target {} of {object}", target.key)));
        }
        vanished
    }

    /// Whether nothing did.
    pub fn is_empty(&self) -> bool {
        self.by_kind().iter().all(|(_, names)| names.is_empty())
    }

    /// Whether fewer than half of the documents are left.
    pub fn is_most(&self) -> bool {
        self.left * 2 < self.before
    }

    /// The names by what they are names of.
    pub fn by_kind(&self) -> [(&'static str, &[String]); 4] {
        let Self { files, documents, routes, targets, before: _, left: _ } = self;
        [("file", files), ("document", documents), ("route", routes), ("target", targets)]
    }

    /// Logs what people should know.
    pub(super) fn log(&self) {
        if self.is_empty() {
            return;
        }
        let names: Vec<&str> = self.by_kind().into_iter().flat_map(|(_, names)| names).map(String::as_str).collect();
        let (number, names) = (names.len(), names.join(", "));
        tracing::warn!(number, names, "the new manifest no longer contains entries that the last one had");
        if self.is_most() {
            let (left, before) = (self.left, self.before);
            tracing::warn!(left, before, "fewer than half of the documents are left");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{self, Source};

    const FLEET: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
";

    fn vanished(old: &Desired, new: &Desired) -> Vec<String> {
        let vanished = Vanished::between(old, new, Vec::new());
        vanished.by_kind().into_iter().flat_map(|(_, names)| names.to_vec()).collect()
    }

    #[test]
    fn what_a_manifest_no_longer_has_is_named() {
        let group = |routes: &str| {
            format!(
                "---\napiVersion: portolan.dev/v1alpha1\nkind: TargetGroup\nmetadata: {{name: web}}\nspec: {{loadBalancer: public, protocol: HTTP, targetType: ip, {routes}}}\n"
            )
        };
        let service =
            "---\napiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {name: web}\nspec: {desiredCount: 1}\n";
        let load = |parts: &[&str]| {
            let text = format!("{FLEET}{}", parts.concat());
            manifest::load(&[Source { name: "fleet.yaml".to_owned(), text, files: Default::default() }])
                .unwrap_or_else(|problems| panic!("{problems:?}"))
        };
        let (one, both) = (
            "routes: [{listener: 443, priority: 1, paths: [/a]}], targets: [{address: 10.0.0.5, port: 80}]",
            "routes: [{listener: 443, priority: 1, paths: [/a]}, {listener: 80, priority: 2, paths: [/b]}], targets: [{address: 10.0.0.5, port: 80}, {address: 10.0.0.6, port: 80}]",
        );
        let old = load(&[service, &group(both)]);
        assert_eq!(vanished(&old, &old), [""; 0]);
        let expected = ["a route of TargetGroup/web on listener 80", "target 10.0.0.6:80 of TargetGroup/web"];
        assert_eq!(vanished(&old, &load(&[service, &group(one)])), expected);
        assert_eq!(vanished(&old, &load(&[])), ["Service/web", "TargetGroup/web"]);
        let count = |new: &Desired| {
            let found = Vanished::between(&old, new, vec!["a.yaml".to_owned()]);
            (found.left, found.before, found.is_most(), found.is_empty())
        };
        assert_eq!(count(&old), (2, 2, false, false), "a file is one thing, too");
        assert_eq!(count(&load(&[service])), (1, 2, false, false), "half of it is left");
        assert_eq!(count(&load(&[])), (0, 2, true, false));
    }
}
