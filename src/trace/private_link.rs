//! Clients of AWS PrivateLink. They reach a network load balancer through an endpoint service, and targets see the load
//! balancer's addresses instead of theirs, even if it preserves client IP addresses. So they are clients of another kind
//! than those that connect to the load balancer itself.

use std::collections::BTreeSet;

use crate::model::{Gap, LoadBalancer, Seen};

use super::finding::list;
use super::way::Way;

/// The endpoint services of the load balancer: empty if it has none.
pub(super) fn services(way: &Way<'_>, balancer: &LoadBalancer) -> Result<BTreeSet<String>, Gap> {
    match way.given.observed.endpoint_services_of(&balancer.arn) {
        Seen::Present(services) => Ok(services.clone()),
        Seen::Absent => Ok(BTreeSet::new()),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// The endpoint services whose clients the load balancer's security groups do not filter.
pub(super) fn unfiltered(way: &Way<'_>, balancer: &LoadBalancer) -> Result<BTreeSet<String>, Gap> {
    let is_filtered = balancer.filters_private_link || !way.is_network() || way.asked.client.is_some();
    if is_filtered { Ok(BTreeSet::new()) } else { services(way, balancer) }
}

/// Such as `clients of AWS PrivateLink (vpce-svc-1)`.
pub(super) fn words(services: &BTreeSet<String>) -> String {
    format!("clients of AWS PrivateLink ({})", list(services))
}
