//! Changing standing rules of security groups: whole rules by id, or descriptions alone.

use std::mem::discriminant;

use serde_json::json;

use super::group_permission::{self, Permission, Written};
use super::{group_rule, security_group};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{GroupRule, SecurityGroup, Source, State};

/// Replaces rules by their ids, all of them or none.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let group = security_group::find(state, input.need("GroupId", Refusal::missing)?)?;
    let mut changed: Vec<GroupRule> = Vec::new();
    for update in input.list("SecurityGroupRule") {
        let rule = modified(state, group, update)?;
        if changed.iter().any(|other| other.id == rule.id) {
            return Err(Refusal::parameter(format!("The rule {} appears more than once in the request", rule.id)));
        }
        changed.push(rule);
    }
    if changed.is_empty() {
        return Err(Refusal::missing("SecurityGroupRule"));
    }
    check_together(state, group, &changed)?;
    for rule in changed {
        state.group_rules.insert(rule.id.clone(), rule);
    }
    Ok(json!({"return": true}))
}

pub fn describe_ingress(state: &mut State, input: Input) -> Answer {
    update_descriptions(state, input, false)
}

pub fn describe_egress(state: &mut State, input: Input) -> Answer {
    update_descriptions(state, input, true)
}

/// Gives rules new descriptions, found by id or by what they are; none takes the old one away.
fn update_descriptions(state: &mut State, input: Input, is_egress: bool) -> Answer {
    let group = security_group::named(state, input)?;
    let by_permission = input.has("IpPermissions");
    if by_permission && input.has("SecurityGroupRuleDescription") {
        let message = "The parameter securityGroupRuleDescriptions cannot be used with the parameter ipPermissions";
        return Err(Refusal::new("InvalidParameterCombination", message));
    }
    let mut updates: Vec<(String, Option<String>)> = Vec::new();
    for update in input.list("SecurityGroupRuleDescription") {
        let id = update.need("SecurityGroupRuleId", Refusal::missing)?;
        let rule = group_rule::by_id(state, &group.id, is_egress, id)?;
        updates.push((rule.id.clone(), group_permission::description(update)?));
    }
    let written = if by_permission { group_permission::read(state, group, input)? } else { Vec::new() };
    for Written { permission, description } in written {
        let rule = group_rule::of(state, &group.id, is_egress).find(|rule| Permission::of(rule) == permission);
        updates.push((rule.ok_or_else(group_rule::no_such_permission)?.id.clone(), description));
    }
    if updates.is_empty() {
        return Err(Refusal::missing("ipPermissions"));
    }
    for (id, description) in updates {
        if let Some(rule) = state.group_rules.get_mut(&id) {
            rule.description = description;
        }
    }
    Ok(json!({"return": true}))
}

/// A rule as an update wants it.
fn modified(state: &State, group: &SecurityGroup, update: Input) -> Result<GroupRule, Refusal> {
    let id = update.need("SecurityGroupRuleId", Refusal::missing)?;
    let standing = state.group_rules.get(id).filter(|rule| rule.group == group.id);
    let standing = standing.ok_or_else(|| group_rule::absent(id))?;
    let wanted = update.get("SecurityGroupRule").ok_or_else(|| Refusal::missing("SecurityGroupRule"))?;
    let no_protocol = |_: &str| {
        let message = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.";
        Refusal::parameter(message)
    };
    let protocol = group_permission::protocol(wanted.need("IpProtocol", no_protocol)?)?;
    if matches!(protocol.as_str(), "tcp" | "udp") && !(wanted.has("FromPort") && wanted.has("ToPort")) {
        let message = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.";
        return Err(Refusal::parameter(message));
    }
    let (from, to) = group_permission::ports(&protocol, wanted.int("FromPort"), wanted.int("ToPort"))?;
    let source = source(state, wanted)?;
    if discriminant(&source) != discriminant(&standing.source) {
        let (new, old) = (kind(&source), kind(&standing.source));
        return Err(Refusal::parameter(format!(
            "You may not specify {} {new} for an existing {old} rule.",
            article(new)
        )));
    }
    group_rule::check_source(state, group, &source)?;
    let description = group_permission::description(wanted)?;
    Ok(GroupRule { protocol, from, to, source, description, ..standing.clone() })
}

fn source(state: &State, wanted: Input) -> Result<Source, Refusal> {
    let group = |id: &str| Source::Group { id: id.to_owned(), account: state.account.clone() };
    let mut given = Vec::new();
    given.extend(wanted.text("CidrIpv4").map(group_permission::cidr4).transpose()?);
    given.extend(wanted.text("CidrIpv6").map(group_permission::cidr6).transpose()?);
    given.extend(wanted.text("PrefixListId").map(|id| Source::PrefixList(id.to_owned())));
    given.extend(wanted.text("ReferencedGroupId").map(group));
    let members = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId";
    let (code, message) = match given.is_empty() {
        true => ("MissingParameter", format!("The request must contain exactly one of: {members}")),
        false => ("InvalidParameterCombination", format!("Only one of {members} can be specified")),
    };
    given.pop().filter(|_| given.is_empty()).ok_or_else(|| Refusal::new(code, message))
}

/// How EC2 calls a kind of source.
fn kind(source: &Source) -> &'static str {
    match source {
        Source::Cidr4(_) => "IPv4 CIDR",
        Source::Cidr6(_) => "IPv6 CIDR",
        Source::PrefixList(_) => "prefix list",
        Source::Group { id: _, account: _ } => "referenced group id",
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with('I') { "an" } else { "a" }
}

/// Whether no two rules of the group are the same after the change, and not too many.
fn check_together(state: &State, group: &SecurityGroup, changed: &[GroupRule]) -> Result<(), Refusal> {
    for is_egress in [false, true] {
        let stays = |rule: &&GroupRule| changed.iter().all(|other| other.id != rule.id);
        let stays = group_rule::of(state, &group.id, is_egress).filter(stays);
        let after: Vec<&GroupRule> = stays.chain(changed.iter().filter(|rule| rule.is_egress == is_egress)).collect();
        for (index, rule) in after.iter().enumerate() {
            if after.iter().take(index).any(|other| other.is_same(rule)) {
                return Err(group_rule::duplicate(&Permission::of(rule)));
            }
        }
        group_rule::check_count(state, after.iter().map(|rule| &rule.source))?;
    }
    Ok(())
}
