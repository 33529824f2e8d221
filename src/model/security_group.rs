//! Security groups and their rules. [`super::group_rules`] answers what they allow.

use std::fmt;

use ipnet::IpNet;

use super::id::{GroupId, GroupRuleId, PortRange, Transport, VpcId};
use super::network::Names;
use super::owner::Tags;

/// A security group without its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `sg-…`
    pub id: GroupId,
    /// The group's name.
    pub name: String,
    /// The `Name` tag.
    pub name_tag: Option<String>,
    /// The VPC it is in.
    pub vpc: VpcId,
}

impl SecurityGroup {
    /// What it may be called.
    pub fn names(&self) -> Names<'_> {
        Names { id: self.id.as_str(), name: Some(&self.name), name_tag: self.name_tag.as_deref() }
    }
}

/// The protocol of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpProtocol {
    /// `-1`: every protocol and port.
    All,
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// Any other, as EC2 writes it.
    Other(String),
}

impl IpProtocol {
    /// As EC2 writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::All => "-1",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Other(text) => text,
        }
    }

    /// The ports of `transport` that a rule or an ACL's entry of this protocol is about, if any; `ports` are those that it
    /// names.
    ///
    /// With `-1`, and with any protocol other than tcp, udp, icmp and icmpv6, EC2 means every port whatever ports are
    /// named (EC2 `IpPermission`); the latter say nothing about tcp or udp.
    pub(super) fn covers(&self, ports: Option<PortRange>, transport: Transport) -> Option<PortRange> {
        const EVERY: PortRange = PortRange { from: 0, to: u16::MAX };
        match self {
            Self::All => Some(EVERY),
            Self::Tcp if transport == Transport::Tcp => Some(ports.unwrap_or(EVERY)),
            Self::Udp if transport == Transport::Udp => Some(ports.unwrap_or(EVERY)),
            Self::Tcp | Self::Udp | Self::Other(_) => None,
        }
    }

    /// Reads EC2's spelling: names in any case, or numbers.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Self::All,
            "tcp" | "6" => Self::Tcp,
            "udp" | "17" => Self::Udp,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl From<Transport> for IpProtocol {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => Self::Tcp,
            Transport::Udp => Self::Udp,
        }
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one source of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleSource {
    /// Addresses, masked.
    Cidr(IpNet),
    /// Everything that carries that group.
    Group(GroupId),
    /// A prefix list.
    PrefixList(String),
    /// Something this version does not know.
    Unknown,
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => write!(f, "{cidr}"),
            Self::Group(id) => write!(f, "{id}"),
            Self::PrefixList(id) => write!(f, "{id}"),
            Self::Unknown => f.write_str("an unknown source"),
        }
    }
}

/// One ingress rule (`DescribeSecurityGroupRules` returns them one source at a time).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    /// `sgr-…`
    pub id: GroupRuleId,
    /// The group it belongs to.
    pub group: GroupId,
    /// The protocol.
    pub protocol: IpProtocol,
    /// The ports; `None` where the protocol has none (all ports).
    pub ports: Option<PortRange>,
    /// Who may come in.
    pub source: RuleSource,
    /// The description; not part of a rule's identity.
    pub description: Option<String>,
    /// Its tags: the mark, if it is ours.
    pub tags: Tags,
}

impl IngressRule {
    /// Whether the rule opens a port to anybody at all.
    pub fn lets_in(&self, transport: Transport, port: u16) -> bool {
        self.opens(transport).is_some_and(|range| (range.from..=range.to).contains(&port))
    }

    /// Whether the rule opens any port of a protocol.
    pub fn opens_any(&self, transport: Transport) -> bool {
        self.opens(transport).is_some()
    }

    /// Whether the rule opens one of these ports.
    pub fn opens_some(&self, transport: Transport, ports: PortRange) -> bool {
        self.opens(transport).is_some_and(|opened| opened.from <= ports.to && ports.from <= opened.to)
    }

    /// The ports that the rule opens for `transport`, if any.
    pub(super) fn opens(&self, transport: Transport) -> Option<PortRange> {
        self.protocol.covers(self.ports, transport)
    }
}
