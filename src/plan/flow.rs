//! One thing that must be allowed to reach the tasks of a service.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::{Gap, GroupId, Peer, PortRange, RuleSource, Transport};

use super::field::Field;
use super::node_addresses::NodeAddresses;

/// Traffic that a security group has to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) ports: PortRange,
    pub(super) source: RuleSource,
    /// Where the source is known to live.
    pub(super) homes: Vec<IpNet>,
    /// Why that is not known.
    pub(super) unread_homes: Option<Gap>,
    pub(super) description: Option<String>,
    /// For people: who comes in, and what for.
    pub(super) who: String,
    /// What the manifest declares it by.
    pub(super) field: Field,
    /// It may be opened. Else it only stays open where it is: nothing declares it.
    pub(super) opens: bool,
    /// Other groups of the same sender: what one of them may send, the sender sends.
    pub(super) also: BTreeSet<GroupId>,
    /// The addresses that it comes from, where a network load balancer sends it: rules may allow these instead of its group.
    pub(super) nodes: Option<NodeAddresses>,
}

impl Flow {
    /// The other side, as rules are asked.
    pub(super) fn peer(&self) -> Option<Peer> {
        match &self.source {
            RuleSource::Group(id) => Some(Peer::group(id, &self.homes)),
            RuleSource::Cidr(cidr) => Some(Peer::block(*cidr)),
            RuleSource::PrefixList(_) | RuleSource::Unknown => None,
        }
    }

    /// What a rule for it would allow, for people.
    pub(super) fn words(&self) -> String {
        format!("allow {} {} from {} ({})", self.transport, self.ports, self.source, self.who)
    }
}
