//! EC2's types and the model's, both ways.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_sdk_ec2::types as sdk;
use ipnet::IpNet;

use crate::model::{
    AclEntry, GroupId, GroupRuleId, Host, IngressRule, InstanceId, Interface, IpProtocol, NetworkAcl, PortRange,
    RouteTable, RuleSource, SecurityGroup, Subnet, SubnetId, Tags, Vpc, VpcId,
};

pub(super) fn tags_from_sdk(tags: &[sdk::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

fn name_tag(tags: &[sdk::Tag]) -> Option<String> {
    tags.iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value()).map(str::to_owned)
}

/// A block as everything else compares it: the host's bits are cleared, as AWS does it.
fn cidr(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|cidr| cidr.trunc())
}

pub(super) fn vpc_from_sdk(vpc: &sdk::Vpc) -> Option<Vpc> {
    let first = vpc.cidr_block();
    let v4 = vpc.cidr_block_association_set().iter().filter(|association| {
        let state = association.cidr_block_state().and_then(|state| state.state());
        !matches!(state, Some(sdk::VpcCidrBlockStateCode::Disassociated | sdk::VpcCidrBlockStateCode::Failed))
    });
    let v6 = vpc.ipv6_cidr_block_association_set().iter().filter(|association| {
        let state = association.ipv6_cidr_block_state().and_then(|state| state.state());
        !matches!(state, Some(sdk::VpcCidrBlockStateCode::Disassociated | sdk::VpcCidrBlockStateCode::Failed))
    });
    let more = v4.filter_map(|association| association.cidr_block());
    let more_v6 = v6.filter_map(|association| association.ipv6_cidr_block());
    Some(Vpc {
        id: VpcId::from(vpc.vpc_id()?),
        name: name_tag(vpc.tags()),
        cidrs: first.into_iter().chain(more).chain(more_v6).filter_map(cidr).collect(),
        owner: vpc.owner_id().map(str::to_owned),
    })
}

pub(super) fn subnet_from_sdk(subnet: &sdk::Subnet) -> Option<Subnet> {
    let v6 = subnet.ipv6_cidr_block_association_set().iter().filter_map(|association| association.ipv6_cidr_block());
    Some(Subnet {
        id: SubnetId::from(subnet.subnet_id()?),
        name: name_tag(subnet.tags()),
        vpc: VpcId::from(subnet.vpc_id()?),
        cidrs: subnet.cidr_block().into_iter().chain(v6).filter_map(cidr).collect(),
        zone: subnet.availability_zone().map(str::to_owned),
    })
}

pub(super) fn group_from_sdk(group: &sdk::SecurityGroup) -> Option<SecurityGroup> {
    Some(SecurityGroup {
        id: GroupId::from(group.group_id()?),
        name: group.group_name().unwrap_or_default().to_owned(),
        name_tag: name_tag(group.tags()),
        vpc: VpcId::from(group.vpc_id().unwrap_or_default()),
    })
}

/// An ingress rule; `None` for an egress rule.
pub(super) fn ingress_from_sdk(rule: &sdk::SecurityGroupRule) -> Option<IngressRule> {
    if rule.is_egress() == Some(true) { None } else { group_rule_from_sdk(rule) }
}

/// An egress rule, whose source is the destination; `None` for an ingress rule.
pub(super) fn egress_from_sdk(rule: &sdk::SecurityGroupRule) -> Option<IngressRule> {
    if rule.is_egress() == Some(true) { group_rule_from_sdk(rule) } else { None }
}

fn group_rule_from_sdk(rule: &sdk::SecurityGroupRule) -> Option<IngressRule> {
    Some(IngressRule {
        id: GroupRuleId::from(rule.security_group_rule_id()?),
        group: GroupId::from(rule.group_id()?),
        protocol: IpProtocol::parse(rule.ip_protocol().unwrap_or("-1")),
        ports: ports_from_sdk(rule.from_port(), rule.to_port()),
        source: source_from_sdk(rule),
        description: rule.description().filter(|text| !text.is_empty()).map(str::to_owned),
        tags: tags_from_sdk(rule.tags()),
    })
}

