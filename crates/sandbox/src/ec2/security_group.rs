//! Security groups.

use serde_json::{Value, json};

use super::filter::Filters;
use super::group_permission::{self, Permission};
use super::listing::{self, Listing};
use super::{group_rule, tag, vpc};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::state::{SecurityGroup, Source, State};

const LISTING: Listing<SecurityGroup> = Listing {
    set: "securityGroupInfo",
    ids: "GroupId",
    things: |state| &state.groups,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("description", "groupDescription"),
        ("egress.ip-permission.cidr", "ipPermissionsEgress.ipRanges.cidrIp"),
        ("egress.ip-permission.from-port", "ipPermissionsEgress.fromPort"),
        ("egress.ip-permission.group-id", "ipPermissionsEgress.groups.groupId"),
        ("egress.ip-permission.ipv6-cidr", "ipPermissionsEgress.ipv6Ranges.cidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "ipPermissionsEgress.prefixListIds.prefixListId"),
        ("egress.ip-permission.protocol", "ipPermissionsEgress.ipProtocol"),
        ("egress.ip-permission.to-port", "ipPermissionsEgress.toPort"),
        ("egress.ip-permission.user-id", "ipPermissionsEgress.groups.userId"),
        ("group-id", "groupId"),
        ("group-name", "groupName"),
        ("ip-permission.cidr", "ipPermissions.ipRanges.cidrIp"),
        ("ip-permission.from-port", "ipPermissions.fromPort"),
        ("ip-permission.group-id", "ipPermissions.groups.groupId"),
        ("ip-permission.ipv6-cidr", "ipPermissions.ipv6Ranges.cidrIpv6"),
        ("ip-permission.prefix-list-id", "ipPermissions.prefixListIds.prefixListId"),
        ("ip-permission.protocol", "ipPermissions.ipProtocol"),
        ("ip-permission.to-port", "ipPermissions.toPort"),
        ("ip-permission.user-id", "ipPermissions.groups.userId"),
        ("owner-id", "ownerId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &["egress.ip-permission.group-name", "ip-permission.group-name"],
};
/// The name of the group that comes with a VPC.
const DEFAULT: &str = "default";
/// Most groups of an interface.
const PER_INTERFACE: usize = 5;

pub fn create(state: &mut State, input: Input) -> Answer {
    let name = input.need("GroupName", |_| Refusal::missing("groupName"))?;
    let description = input.need("GroupDescription", |_| Refusal::missing("groupDescription"))?;
    let vpc = match input.text("VpcId") {
        Some(id) => vpc::find(state, id)?,
        None => vpc::default(state)?,
    };
    let vpc = vpc.id.clone();
    check_name(name)?;
    check_text("GroupDescription", description)?;
    if state.groups.values().any(|group| group.vpc == vpc && group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = tag::on_creation(input, "security-group")?;
    let shown = tag::show(&tags);
    let id = state.ids.ec2("sg");
    let (name, description) = (name.to_owned(), description.to_owned());
    state.groups.insert(id.clone(), SecurityGroup { id: id.clone(), name, description, vpc, tags });
    group_rule::let_everything_out(state, &id);
    Ok(json!({"groupId": id, "securityGroupArn": arn(state, &id), "tagSet": shown, "return": true}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    let mut ids = input.texts("GroupId");
    ids.iter().try_for_each(|id| check_id(id))?;
    for name in input.texts("GroupName") {
        ids.push(&by_name(state, &vpc::default(state)?.id, name)?.id);
    }
    let shown = LISTING.select(state, input, ids)?;
    Ok(object! {LISTING.set => shown.items, "nextToken" => shown.next})
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let group = named(state, input)?;
    let (id, name) = (group.id.clone(), group.name.clone());
    if name == DEFAULT {
        let message = format!("the specified group: \"{id}\" name: \"{name}\" cannot be deleted by a user");
        return Err(Refusal::new("CannotDelete", message));
    }
    let names = |source: &Source| matches!(source, Source::Group { id: other, account: _ } if *other == id);
    let is_worn = state.interfaces.values().any(|interface| interface.groups.contains(&id));
    let is_named = state.group_rules.values().any(|rule| rule.group != id && names(&rule.source));
    if is_worn || is_named {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    state.group_rules.retain(|_, rule| rule.group != id);
    state.groups.remove(&id);
    Ok(json!({"return": true, "groupId": id}))
}

/// The group that comes with a VPC: its members may talk to each other and to everybody else.
pub fn make_default(state: &mut State, vpc: &str) -> String {
    let id = state.ids.ec2("sg");
    let group = SecurityGroup {
        id: id.clone(),
        name: DEFAULT.to_owned(),
        description: "default VPC security group".to_owned(),
        vpc: vpc.to_owned(),
        tags: Default::default(),
    };
    state.groups.insert(id.clone(), group);
    group_rule::let_itself_in(state, &id);
    group_rule::let_everything_out(state, &id);
    id
}

/// A group that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a SecurityGroup, Refusal> {
    check_id(id)?;
    state.groups.get(id).ok_or_else(|| absent(id))
}

/// The group that a call about one group names; by its name only in the default VPC.
pub fn named<'a>(state: &'a State, input: Input) -> Result<&'a SecurityGroup, Refusal> {
    match (input.text("GroupId"), input.text("GroupName")) {
        (Some(id), None) => find(state, id),
        (None, Some(name)) => by_name(state, &vpc::default(state)?.id, name),
        (None, None) => Err(Refusal::missing("groupName or groupId")),
        (Some(_), Some(_)) => {
            let message = "The parameter groupName cannot be used with the parameter groupId";
            Err(Refusal::new("InvalidParameterCombination", message))
        }
    }
}

/// The group of a name in the default VPC, which must be the VPC in question: elsewhere names are not taken.
pub fn by_name<'a>(state: &'a State, vpc: &str, name: &str) -> Result<&'a SecurityGroup, Refusal> {
    if !state.vpcs.get(vpc).is_some_and(|vpc| vpc.is_default) {
        let message = format!(
            "Invalid value '{name}' for groupName. You may not reference Amazon VPC security groups by name. Please \
             use the corresponding id for this operation."
        );
        return Err(Refusal::parameter(message));
    }
    state.groups.values().find(|group| group.vpc == vpc && group.name == name).ok_or_else(|| {
        let message = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
        Refusal::new("InvalidGroup.NotFound", message)
    })
}

/// Whether an interface in a subnet may wear these groups.
pub fn check_worn(state: &State, ids: &[String], subnet: &str, vpc: &str) -> Result<(), Refusal> {
    for id in ids {
        if find(state, id)?.vpc != vpc {
            let message = format!("Security group {id} and subnet {subnet} belong to different networks.");
            return Err(Refusal::new("InvalidParameter", message));
        }
    }
    if ids.len() > PER_INTERFACE {
        let message = "The maximum number of security groups per interface has been reached.";
        return Err(Refusal::new("SecurityGroupsPerInterfaceLimitExceeded", message));
    }
    Ok(())
}

/// That a group does not exist.
pub fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
}

