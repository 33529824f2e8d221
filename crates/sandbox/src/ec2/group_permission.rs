//! Permissions: what makes a rule of a security group, as calls write it and as EC2 tells it.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

use super::security_group;
use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::{GroupRule, SecurityGroup, Source, State};

/// Protocol, ports and the one source or destination: the identity of a rule within a direction of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub protocol: String,
    pub from: i64,
    pub to: i64,
    pub source: Source,
}

/// A permission as a call writes it.
#[derive(Clone, Debug)]
pub struct Written {
    pub permission: Permission,
    pub description: Option<String>,
}

impl Permission {
    pub fn of(rule: &GroupRule) -> Self {
        Self { protocol: rule.protocol.clone(), from: rule.from, to: rule.to, source: rule.source.clone() }
    }

    /// How EC2 speaks of it where it exists already.
    pub fn name(&self) -> String {
        let peer = match &self.source {
            Source::Cidr4(cidr) => cidr.to_string(),
            Source::Cidr6(cidr) => cidr.to_string(),
            Source::PrefixList(id) | Source::Group { id, account: _ } => id.clone(),
        };
        let or_all = |number: i64| if number < 0 { "ALL".to_owned() } else { number.to_string() };
        match self.protocol.as_str() {
            "-1" => format!("peer: {peer}, ALL, ALLOW"),
            "icmp" | "icmpv6" => {
                let protocol = self.protocol.to_uppercase();
                format!("peer: {peer}, {protocol}, type: {}, code: {}, ALLOW", or_all(self.from), or_all(self.to))
            }
            "tcp" | "udp" => {
                let protocol = self.protocol.to_uppercase();
                format!("peer: {peer}, {protocol}, from port: {}, to port: {}, ALLOW", self.from, self.to)
            }
            number => format!("peer: {peer}, PROTOCOL {number}, ALLOW"),
        }
    }
}

/// The permissions of a call about a group: a list of them, or one in the call's own parameters. Nothing is said yet
/// about whether their sources exist.
pub fn read(state: &State, group: &SecurityGroup, input: Input) -> Result<Vec<Written>, Refusal> {
    let mut written: Vec<Written> = Vec::new();
    for permission in input.list("IpPermissions") {
        written.extend(read_one(state, group, permission)?);
    }
    if written.is_empty() {
        let alone = ["IpProtocol", "CidrIp", "SourceSecurityGroupName"].iter().any(|name| input.has(name));
        if !alone {
            return Err(Refusal::missing("ipPermissions"));
        }
        written = read_alone(state, group, input)?;
    }
    let is_twice = |(index, one): (usize, &Written)| {
        written.iter().take(index).any(|earlier| earlier.permission == one.permission)
    };
    if written.iter().enumerate().any(is_twice) {
        return Err(Refusal::parameter("The same permission must not appear multiple times"));
    }
    Ok(written)
}

/// A protocol by the name that EC2 has for it.
pub fn protocol(text: &str) -> Result<String, Refusal> {
    let name = match text.to_ascii_lowercase().as_str() {
        "tcp" | "6" => "tcp".to_owned(),
        "udp" | "17" => "udp".to_owned(),
        "icmp" | "1" => "icmp".to_owned(),
        "icmpv6" | "58" => "icmpv6".to_owned(),
        other => {
            let number = other.parse::<i64>().ok().filter(|number| (-1..=255).contains(number));
            let message = || format!("Invalid value '{text}' for IP protocol. Unknown protocol.");
            number.ok_or_else(|| Refusal::parameter(message()))?.to_string()
        }
    };
    Ok(name)
}

/// The ports of a protocol, or type and code. Protocols that have neither lose what was written.
pub fn ports(protocol: &str, from: Option<i64>, to: Option<i64>) -> Result<(i64, i64), Refusal> {
    let both = |of: &str| {
        let message = format!("Invalid value 'Must specify both from and to ports with {of}.' for portRange.");
        from.zip(to).ok_or_else(|| Refusal::parameter(message))
    };
    match protocol {
        "tcp" | "udp" => {
            let (from, to) = both("TCP/UDP")?;
            if from < 0 || to > 65535 || from > to {
                return Err(Refusal::parameter(format!("Invalid TCP/UDP port range ({from}:{to})")));
            }
            Ok((from, to))
        }
        "icmp" | "icmpv6" => {
            let (kind, code) = if protocol == "icmp" { both("ICMP")? } else { (from.unwrap_or(-1), to.unwrap_or(-1)) };
            let in_range = [kind, code].iter().all(|number| (-1..=255).contains(number));
            if !in_range || (kind == -1 && code != -1) {
                return Err(Refusal::parameter(format!("ICMP type ({kind}) and code ({code}) do not go together")));
            }
            Ok((kind, code))
        }
        _ => Ok((-1, -1)),
    }
}

pub fn cidr4(text: &str) -> Result<Source, Refusal> {
    text.parse::<Ipv4Net>().map(|cidr| Source::Cidr4(cidr.trunc())).map_err(|_| malformed(text))
}

