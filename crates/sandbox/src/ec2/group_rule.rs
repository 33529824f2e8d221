//! Rules of security groups: authorising, revoking, telling. What changes standing rules is in [`super::rule_change`].

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::Filters;
use super::group_permission::{self, Permission, Written};
use super::listing::{self, Listing};
use super::{prefix_list, route_table, security_group, tag};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{GroupRule, SecurityGroup, Source, State, Tags};

const LISTING: Listing<GroupRule> = Listing {
    set: "securityGroupRuleSet",
    ids: "SecurityGroupRuleId",
    things: |state| &state.group_rules,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId"), ("tag-key", "tagSet.key")],
    not_held: &[],
};
/// Most rules of a direction, for IPv4 and for IPv6.
const PER_DIRECTION: i64 = 60;

pub fn describe(state: &State, input: Input) -> Answer {
    let groups = input.list("Filter").filter(|filter| filter.text("Name") == Some("group-id"));
    for id in groups.flat_map(|filter| filter.texts("Value")) {
        if security_group::check_id(id).is_err() && !id.contains(['*', '?']) {
            let message = format!("The security group ID '{id}' is malformed");
            return Err(Refusal::new("InvalidGroupId.Malformed", message));
        }
    }
    LISTING.answer(state, input)
}

pub fn authorize_ingress(state: &mut State, input: Input) -> Answer {
    authorize(state, input, false)
}

pub fn authorize_egress(state: &mut State, input: Input) -> Answer {
    authorize(state, input, true)
}

pub fn revoke_ingress(state: &mut State, input: Input) -> Answer {
    revoke(state, input, false)
}

pub fn revoke_egress(state: &mut State, input: Input) -> Answer {
    revoke(state, input, true)
}

/// The rules of a direction of a group.
pub fn of<'a>(state: &'a State, group: &str, is_egress: bool) -> impl Iterator<Item = &'a GroupRule> {
    state.group_rules.values().filter(move |rule| rule.is_egress == is_egress && rule.group == group)
}

/// The rule that a new group begins with.
pub fn let_everything_out(state: &mut State, group: &str) {
    add_all_traffic(state, group, true, Source::Cidr4(Ipv4Net::default()));
}

/// The rule that a default group begins with.
pub fn let_itself_in(state: &mut State, group: &str) {
    let account = state.account.clone();
    add_all_traffic(state, group, false, Source::Group { id: group.to_owned(), account });
}

/// Whether the source of a permission exists and can be one of the group's.
pub fn check_source(state: &State, group: &SecurityGroup, source: &Source) -> Result<(), Refusal> {
    match source {
        Source::Cidr4(_) | Source::Cidr6(_) => Ok(()),
        Source::PrefixList(id) => prefix_list::find(state, id).map(drop),
        Source::Group { id, account } => {
            let is_peered = route_table::is_peered(state, &group.vpc);
            // Groups of another account can only stand behind a peering, and this world does not know them.
            if *account != state.account && is_peered {
                return security_group::check_id(id);
            }
            let other = security_group::find(state, id)?;
            if other.vpc != group.vpc && !is_peered {
                let message = "You have specified two resources that belong to different networks.";
                return Err(Refusal::new("InvalidGroup.NotFound", message));
            }
            Ok(())
        }
    }
}

/// Whether the rules of one direction keep within the quota. A prefix list counts with what it may hold at most, a
/// group once in both families.
pub fn check_count<'a>(state: &State, sources: impl Iterator<Item = &'a Source>) -> Result<(), Refusal> {
    let (mut in_ipv4, mut in_ipv6) = (0, 0);
    for source in sources {
        match source {
            Source::Cidr4(_) => in_ipv4 += 1,
            Source::Cidr6(_) => in_ipv6 += 1,
            Source::PrefixList(id) => in_ipv4 += prefix_list::find(state, id).map_or(1, |list| list.max_entries),
            Source::Group { id: _, account: _ } => {
                in_ipv4 += 1;
                in_ipv6 += 1;
            }
        }
    }
    if in_ipv4.max(in_ipv6) <= PER_DIRECTION {
        return Ok(());
    }
    let message = "The maximum number of rules per security group has been reached.";
    Err(Refusal::new("RulesPerSecurityGroupLimitExceeded", message))
}

/// That a rule exists already.
pub fn duplicate(permission: &Permission) -> Refusal {
    let message = format!("the specified rule \"{}\" already exists", permission.name());
    Refusal::new("InvalidPermission.Duplicate", message)
}

/// That a group has no such rule.
pub fn no_such_permission() -> Refusal {
    Refusal::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

/// A rule of a direction of a group, by its id.
pub fn by_id<'a>(state: &'a State, group: &str, is_egress: bool, id: &str) -> Result<&'a GroupRule, Refusal> {
    let is_meant = |rule: &&GroupRule| rule.group == group && rule.is_egress == is_egress;
    state.group_rules.get(id).filter(is_meant).ok_or_else(|| absent(id))
}

/// That a rule does not exist.
pub fn absent(id: &str) -> Refusal {
    let message = format!("The security group rule ID '{id}' does not exist");
    Refusal::new("InvalidSecurityGroupRuleId.NotFound", message)
}

