//! Which hints are of a fleet: an event queue may well tell of a whole account.

use crate::model::arn::last_part;
use crate::model::{Desired, DesiredTargetGroup, LoadBalancerArn};

use super::Hint;

/// Whether something that a manifest is about may have changed. Where only AWS knows, as with security groups, which
/// manifests mostly name by name, the answer is yes: a look too many costs less than one too few.
pub fn concerns(hint: &Hint, desired: &Desired) -> bool {
    let is_any_group = |is_it: &dyn Fn(&DesiredTargetGroup) -> bool| desired.target_groups.values().any(is_it);
    let leads_to = |arn: &LoadBalancerArn| {
        is_any_group(&|group| {
            let named = group.load_balancer.as_deref();
            named.is_some_and(|named| named == arn.as_str() || named == arn.name())
        })
    };
    match hint {
        Hint::Service { cluster, name } => desired.services.values().any(|service| {
            let is_cluster = |cluster: &String| cluster == last_part(&service.id.cluster);
            service.id.name == *name && cluster.as_ref().is_none_or(is_cluster)
        }),
        Hint::TargetGroup(arn) => is_any_group(&|group| group.name == arn.as_str() || group.name == arn.name()),
        Hint::LoadBalancer(arn) => leads_to(arn),
        Hint::Listener(arn) => arn.load_balancer().is_none_or(|balancer| leads_to(&balancer)),
        Hint::Rule(arn) => arn.load_balancer().is_none_or(|balancer| leads_to(&balancer)),
        Hint::SecurityGroup(_) => !desired.services.is_empty() || !desired.target_groups.is_empty(),
    }
}
