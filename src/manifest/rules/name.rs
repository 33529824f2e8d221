//! Names that AWS accepts.

use crate::model::arn::last_part;
use crate::model::{Arn, Fleet, is_arn};
use crate::yaml::{At, Position, Problems, quoted};

/// Longest name of a target group or load balancer.
const ELB_NAME: usize = 32;
/// Longest name of an ECS service or cluster, and of anything else that is only looked up.
const ECS_NAME: usize = 255;

/// What an ARN or a name of ELBv2 is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Elb {
    TargetGroup,
    LoadBalancer,
}

impl Elb {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TargetGroup => ("target group", "targetgroup"),
            Self::LoadBalancer => ("load balancer", "loadbalancer"),
        }
    }
}

/// The name of a target group or load balancer, given as a name or an ARN.
pub(super) fn check_elb(text: &str, at: Position, kind: Elb, fleet: Option<&Fleet>, problems: &mut Problems<'_>) {
    if is_arn(text) {
        return check_arn(text, at, kind, fleet, problems);
    }
    let (what, _) = kind.words();
    let alphabet = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if text.len() > ELB_NAME || !alphabet || text.starts_with('-') || text.ends_with('-') {
        let message = format!("{} is not a valid {what} name", quoted(text));
        let hint = "at most 32 letters, digits and hyphens, no hyphen at either end";
        problems.add_hint(at, message, hint);
    } else if kind == Elb::LoadBalancer && text.starts_with("internal-") {
        let message = format!("{} is not a valid load balancer name", quoted(text));
        problems.add_hint(at, message, "only DNS names begin with \"internal-\"; remove that prefix");
    }
}

fn check_arn(text: &str, at: Position, kind: Elb, fleet: Option<&Fleet>, problems: &mut Problems<'_>) {
    let (what, resource) = kind.words();
    let is_one = |arn: &Arn<'_>| {
        let path = arn.resource_type().filter(|(kind, _)| *kind == resource).map(|(_, path)| path);
        arn.service == "elasticloadbalancing" && path.is_some_and(|path| path.contains('/'))
    };
    let Some(Arn { region, account, .. }) = Arn::parse(text).filter(is_one) else {
        return problems.add(at, format!("{} is not the ARN of a {what}", quoted(text)));
    };
    let other = |declared: Option<&String>, found: &str| declared.is_some_and(|declared| declared != found);
    if other(fleet.and_then(|fleet| fleet.region.as_ref()), region) {
        problems.add(at, format!("the ARN is in region {region}, not in the fleet's"));
    }
    if other(fleet.and_then(|fleet| fleet.account.as_ref()), account) {
        problems.add(at, format!("the ARN belongs to account {account}, not to the fleet's"));
    }
}

/// The name inside an ARN, or the name itself: what two spellings of one thing have in common.
pub(super) fn bare(text: &str) -> &str {
    Arn::parse(text).and_then(Arn::load_balancing_name).unwrap_or(text)
}

/// The name of an ECS service or cluster.
pub(super) fn check_ecs(text: &str, at: Position, what: &str, problems: &mut Problems<'_>) {
    let alphabet = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if text.len() > ECS_NAME || !alphabet {
        let message = format!("{} is not a valid name for {what}", quoted(text));
        let hint = if is_arn(text) { "write its name, not its ARN" } else { "letters, digits, \"-\" and \"_\"" };
        problems.add_hint(at, message, hint);
    }
}

/// Longest name of an IAM role (IAM `roleNameType`).
const ROLE_NAME: usize = 64;
/// How a role is written.
pub(super) const ROLE_HINT: &str =
    "an ARN such as arn:aws:iam::123456789012:role/NAME, or the name of a role of this account";

/// Whether a text is the ARN of a role, or can be its name.
pub(super) fn is_role(text: &str) -> bool {
    let is_name = |name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte);
        (1..=ROLE_NAME).contains(&name.len()) && name.bytes().all(allowed)
    };
    if !is_arn(text) {
        return is_name(last_part(text));
    }
    let is_account = |account: &str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let named = Arn::parse(text).filter(|arn| arn.service == "iam" && is_account(arn.account));
    named.and_then(|arn| arn.resource_type()).is_some_and(|(kind, path)| kind == "role" && is_name(last_part(path)))
}

/// Something that is looked up by id, name or `Name` tag.
pub(super) fn check_lookup(text: &At<String>, what: &str, problems: &mut Problems<'_>) {
    if text.chars().count() > ECS_NAME {
        problems.add(text.at, format!("{what}: longer than {ECS_NAME} characters"));
    }
}

/// Why nobody may write a tag with this key.
pub(super) fn reserved_tag(key: &str) -> Option<String> {
    let whose = match key {
        _ if key.to_ascii_lowercase().starts_with("aws:") => "AWS",
        _ if key.starts_with("portolan.dev/") => "Portolan",
        _ => return None,
    };
    Some(format!("the tag {} is reserved for {whose}", quoted(key)))
}
