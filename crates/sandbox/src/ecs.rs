//! ECS's JSON API. Members begin with small letters, moments are seconds since 1970.

mod account_setting;
mod capacity_provider;
mod cluster;
mod cluster_shown;
mod container_instance;
mod deployment;
mod deployment_configuration;
mod enumeration;
mod fargate;
mod identifier;
mod service;
mod service_check;
mod service_update;
mod tag;
mod task;
mod task_definition;
mod task_definition_check;
mod task_definition_reference;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use task::platform_version;

use super::input::Input;
use super::object::object;
use super::operation::Operation::{self, Read, Write};
use super::page::{Page, page};
use super::refusal::Refusal;
use super::state::{Cluster, Service, State, Tags};

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCluster" => Write(cluster::create),
        "DescribeClusters" => Read(cluster::describe),
        "ListClusters" => Read(cluster::list),
        "DeleteCluster" => Write(cluster::delete),
        "PutClusterCapacityProviders" => Write(cluster::put_providers),
        "DescribeCapacityProviders" => Read(capacity_provider::describe),
        "ListAccountSettings" => Read(account_setting::list),
        "RegisterContainerInstance" => Write(container_instance::register),
        "DeregisterContainerInstance" => Write(container_instance::deregister),
        "DescribeContainerInstances" => Read(container_instance::describe),
        "ListContainerInstances" => Read(container_instance::list),
        "RegisterTaskDefinition" => Write(task_definition::register),
        "DeregisterTaskDefinition" => Write(task_definition::deregister),
        "DeleteTaskDefinitions" => Write(task_definition::delete),
        "DescribeTaskDefinition" => Read(task_definition::describe),
        "ListTaskDefinitionFamilies" => Read(task_definition::list_families),
        "ListTaskDefinitions" => Read(task_definition::list),
        "CreateService" => Write(service::create),
        "UpdateService" => Write(service_update::update),
        "DeleteService" => Write(service::delete),
        "DescribeServices" => Read(service::describe),
        "ListServices" => Read(service::list),
        "ListServiceDeployments" => Read(deployment::list),
        "DescribeServiceDeployments" => Read(deployment::describe),
        "StopServiceDeployment" => Write(deployment::stop),
        "DescribeServiceRevisions" => Read(deployment::describe_revisions),
        "RunTask" => Write(task::run),
        "StopTask" => Write(task::stop),
        "ListTasks" => Read(task::list),
        "DescribeTasks" => Read(task::describe),
        "TagResource" => Write(tag::tag),
        "UntagResource" => Write(tag::untag),
        "ListTagsForResource" => Read(tag::list),
        _ => return None,
    })
}

/// What every call is held against before it is looked at by itself: the words and the ARNs in it.
pub fn check(call: &str, state: &State, input: Input) -> Result<(), Refusal> {
    enumeration::check(call, input)?;
    identifier::check(state, input)
}

/// Seconds since 1970, as ECS writes moments.
fn epoch(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1000.0)
}

fn optional_epoch(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, epoch)
}

/// Tags as ECS writes them.
fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// Drops what is null: ECS leaves members out.
fn compact(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// Whether a member of `include` was asked for.
fn includes(input: Input, what: &str) -> bool {
    input.texts("include").contains(&what)
}

/// The last part of an ARN, or the name itself.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The cluster that a call is about; `default` where it names none.
fn cluster<'a>(state: &'a State, input: Input) -> Result<&'a Cluster, Refusal> {
    let name = last(input.text("cluster").unwrap_or("default"));
    let found = state.clusters.values().find(|cluster| cluster.name == name && cluster.status == "ACTIVE");
    found.ok_or_else(|| Refusal::new("ClusterNotFoundException", "Cluster not found."))
}

/// The service of a name or an ARN in a cluster.
fn find_service<'a>(state: &'a State, cluster: &Cluster, name: &str) -> Option<&'a Service> {
    let name = last(name);
    state.services.values().find(|service| service.cluster == cluster.arn && service.name == name)
}

/// A page of a list of ARNs under `member`, as the `List…` calls answer.
fn list_page(state: &State, input: Input, member: &str, arns: Vec<String>, default: usize) -> Result<Value, Refusal> {
    let size = page_size(state, input, default)?;
    let bad = |_: &str| Refusal::invalid("Invalid token");
    let Page { items, next } = page(arns, input.text("nextToken"), size, bad)?;
    Ok(compact(object! {member => items, "nextToken" => next}))
}

/// How many a page is to have.
fn page_size(state: &State, input: Input, default: usize) -> Result<usize, Refusal> {
    if let Some(size) = input.int("maxResults").filter(|size| !(1..=100).contains(size)) {
        return Err(Refusal::invalid(format!("maxResults {size} is not between 1 and 100")));
    }
    Ok(state.page_size(input.int("maxResults"), default))
}

/// A list of names with at least one and at most so many.
fn batch<'a>(input: Input<'a>, member: &str, most: usize) -> Result<Vec<&'a str>, Refusal> {
    let names = input.texts(member);
    if names.is_empty() {
        return Err(Refusal::invalid(format!("{member} can not be empty.")));
    }
    if names.len() > most {
        return Err(Refusal::invalid(format!("{member} can have at most {most} items.")));
    }
    Ok(names)
}

/// An entry of `failures`.
fn missing(arn: String) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}