fn authorize(state: &mut State, input: Input, is_egress: bool) -> Answer {
    let group = security_group::named(state, input)?;
    let id = group.id.clone();
    let written = group_permission::read(state, group, input)?;
    written.iter().try_for_each(|one| check_source(state, group, &one.permission.source))?;
    let tags = tag::on_creation(input, "security-group-rule")?;
    for one in &written {
        if of(state, &id, is_egress).any(|rule| Permission::of(rule) == one.permission) {
            return Err(duplicate(&one.permission));
        }
    }
    let standing = of(state, &id, is_egress).map(|rule| &rule.source);
    check_count(state, standing.chain(written.iter().map(|one| &one.permission.source)))?;
    let mut shown = Vec::new();
    for one in written {
        let rule = make(state, &id, is_egress, one, tags.clone());
        shown.push(show(state, &rule));
        state.group_rules.insert(rule.id.clone(), rule);
    }
    Ok(json!({"return": true, "securityGroupRuleSet": shown}))
}

fn revoke(state: &mut State, input: Input, is_egress: bool) -> Answer {
    let group = security_group::named(state, input)?;
    let ids = input.texts("SecurityGroupRuleId");
    let (revoked, unknown) = if ids.is_empty() {
        revoked_by_permission(state, group, is_egress, input)?
    } else if input.has("IpPermissions") {
        let message = "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions";
        return Err(Refusal::new("InvalidParameterCombination", message));
    } else {
        let find = |id: &str| by_id(state, &group.id, is_egress, id).map(|rule| rule.id.clone());
        (ids.into_iter().map(find).collect::<Result<Vec<_>, _>>()?, Vec::new())
    };
    let gone: Vec<_> =
        revoked.iter().filter_map(|id| state.group_rules.remove(id)).map(|rule| show_revoked(&rule)).collect();
    let unknown = group_permission::show(unknown.into_iter().map(|permission| (permission, None)));
    Ok(json!({"return": true, "revokedSecurityGroupRuleSet": gone, "unknownIpPermissionSet": unknown}))
}

/// The rules that a call names by what they are, and what it names in vain: all or nothing, except that a default VPC
/// lets in vain be in vain.
fn revoked_by_permission(
    state: &State,
    group: &SecurityGroup,
    is_egress: bool,
    input: Input,
) -> Result<(Vec<String>, Vec<Permission>), Refusal> {
    let (mut revoked, mut unknown) = (Vec::new(), Vec::new());
    for one in group_permission::read(state, group, input)? {
        match of(state, &group.id, is_egress).find(|rule| Permission::of(rule) == one.permission) {
            Some(rule) => revoked.push(rule.id.clone()),
            None => unknown.push(one.permission),
        }
    }
    let is_lenient = state.vpcs.get(&group.vpc).is_some_and(|vpc| vpc.is_default);
    if unknown.is_empty() || is_lenient { Ok((revoked, unknown)) } else { Err(no_such_permission()) }
}

fn add_all_traffic(state: &mut State, group: &str, is_egress: bool, source: Source) {
    let permission = Permission { protocol: "-1".to_owned(), from: -1, to: -1, source };
    let rule = make(state, group, is_egress, Written { permission, description: None }, Tags::new());
    state.group_rules.insert(rule.id.clone(), rule);
}

fn make(state: &mut State, group: &str, is_egress: bool, written: Written, tags: Tags) -> GroupRule {
    let Written { permission: Permission { protocol, from, to, source }, description } = written;
    let id = state.ids.ec2("sgr");
    GroupRule { id, group: group.to_owned(), is_egress, protocol, from, to, source, description, tags }
}

fn show(state: &State, rule: &GroupRule) -> Value {
    let referenced = match &rule.source {
        Source::Group { id, account } => {
            let own = state.groups.get(&rule.group).map(|group| &group.vpc);
            let other = state.groups.get(id).map(|group| &group.vpc).filter(|vpc| Some(*vpc) != own);
            Some(json!({"groupId": id, "userId": account, "vpcId": other}))
        }
        _ => None,
    };
    let mut shown = show_plain(rule);
    if let Value::Object(members) = &mut shown {
        members.insert("groupOwnerId".to_owned(), json!(state.account));
        members.insert("referencedGroupInfo".to_owned(), json!(referenced));
        let arn = state.arn("ec2", &format!("security-group-rule/{}", rule.id));
        members.insert("securityGroupRuleArn".to_owned(), json!(arn));
        members.insert("tagSet".to_owned(), tag::show(&rule.tags));
    }
    shown
}

fn show_revoked(rule: &GroupRule) -> Value {
    let mut shown = show_plain(rule);
    if let (Value::Object(members), Source::Group { id, account: _ }) = (&mut shown, &rule.source) {
        members.insert("referencedGroupId".to_owned(), json!(id));
    }
    shown
}

/// What is answered of existing and of revoked rules alike; the source only where it is not a group.
fn show_plain(rule: &GroupRule) -> Value {
    let (cidr4, cidr6, list) = match &rule.source {
        Source::Cidr4(cidr) => (Some(cidr.to_string()), None, None),
        Source::Cidr6(cidr) => (None, Some(cidr.to_string()), None),
        Source::PrefixList(id) => (None, None, Some(id)),
        Source::Group { id: _, account: _ } => (None, None, None),
    };
    json!({
        "securityGroupRuleId": rule.id,
        "groupId": rule.group,
        "isEgress": rule.is_egress,
        "ipProtocol": rule.protocol,
        "fromPort": rule.from,
        "toPort": rule.to,
        "cidrIpv4": cidr4,
        "cidrIpv6": cidr6,
        "prefixListId": list,
        "description": rule.description,
    })
}