/// `None` where the protocol has no ports: EC2 says -1, or nothing.
fn ports_from_sdk(from: Option<i32>, to: Option<i32>) -> Option<PortRange> {
    let from = u16::try_from(from?).ok()?;
    let to = u16::try_from(to?).ok()?;
    Some(PortRange { from, to })
}

fn source_from_sdk(rule: &sdk::SecurityGroupRule) -> RuleSource {
    let group = rule.referenced_group_info().and_then(|group| group.group_id());
    let block = rule.cidr_ipv4().or(rule.cidr_ipv6()).and_then(cidr);
    match (block, group, rule.prefix_list_id()) {
        (Some(block), _, _) => RuleSource::Cidr(block),
        (None, Some(id), _) => RuleSource::Group(GroupId::from(id)),
        (None, None, Some(id)) => RuleSource::PrefixList(id.to_owned()),
        (None, None, None) => RuleSource::Unknown,
    }
}

/// One rule as `AuthorizeSecurityGroupIngress` takes it; the description stands on the source.
pub(super) fn permission_to_sdk(
    protocol: &IpProtocol,
    ports: PortRange,
    source: &RuleSource,
    description: Option<&str>,
) -> sdk::IpPermission {
    let mut permission = sdk::IpPermission::builder().ip_protocol(protocol.as_str());
    if *protocol != IpProtocol::All {
        permission = permission.from_port(i32::from(ports.from)).to_port(i32::from(ports.to));
    }
    let described = description.map(str::to_owned);
    permission = match source {
        RuleSource::Cidr(IpNet::V4(cidr)) => permission
            .ip_ranges(sdk::IpRange::builder().cidr_ip(cidr.trunc().to_string()).set_description(described).build()),
        RuleSource::Cidr(IpNet::V6(cidr)) => permission.ipv6_ranges(
            sdk::Ipv6Range::builder().cidr_ipv6(cidr.trunc().to_string()).set_description(described).build(),
        ),
        RuleSource::Group(id) => permission.user_id_group_pairs(
            sdk::UserIdGroupPair::builder().group_id(id.as_str()).set_description(described).build(),
        ),
        RuleSource::PrefixList(id) => permission
            .prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id(id).set_description(described).build()),
        RuleSource::Unknown => permission,
    };
    permission.build()
}

pub(super) fn rule_tags_to_sdk(tags: &Tags) -> Option<sdk::TagSpecification> {
    let tags: Vec<sdk::Tag> =
        tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build()).collect();
    let specification = || {
        let kind = sdk::ResourceType::SecurityGroupRule;
        sdk::TagSpecification::builder().resource_type(kind).set_tags(Some(tags.clone())).build()
    };
    (!tags.is_empty()).then(specification)
}

/// An instance: its groups are those of its primary network interface, the one that registrations by instance id
/// lead to.
pub(super) fn host_from_sdk(instance: &sdk::Instance) -> Option<Host> {
    let primary = instance
        .network_interfaces()
        .iter()
        .find(|interface| interface.attachment().is_some_and(|attachment| attachment.device_index() == Some(0)));
    let groups = primary.map_or(instance.security_groups(), |interface| interface.groups());
    let mut addresses: BTreeSet<IpAddr> = instance.private_ip_address().into_iter().filter_map(parse).collect();
    for interface in instance.network_interfaces() {
        let v4 = interface.private_ip_addresses().iter().filter_map(|address| address.private_ip_address());
        let v6 = interface.ipv6_addresses().iter().filter_map(|address| address.ipv6_address());
        addresses.extend(interface.private_ip_address().into_iter().chain(v4).chain(v6).filter_map(parse));
    }
    let state = instance.state().and_then(|state| state.name());
    Some(Host {
        instance: InstanceId::from(instance.instance_id()?),
        terminated: state == Some(&sdk::InstanceStateName::Terminated),
        security_groups: groups.iter().filter_map(|group| group.group_id().map(GroupId::from)).collect(),
        addresses,
        subnet: primary.and_then(|interface| interface.subnet_id()).or(instance.subnet_id()).map(SubnetId::from),
    })
}

