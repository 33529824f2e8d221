//! The ARNs that calls name things by: another region's, account's, service's or cluster's are refused.

use super::last;
use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::State;

/// Members that name things, by name or by ARN, and the kind of thing that an ARN there has to be of. `true`: it is in
/// the cluster that the call is about.
const NAMING: [(&str, &str, bool); 13] = [
    ("cluster", "cluster", false),
    ("clusters", "cluster", false),
    ("service", "service", true),
    ("services", "service", true),
    ("serviceName", "service", true),
    ("task", "task", true),
    ("tasks", "task", true),
    ("containerInstance", "container-instance", true),
    ("containerInstances", "container-instance", true),
    ("taskDefinition", "task-definition", false),
    ("serviceDeploymentArn", "service-deployment", false),
    ("serviceDeploymentArns", "service-deployment", false),
    ("serviceRevisionArns", "service-revision", false),
];

/// Holds every ARN of a call against the account, the region and the cluster that it is made in.
pub fn check(state: &State, input: Input) -> Result<(), Refusal> {
    for (member, kind, is_in_cluster) in NAMING {
        for arn in texts(input, member) {
            let resource = resource(state, arn)?;
            let mut parts = resource.split('/');
            if parts.next() != Some(kind) {
                return Err(Refusal::invalid(format!(
                    "Invalid identifier: Unexpected resource type, expected {kind}."
                )));
            }
            // ARNs of old name no cluster.
            let cluster = parts.next().filter(|_| is_in_cluster && parts.next().is_some());
            let own = last(input.text("cluster").unwrap_or("default"));
            if let Some(other) = cluster.filter(|cluster| *cluster != own) {
                let message = format!("Invalid identifier: Identifier is for cluster {other}. Your cluster is {own}");
                return Err(Refusal::invalid(message));
            }
        }
    }
    texts(input, "resourceArn").try_for_each(|arn| resource(state, arn).map(drop))
}

/// The ARNs of a member, be it a text or a list.
fn texts<'a>(input: Input<'a>, member: &str) -> impl Iterator<Item = &'a str> {
    let all = input.texts(member).into_iter().chain(input.text(member));
    all.filter(|text| text.starts_with("arn:"))
}

/// What an ARN names, if it is one of this region and account.
fn resource<'a>(state: &State, arn: &'a str) -> Result<&'a str, Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, region, account, resource] = parts.as_slice() else {
        return Err(Refusal::invalid(format!("Invalid identifier: {arn} is not an ARN.")));
    };
    if *service != "ecs" {
        return Err(Refusal::invalid("Invalid identifier: Invalid service in ARN"));
    }
    if *region != state.region {
        return Err(Refusal::invalid("Invalid Region in ARN"));
    }
    if *account != state.account {
        let own = &state.account;
        return Err(Refusal::invalid(format!(
            "Invalid identifier: Identifier is for {account}. Your accountId is {own}"
        )));
    }
    Ok(resource)
}
