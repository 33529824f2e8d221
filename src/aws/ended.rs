//! How the last deployments of a service ended, as `ListServiceDeployments` lists them. Reader and writer ask alike.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::list_service_deployments::builders::ListServiceDeploymentsFluentBuilder as Request;
use aws_sdk_ecs::types as sdk;

use crate::model::{EndedDeployment, ServiceId};

use super::ecs;

/// The operation.
pub(super) const LIST: &str = "ecs:ListServiceDeployments";

/// As many as `DescribeServiceRevisions` takes: the question is about the newest ones.
pub(super) const NEWEST: i32 = 20;

/// Asks for the newest deployments of a service.
pub(super) fn request(client: &Client, id: &ServiceId) -> Request {
    client.list_service_deployments().cluster(&id.cluster).service(&id.name).max_results(NEWEST)
}

/// How they ended, newest first. Deployments that are under way are left out, and those that a newer one replaced before
/// they ended.
pub(super) fn ended(mut listed: Vec<sdk::ServiceDeploymentBrief>) -> Vec<EndedDeployment> {
    listed.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at().map(|at| at.as_nanos())));
    listed.iter().enumerate().filter_map(|(age, deployment)| end(deployment, &listed[..age])).collect()
}

fn end(deployment: &sdk::ServiceDeploymentBrief, newer: &[sdk::ServiceDeploymentBrief]) -> Option<EndedDeployment> {
    let nanos = |at: Option<&aws_smithy_types::DateTime>| at.map(aws_smithy_types::DateTime::as_nanos);
    let finished = nanos(deployment.finished_at());
    let began_before = |other: &sdk::ServiceDeploymentBrief| {
        finished.is_none_or(|finished| nanos(other.created_at()).is_some_and(|created| created <= finished))
    };
    let end = ecs::deployment_end(deployment.status()?, newer.iter().any(began_before))?;
    let reason = deployment.status_reason().map(str::to_owned);
    Some(EndedDeployment { revision: deployment.target_service_revision_arn()?.to_owned(), end, reason })
}
