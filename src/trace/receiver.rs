//! What the security groups of a receiver, or others that are tried instead, allow.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::{
    AddressSet, Gap, GroupId, IngressRule, LoadBalancer, Passage, Peer, PortRange, RuleSource, Seen, SubnetId,
    Transport, passage,
};

use super::client::{self, Clients};
use super::end::End;
use super::way::Way;

/// A receiver with the rules of its interface's security groups, or of others that are tried instead.
pub(super) struct Receiver<'w, 'a> {
    pub(super) way: &'w Way<'a>,
    pub(super) balancer: &'w LoadBalancer,
    pub(super) end: &'w End,
    /// Requests come with the clients' addresses.
    pub(super) keeps: bool,
    pub(super) rules: Vec<&'w IngressRule>,
}

impl<'w, 'a> Receiver<'w, 'a> {
    pub(super) fn behind(
        way: &'w Way<'a>,
        balancer: &'w LoadBalancer,
        end: &'w End,
        keeps: bool,
        groups: &BTreeSet<GroupId>,
    ) -> Result<Self, Gap> {
        let rules = way.given.observed.rules(groups, false)?;
        Ok(Self { way, balancer, end, keeps, rules })
    }

    /// Whether requests are allowed, except those of AWS PrivateLink.
    pub(super) fn requests(&self, transport: Transport) -> Result<Passage, Gap> {
        if let Some(clients) = self.direct_clients(transport)? {
            let seen = self.seen(&clients);
            if !seen.is_empty() {
                let seen = client::narrowed(seen, self.acls_pass(transport));
                return Ok(self.passage_of_clients(transport, &clients, seen));
            }
        }
        Ok(self.passage_of_nodes(transport, self.end.port))
    }

    /// Whether the load balancer's nodes are allowed on a port.
    pub(super) fn passage_of_nodes(&self, transport: Transport, port: u16) -> Passage {
        let peer = Peer { groups: self.balancer.security_groups.clone(), blocks: self.way.homes(self.balancer) };
        let (ports, lists) = (PortRange::one(port), &self.way.given.observed.prefix_lists);
        let passed = passage(self.rules.iter().copied(), transport, ports, &peer, lists);
        match (passed, self.unread_homes(transport, port)) {
            (Passage::Closed, Some(gap)) => Passage::Unknown(gap),
            (passed, _) => passed,
        }
    }

    /// The failed read of the nodes' addresses, if a rule by address may allow them.
    fn unread_homes(&self, transport: Transport, port: u16) -> Option<Gap> {
        if let Some(gap) = self.way.given.observed.subnets.gap() {
            return Some(gap.clone());
        }
        let gap = self.way.given.observed.nodes.get(&self.balancer.arn).and_then(Seen::gap)?;
        let subnets = |home: &SubnetId| self.way.blocks_of(home);
        let homes: Vec<IpNet> = self.balancer.subnets.iter().flat_map(subnets).collect();
        let is_near = |rule: &&IngressRule| match &rule.source {
            RuleSource::Cidr(cidr) => homes.iter().any(|home| home.contains(cidr)),
            RuleSource::PrefixList(_) => true,
            RuleSource::Group(_) | RuleSource::Unknown => false,
        };
        self.opened(transport, port).any(|rule| is_near(&rule)).then(|| gap.clone())
    }

    /// Rules that allow any source on a port.
    pub(super) fn opened(&self, transport: Transport, port: u16) -> impl Iterator<Item = &'w IngressRule> {
        self.rules.iter().copied().filter(move |rule| rule.lets_in(transport, port))
    }

    pub(super) fn names_balancer(&self, rule: &IngressRule) -> bool {
        matches!(&rule.source, RuleSource::Group(id) if self.balancer.security_groups.contains(id))
    }

    /// Whether clients are allowed with their own addresses: the one that was asked about, or some of them. Rules that name a
    /// security group of the clients do not allow them (NLB user guide, target security groups).
    fn passage_of_clients(&self, transport: Transport, clients: &Clients, seen: AddressSet) -> Passage {
        let (mut admitted, mut by, mut gap) = (Vec::new(), None, clients.may_be_more.clone());
        for rule in self.opened(transport, self.end.port) {
            let blocks = rule.source.blocks(&self.way.given.observed.prefix_lists).unwrap_or_else(|why| {
                gap = Some(why);
                Vec::new()
            });
            if by.is_none() && !seen.and(&blocks).is_empty() {
                by = Some(rule);
            }
            admitted.extend(blocks);
        }
        let is_asked = self.way.asked.client.is_some();
        let by = by.filter(|_| !is_asked || seen.without(&admitted).is_empty());
        let names_every_address = || admitted.iter().any(|block| block.prefix_len() == 0);
        match (by, &clients.may_be_fewer, gap) {
            // The VPC's blocks were not read, so the rule's addresses may be inside the VPC, where no client is.
            (Some(_), Some(gap), _) if !names_every_address() => Passage::Unknown(gap.clone()),
            (Some(rule), _, _) => Passage::Open(format!("{} ({})", rule.id, rule.source)),
            (None, _, Some(gap)) => Passage::Unknown(gap),
            (None, _, None) => Passage::Closed,
        }
    }

    /// The clients that each network ACL on the path allows, with their responses.
    fn acls_pass(&self, transport: Transport) -> Vec<AddressSet> {
        let way = self.way;
        let port = way.route.as_ref().map_or(0, |route| route.listener);
        let all = |subnet: &SubnetId, port: u16| {
            let acl = way.given.observed.acl_of(subnet).present()?;
            let every = way.family().every_address();
            Some(acl.serves(&AddressSet::of([every]), transport, port))
        };
        let homes = self.balancer.subnets.iter().filter_map(|home| all(home, port));
        let homes = homes.reduce(|one, other| one.or(&other));
        let own = self.end.subnet.as_ref().filter(|subnet| !self.balancer.subnets.contains(*subnet));
        homes.into_iter().chain(own.and_then(|subnet| all(subnet, self.end.port))).collect()
    }

    /// The clients whose own addresses the target sees; `None` if it sees the load balancer's, or allows its group.
    pub(super) fn direct_clients(&self, transport: Transport) -> Result<Option<Clients>, Gap> {
        let by_its_group = self.opened(transport, self.end.port).any(|rule| self.names_balancer(rule));
        if !self.keeps || by_its_group {
            return Ok(None);
        }
        client::clients(self.way, self.balancer, transport).map(Some)
    }

    /// Of these clients, those of the target's address family.
    pub(super) fn seen(&self, clients: &Clients) -> AddressSet {
        clients.addresses.of_family(self.way.family())
    }
}