pub fn cidr6(text: &str) -> Result<Source, Refusal> {
    text.parse::<Ipv6Net>().map(|cidr| Source::Cidr6(cidr.trunc())).map_err(|_| malformed(text))
}

/// A description of a rule; an empty one is none.
pub fn description(input: Input) -> Result<Option<String>, Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    match input.text("Description") {
        None | Some("") => Ok(None),
        Some(text) if text.len() <= 255 && text.chars().all(allowed) => Ok(Some(text.to_owned())),
        Some(_) => Err(Refusal::parameter(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following \
             set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )),
    }
}

/// Rules as `DescribeSecurityGroups` tells them: one entry for all sources of the same protocol and ports.
pub fn show<'a>(rules: impl Iterator<Item = (Permission, Option<&'a String>)>) -> Value {
    let mut grouped: BTreeMap<(String, i64, i64), [Vec<Value>; 4]> = BTreeMap::new();
    for (permission, description) in rules {
        let [groups, ranges, ranges6, lists] =
            grouped.entry((permission.protocol, permission.from, permission.to)).or_default();
        match permission.source {
            Source::Group { id, account } => {
                groups.push(json!({"groupId": id, "userId": account, "description": description}));
            }
            Source::Cidr4(cidr) => ranges.push(json!({"cidrIp": cidr.to_string(), "description": description})),
            Source::Cidr6(cidr) => ranges6.push(json!({"cidrIpv6": cidr.to_string(), "description": description})),
            Source::PrefixList(id) => lists.push(json!({"prefixListId": id, "description": description})),
        }
    }
    let entry = |((protocol, from, to), [groups, ranges, ranges6, lists]): ((String, i64, i64), [Vec<Value>; 4])| {
        let has_ports = matches!(protocol.as_str(), "tcp" | "udp" | "icmp" | "icmpv6");
        json!({
            "ipProtocol": protocol,
            "fromPort": has_ports.then_some(from),
            "toPort": has_ports.then_some(to),
            "groups": groups,
            "ipRanges": ranges,
            "ipv6Ranges": ranges6,
            "prefixListIds": lists,
        })
    };
    grouped.into_iter().map(entry).collect()
}

/// One entry of the list: protocol and ports once, any number of sources.
fn read_one(state: &State, group: &SecurityGroup, input: Input) -> Result<Vec<Written>, Refusal> {
    let mut sources = Vec::new();
    for range in input.list("IpRanges") {
        sources.push((cidr4(range.need("CidrIp", Refusal::missing)?)?, range));
    }
    for range in input.list("Ipv6Ranges") {
        sources.push((cidr6(range.need("CidrIpv6", Refusal::missing)?)?, range));
    }
    for list in input.list("PrefixListIds") {
        sources.push((Source::PrefixList(list.need("PrefixListId", Refusal::missing)?.to_owned()), list));
    }
    for pair in input.list("Groups") {
        let account = pair.text("UserId").unwrap_or(&state.account).to_owned();
        let id = match (pair.text("GroupId"), pair.text("GroupName")) {
            (Some(id), _) => id.to_owned(),
            (None, Some(name)) => security_group::by_name(state, &group.vpc, name)?.id.clone(),
            (None, None) => return Err(Refusal::missing("groupId")),
        };
        sources.push((Source::Group { id, account }, pair));
    }
    let (protocol, from, to) = head(input)?;
    if sources.is_empty() {
        return Err(no_source());
    }
    let written = |(source, of): (Source, Input)| {
        let permission = Permission { protocol: protocol.clone(), from, to, source };
        Ok(Written { permission, description: description(of)? })
    };
    sources.into_iter().map(written).collect()
}

/// The form of old: one source in the parameters of the call itself. With a group it means all traffic.
fn read_alone(state: &State, group: &SecurityGroup, input: Input) -> Result<Vec<Written>, Refusal> {
    let (head, source) = match (input.text("CidrIp"), input.text("SourceSecurityGroupName")) {
        (Some(cidr), None) => (head(input)?, cidr4(cidr)?),
        (None, Some(name)) => {
            let id = security_group::by_name(state, &group.vpc, name)?.id.clone();
            (("-1".to_owned(), -1, -1), Source::Group { id, account: state.account.clone() })
        }
        _ => return Err(no_source()),
    };
    let (protocol, from, to) = head;
    Ok(vec![Written { permission: Permission { protocol, from, to, source }, description: None }])
}

fn head(input: Input) -> Result<(String, i64, i64), Refusal> {
    let protocol = protocol(input.need("IpProtocol", |_| Refusal::missing("ipProtocol"))?)?;
    let (from, to) = ports(&protocol, input.int("FromPort"), input.int("ToPort"))?;
    Ok((protocol, from, to))
}

fn malformed(text: &str) -> Refusal {
    Refusal::parameter(format!("CIDR block {text} is malformed"))
}

fn no_source() -> Refusal {
    let message = "Missing source specification: include source security group or CIDR information";
    Refusal::new("MissingParameter", message)
}
