//! A service definition in a file of its own, against what the manifest says beside it.

use crate::manifest::document::WholeServiceSpec;
use crate::manifest::service_file::{ServiceFile, entries, network};
use crate::model::{DesiredCount, DesiredPort, DesiredService};
use crate::shape::{SERVICE, is_equal};
use crate::yaml::{Position, Problems, quoted};

/// Notes what the manifest says otherwise: two places that disagree are a mistake, and none is laid over the other.
pub(super) fn check(file: &ServiceFile, spec: &WholeServiceSpec, own: &DesiredService, problems: &mut Problems<'_>) {
    let says = &file.definition;
    let mut disagree = |name: &str, member: &str, at: Position| {
        let hint = format!("the other value is in {}; keep one of them", file.place(member));
        problems.add_hint(at, format!("{name} differs from the file of serviceDefinition"), hint);
    };
    if let (Some(own), Some(other)) = (&spec.name, &says.name)
        && own.value != *other
    {
        disagree("name", "serviceName", own.at);
    }
    if let (Some(own), Some(other)) = (&spec.cluster, &says.cluster)
        && own.value != *other
    {
        disagree("cluster", "cluster", own.at);
    }
    if let (Some(count), Some(declared), Some(other)) = (&spec.desired_count, own.desired_count, says.desired_count)
        && declared != DesiredCount::Exact(other)
    {
        disagree("desiredCount", "desiredCount", count.at);
    }
    if let (Some(written), true) = (&spec.network, network_differs(own, file)) {
        disagree("network", "networkConfiguration", written.at);
    }
    for (name, value) in says.members.members() {
        let (Some(row), Some(node)) = (SERVICE.member(name), spec.members.node(name)) else { continue };
        if spec.members.tree.get(name).is_some_and(|own| !is_equal(&row.kind, own, value)) {
            disagree(name, name, node.at);
        }
    }
}

fn network_differs(own: &DesiredService, file: &ServiceFile) -> bool {
    let (Some(own), Some(other)) = (&own.network, network(&file.definition)) else { return false };
    let differs = |one: &Option<Vec<String>>, other: &Option<Vec<String>>| matches!((one, other), (Some(one), Some(other)) if one != other);
    differs(&own.subnets, &other.subnets)
        || differs(&own.security_groups, &other.security_groups)
        || matches!((own.assign_public_ip, other.assign_public_ip), (Some(one), Some(other)) if one != other)
}

/// Notes load balancers of the file that the manifest's ports do not have, where a TargetGroup describes them. `described` gives the
/// key of the TargetGroup with a name in AWS.
pub(super) fn check_load_balancers(
    file: &ServiceFile,
    own: &DesiredService,
    described: impl Fn(&str) -> Option<String>,
    problems: &mut Problems<'_>,
) {
    for entry in entries(&file.definition) {
        let Some(key) = entry.target_group.as_ref().and_then(|arn| described(arn.name())) else { continue };
        let names = |port: &DesiredPort| {
            port.container == entry.container
                && port.container_port == entry.container_port
                && port.target_groups.iter().flatten().any(|named| *named == key)
        };
        if !own.ports.iter().flatten().any(names) {
            let (container, port) = (&entry.container, entry.container_port);
            let message = format!(
                "the file registers port {port} of container {} in TargetGroup/{key}, and no port here does",
                quoted(container)
            );
            let hint = format!(
                "ports: [{{name: NAME, container: {container}, containerPort: {port}, targetGroups: [{key}]}}]"
            );
            problems.add_hint(file.at, message, hint);
        }
    }
}