/// The prefixes that are delegated to an interface: each address inside belongs to it.
pub(super) fn prefixes_from_sdk(interface: &sdk::NetworkInterface) -> Vec<IpNet> {
    let v4 = interface.ipv4_prefixes().iter().filter_map(|prefix| prefix.ipv4_prefix());
    let v6 = interface.ipv6_prefixes().iter().filter_map(|prefix| prefix.ipv6_prefix());
    v4.chain(v6).filter_map(|prefix| prefix.parse().ok()).collect()
}

pub(super) fn interface_from_sdk(interface: &sdk::NetworkInterface) -> Option<Interface> {
    Some(Interface {
        id: interface.network_interface_id()?.to_owned(),
        subnet: SubnetId::from(interface.subnet_id()?),
        security_groups: interface.groups().iter().filter_map(|group| group.group_id().map(GroupId::from)).collect(),
        description: interface.description().unwrap_or_default().to_owned(),
    })
}

/// A network ACL; entries are about one family of addresses each.
pub(super) fn acl_from_sdk(acl: &sdk::NetworkAcl) -> Option<NetworkAcl> {
    let subnets = acl.associations().iter().filter_map(|association| association.subnet_id().map(SubnetId::from));
    Some(NetworkAcl {
        id: acl.network_acl_id()?.to_owned(),
        vpc: VpcId::from(acl.vpc_id()?),
        subnets: subnets.collect(),
        entries: acl.entries().iter().filter_map(acl_entry_from_sdk).collect(),
    })
}

fn acl_entry_from_sdk(entry: &sdk::NetworkAclEntry) -> Option<AclEntry> {
    let ports = entry.port_range().and_then(|range| ports_from_sdk(range.from(), range.to()));
    Some(AclEntry {
        number: entry.rule_number().and_then(|number| u32::try_from(number).ok())?,
        egress: entry.egress()?,
        allow: entry.rule_action() == Some(&sdk::RuleAction::Allow),
        protocol: IpProtocol::parse(entry.protocol().unwrap_or("-1")),
        cidr: entry.cidr_block().or(entry.ipv6_cidr_block()).and_then(cidr)?,
        ports,
    })
}

/// A route table, as far as it says whether the internet can reach its subnets.
pub(super) fn route_table_from_sdk(table: &sdk::RouteTable) -> Option<RouteTable> {
    let associations = table.associations();
    let to_internet = table.routes().iter().any(|route| {
        let is_default = route.destination_cidr_block() == Some("0.0.0.0/0");
        let leads_out = route.gateway_id().is_some_and(|id| id.starts_with("igw-"));
        is_default && leads_out && route.state() != Some(&sdk::RouteState::Blackhole)
    });
    Some(RouteTable {
        id: table.route_table_id()?.to_owned(),
        vpc: VpcId::from(table.vpc_id()?),
        main: associations.iter().any(|association| association.main() == Some(true)),
        subnets: associations.iter().filter_map(|association| association.subnet_id().map(SubnetId::from)).collect(),
        to_internet,
    })
}

/// Every address of a network interface.
pub(super) fn addresses_from_sdk(interface: &sdk::NetworkInterface) -> BTreeSet<IpAddr> {
    let v4 = interface.private_ip_addresses().iter().filter_map(|address| address.private_ip_address());
    let v6 = interface.ipv6_addresses().iter().filter_map(|address| address.ipv6_address());
    interface.private_ip_address().into_iter().chain(v4).chain(v6).filter_map(parse).collect()
}

fn parse(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}
