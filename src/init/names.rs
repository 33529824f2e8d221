//! Names instead of ids, wherever a manifest's look-up finds the thing again by its name.

use crate::model::{Given, GroupId, LoadBalancer, Lookup, Observed, Seen, SubnetId, TargetGroup, Vpc, VpcId};

/// A VPC by its `Name` tag, or its id.
pub(super) fn vpc(observed: &Observed, vpc: &Vpc) -> String {
    let is_it = |name: &&str| matches!(observed.vpc(name), Seen::Present(Lookup::One(found)) if found.id == vpc.id);
    first(vpc.name.as_deref(), None, is_it).unwrap_or(vpc.id.as_str()).to_owned()
}

/// A subnet by its `Name` tag, or its id.
pub(super) fn subnet<'a>(observed: &'a Observed, vpc: &VpcId, id: &'a SubnetId) -> &'a str {
    let is_it =
        |name: &&str| matches!(observed.subnet(vpc, name), Seen::Present(Lookup::One(found)) if found.id == *id);
    let Seen::Present(Lookup::One(found)) = observed.subnet(vpc, id.as_str()) else { return id.as_str() };
    first(found.name.as_deref(), None, is_it).unwrap_or(id.as_str())
}

/// A security group by its name or `Name` tag, or its id.
pub(super) fn security_group<'a>(given: &Given<'a>, vpc: &VpcId, id: &'a GroupId) -> &'a str {
    let is_it =
        |name: &&str| matches!(given.security_group(vpc, name), Seen::Present(Lookup::One(found)) if found.id == *id);
    let Seen::Present(Lookup::One(found)) = given.security_group(vpc, id.as_str()) else { return id.as_str() };
    first(Some(&found.name), found.name_tag.as_deref(), is_it).unwrap_or(id.as_str())
}

/// A load balancer by its name, or its ARN.
pub(super) fn load_balancer<'a>(given: &Given<'_>, balancer: &'a LoadBalancer) -> &'a str {
    let is_it = |name: &&str| matches!(given.load_balancer(name), Seen::Present(Lookup::One(found)) if found.arn == balancer.arn);
    first(Some(&balancer.name), None, is_it).unwrap_or(balancer.arn.as_str())
}

/// A target group by its name, or its ARN.
pub(super) fn target_group<'a>(given: &Given<'_>, group: &'a TargetGroup) -> &'a str {
    let is_it = |name: &&str| matches!(given.target_group(name), Seen::Present(found) if found.arn == group.arn);
    first(Some(&group.name), None, is_it).unwrap_or(group.arn.as_str())
}

fn first<'a>(name: Option<&'a str>, tag: Option<&'a str>, is_it: impl Fn(&&'a str) -> bool) -> Option<&'a str> {
    [name, tag].into_iter().flatten().filter(|name| !name.is_empty()).find(is_it)
}