/// Whether an id could be a group's at all.
pub fn check_id(id: &str) -> Result<(), Refusal> {
    let expected = match id.strip_prefix("sg-") {
        Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit()) => return Ok(()),
        Some(_) => "",
        None => " (expecting \"sg-...\")",
    };
    Err(Refusal::new("InvalidGroupId.Malformed", format!("Invalid id: \"{id}\"{expected}")))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name == DEFAULT {
        return Err(Refusal::parameter(format!("Cannot use reserved security group name: {name}")));
    }
    if name.starts_with("sg-") {
        let message =
            format!("Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*");
        return Err(Refusal::parameter(message));
    }
    check_text("GroupName", name)
}

fn check_text(parameter: &str, text: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.len() <= 255 && text.chars().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "Value ({text}) for parameter {parameter} is invalid. At most 255 characters of a-z, A-Z, 0-9, spaces and \
         ._-:/()#,@[]+=&;{{}}!$* are valid."
    );
    Err(Refusal::parameter(message))
}

fn arn(state: &State, id: &str) -> String {
    state.arn("ec2", &format!("security-group/{id}"))
}

fn show(state: &State, group: &SecurityGroup) -> Value {
    let permissions = |is_egress: bool| {
        let rules = group_rule::of(state, &group.id, is_egress);
        group_permission::show(rules.map(|rule| (Permission::of(rule), rule.description.as_ref())))
    };
    json!({
        "groupId": group.id,
        "groupName": group.name,
        "groupDescription": group.description,
        "securityGroupArn": arn(state, &group.id),
        "ownerId": state.account,
        "vpcId": group.vpc,
        "ipPermissions": permissions(false),
        "ipPermissionsEgress": permissions(true),
        "tagSet": tag::show(&group.tags),
    })
}
