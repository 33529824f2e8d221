//! `trace(desired, observed, surroundings, …) -> Trace`: walks the path of every port mapping from listener to container,
//! names the first broken hop with the evidence that proves it, and says who can mend it and how. Pure, and total.
//!
//! Reading order: [`hop`] is the chain as data; [`catalogue`] what can be wrong; [`finding`] what is; `way` one path with
//! everything that is known about it, and `end` where its requests arrive; then a file for each hop, in the order of the
//! chain; [`health`] hears the second witness.
//!
//! What could not be read is unknown, never ok. The first broken hop is the verdict; what lies behind it is examined as well.

mod application;
pub mod catalogue;
mod client;
mod egress;
mod end;
pub mod finding;
pub mod health;
pub mod hop;
mod ingress;
mod listener;
mod load_balancer;
mod network_acl;
mod port_binding;
mod registration;
mod rule;
mod service_wiring;
mod target_group;
mod way;
mod zone;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::model::{Desired, Observed, Request, Surroundings};

pub use finding::Finding;
pub use health::Witness;
pub use hop::{Hop, HopId, State};

use hop::Examined;
use way::Way;

/// What is asked about the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The manifest is what people wrote, not what was found: what stands may differ from it.
    pub is_manifest: bool,
    /// This service alone, by its key.
    pub service: Option<String>,
    /// This port of it alone.
    pub port: Option<String>,
    /// Where the client is; anywhere, if it is not said.
    pub client: Option<IpNet>,
    /// The request to follow.
    pub request: Option<Request>,
    /// The listener's port of that request.
    pub listener: Option<u16>,
}

/// All paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One for each port mapping, target group and route.
    pub paths: Vec<Path>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The cluster; none for declared targets alone.
    pub cluster: Option<String>,
    /// The key of the service.
    pub service: Option<String>,
    /// The name of the port.
    pub port: Option<String>,
    /// The load balancer.
    pub load_balancer: Option<String>,
    /// The listener's port.
    pub listener: Option<u16>,
    /// The key of the target group.
    pub target_group: String,
    /// What health checks say of it all.
    pub witness: (Witness, String),
    /// Every hop, in order.
    pub hops: Vec<Hop>,
}

/// What a path comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Some hop is broken.
    Broken,
    /// None is broken, and some could not be examined.
    Unknown,
    /// A request can arrive.
    Reachable,
}

impl Verdict {
    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Unknown => "unknown",
            Self::Reachable => "reachable",
        }
    }
}

impl Path {
    /// The first broken hop.
    pub fn broken_hop(&self) -> Option<&Hop> {
        self.hops.iter().find(|hop| hop.state == State::Broken)
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        if self.broken_hop().is_some() {
            Verdict::Broken
        } else if self.hops.iter().any(|hop| matches!(hop.state, State::Unknown(_))) {
            Verdict::Unknown
        } else {
            Verdict::Reachable
        }
    }

    /// Findings of all hops, in order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.hops.iter().flat_map(|hop| &hop.findings)
    }
}

impl Trace {
    /// The worst of all paths; reachable where there is none.
    pub fn verdict(&self) -> Verdict {
        self.paths.iter().map(Path::verdict).min().unwrap_or(Verdict::Reachable)
    }
}

/// What examines a hop, given the hops before it.
type Examine = for<'a> fn(&Way<'a>, &[Hop]) -> Examined;

/// The chain.
const CHAIN: [(HopId, Examine); 12] = [
    (HopId::LoadBalancer, load_balancer::examine),
    (HopId::Listener, listener::examine),
    (HopId::Rule, rule::examine),
    (HopId::TargetGroup, target_group::examine),
    (HopId::ServiceWiring, service_wiring::examine),
    (HopId::Registration, registration::examine),
    (HopId::AvailabilityZone, zone::examine),
    (HopId::LoadBalancerEgress, egress::examine),
    (HopId::NetworkAcl, network_acl::examine),
    (HopId::TargetSecurityGroup, ingress::examine),
    (HopId::PortBinding, port_binding::examine),
    (HopId::Application, application::examine),
];

/// Traces the paths of a fleet.
pub fn trace(desired: &Desired, observed: &Observed, around: &Surroundings, asked: &Asked, now: Timestamp) -> Trace {
    let ways = way::ways(desired, observed, around, asked, now);
    Trace { paths: ways.iter().filter(|way| is_asked(way, asked)).map(walk).collect() }
}

fn is_asked(way: &Way<'_>, asked: &Asked) -> bool {
    let service = way.service.map(|(service, _)| service.key.as_str());
    let port = way.service.map(|(_, port)| port.name.as_str());
    let fits = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
    let listener = way.route.as_ref().map(|route| route.listener);
    let by_listener = asked.listener.is_none() || asked.listener == listener;
    fits(&asked.service, service) && fits(&asked.port, port) && by_listener && may_take(way, asked)
}

/// A request is followed along the paths that are meant for it.
fn may_take(way: &Way<'_>, asked: &Asked) -> bool {
    match (&asked.request, &way.route) {
        (Some(request), Some(route)) => !matches!(route.conditions.takes(request), crate::model::Taken::No(_)),
        _ => true,
    }
}

fn walk(way: &Way<'_>) -> Path {
    let mut hops: Vec<Hop> = Vec::with_capacity(CHAIN.len());
    for (id, examine) in CHAIN {
        let Examined { state, evidence, findings } = examine(way, &hops);
        hops.push(Hop { id, state, evidence, findings });
    }
    let balancer = way.balancer().ok().map(|balancer| balancer.name.clone()).or(way.group.load_balancer.clone());
    Path {
        cluster: way.service.map(|(service, _)| service.id.cluster.clone()),
        service: way.service.map(|(service, _)| service.key.clone()),
        port: way.service.map(|(_, port)| port.name.clone()),
        load_balancer: balancer,
        listener: way.route.as_ref().map(|route| route.listener),
        target_group: way.group.key.clone(),
        witness: health::witness(way, &hops),
        hops,
    }
}
