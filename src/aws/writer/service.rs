//! `UpdateService`.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::client::customize::CustomizableOperation;
use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::operation::describe_services::builders::DescribeServicesFluentBuilder;
use aws_sdk_ecs::operation::update_service::builders::{UpdateServiceFluentBuilder, UpdateServiceInputBuilder};
use aws_sdk_ecs::operation::update_service::{UpdateServiceError, UpdateServiceOutput};
use aws_sdk_ecs::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::ecs;
use crate::aws::ended::{self, LIST};
use crate::aws::error::{answer, is_unknown_operation};
use crate::aws::raw::{self, KeepAnswer, ServiceMembers, Slot};
use crate::model::{Awsvpc, EndedDeployment, Service, ServiceId, TaskDefinitionArn};
use crate::plan::{Output, Ref, ServiceBelief, WiredEntry};
use crate::shape::Tree;

use super::retry::retrying;
use super::{DONE, Writer, refusal, stale, target_group, task_definition};

const CALL: &str = "ecs:UpdateService";
pub(super) const READ: &str = "ecs:DescribeServices";

/// The members to send; a `None` is left out of the call.
pub(super) struct Update<'a> {
    pub(super) task_definition: &'a Option<Ref<TaskDefinitionArn>>,
    pub(super) load_balancers: &'a Option<Vec<WiredEntry>>,
    pub(super) network: &'a Option<Awsvpc>,
    pub(super) members: &'a Tree,
}

impl Writer {
    pub(super) async fn update_service_count(
        &self,
        service: &ServiceId,
        count: u32,
        from: u32,
        unscaled: bool,
    ) -> Result<Performed, AwsError> {
        match self.service_now(service).await? {
            Some(live) if count < from && live.is_deploying() => {
                return stale("a deployment has started since the service was read");
            }
            Some(live) if live.desired_count == from => {}
            // An earlier attempt of ours got through, or somebody did the same.
            Some(live) if live.desired_count == count => return DONE,
            Some(live) => {
                let now = live.desired_count;
                return stale(format!("the desired count is {now} now; it was {from} when the service was read"));
            }
            None => return stale("the service no longer exists"),
        }
        if unscaled && self.is_scaled(service).await? {
            return stale("an autoscaler owns the desired count now; none did when the service was read");
        }
        let count = i32::try_from(count).map_err(|_| {
            refusal(CALL, ErrorKind::Invalid, "TooLarge", format!("{count} is not a valid number of tasks"))
        })?;
        let client = &self.clients.writing.ecs;
        let request = client.update_service().cluster(&service.cluster).service(&service.name).desired_count(count);
        answer(CALL, request.send()).await?;
        DONE
    }

    pub(super) async fn update_service(
        &self,
        service: &ServiceId,
        update: Update<'_>,
        expect: &ServiceBelief,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let Update { task_definition: definition, load_balancers, network, members } = update;
        let definition = definition.as_ref().map(|target| task_definition(CALL, target, outputs)).transpose()?;
        let balancers = load_balancers.as_ref().map(|entries| entries_to_sdk(CALL, entries, outputs)).transpose()?;
        let network = network.as_ref().map(ecs::awsvpc_to_sdk);
        let network = network.transpose().map_err(|message| refusal(CALL, ErrorKind::Invalid, "NoSubnets", message))?;
        let request = self
            .clients
            .writing
            .ecs
            .update_service()
            .cluster(&service.cluster)
            .service(&service.name)
            .set_task_definition(definition.map(|arn| arn.to_string()))
            .set_load_balancers(balancers)
            .set_network_configuration(network);
        // Before each attempt: what is replaced as a whole must still be what it was.
        let attempt = async || match self.difference(service, expect).await? {
            Some(why) => stale(why),
            None => match answer(CALL, with_members(request.clone(), members).send()).await {
                Ok(answer) => Ok(begun(answer.service().and_then(primary_id))),
                // It may have got through, its answer lost.
                Err(error) if error.kind == ErrorKind::Transient => match self.service_now(service).await? {
                    Some(live) if is_as(&live, request.as_input(), expect) => {
                        Ok(begun(live.primary().map(|primary| primary.id.clone())))
                    }
                    Some(_) | None => Err(error),
                },
                Err(error) => Err(error),
            },
        };
        retrying(attempt, is_propagation).await
    }

    /// What makes a service another one than the plan believes, if anything. How its deployments ended is read again as well:
    /// one that failed since the plan was made would be repeated.
    pub(super) async fn difference(
        &self,
        id: &ServiceId,
        expect: &ServiceBelief,
    ) -> Result<Option<&'static str>, AwsError> {
        if let Some(believed) = &expect.ended
            && self.ended_now(id).await?.is_some_and(|ended| ended != *believed)
        {
            return Ok(Some("a deployment has ended since the service was read"));
        }
        Ok(match self.service_now(id).await? {
            Some(live) if is_believed(&live, expect) => None,
            Some(live) if live.is_deploying() && ServiceBelief::of(&live).deployment != expect.deployment => {
                Some("a deployment has started since the service was read")
            }
            Some(_) => Some("the service's revision, load balancers or network have changed since it was read"),
            None => Some("the service no longer exists"),
        })
    }

    /// How the last deployments of a service ended, right now; `None` where the endpoint has no such list.
    async fn ended_now(&self, id: &ServiceId) -> Result<Option<Vec<EndedDeployment>>, AwsError> {
        match answer(LIST, ended::request(&self.clients.reading.ecs, id).send()).await {
            Ok(listed) => Ok(Some(ended::ended(listed.service_deployments.unwrap_or_default()))),
            Err(error) if is_unknown_operation(&error, self.clients.custom_endpoint) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether Application Auto Scaling owns the count of a service, right now.
    pub(super) async fn is_scaled(&self, id: &ServiceId) -> Result<bool, AwsError> {
        let resource = ecs::resource_id(id);
        let request = self
            .clients
            .reading
            .autoscaling
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_ids(&resource);
        let found = answer("application-autoscaling:DescribeScalableTargets", request.send()).await?;
        Ok(found.scalable_targets().iter().any(|target| target.resource_id() == resource))
    }

    /// The service, right now; `None` when it does not exist any more.
    pub(super) async fn service_now(&self, id: &ServiceId) -> Result<Option<Service>, AwsError> {
        let body = Slot::default();
        let request = self.describe(id).customize().interceptor(KeepAnswer(body.clone()));
        let named = the_service(id, answer(READ, request.send()).await)?;
        let members = ServiceMembers::of(&body.take()).take(&id.name);
        Ok(named.and_then(|service| ecs::service_from_sdk(id, &service, members)))
    }

    /// The call that describes one service.
    pub(super) fn describe(&self, id: &ServiceId) -> DescribeServicesFluentBuilder {
        self.clients.reading.ecs.describe_services().cluster(&id.cluster).services(&id.name)
    }
}

/// The service that an answer is about, whatever its status; `None`: ECS has no such service, or has none any more.
pub(super) fn the_service(
    id: &ServiceId,
    answer: Result<DescribeServicesOutput, AwsError>,
) -> Result<Option<sdk::Service>, AwsError> {
    let found = match answer {
        Ok(found) => found,
        // One that was deleted long ago.
        Err(error) if error.code == "ServiceNotFoundException" => return Ok(None),
        Err(error) => return Err(error),
    };
    let (services, failures) = (found.services.unwrap_or_default(), found.failures.unwrap_or_default());
    if let Some(named) = services.into_iter().find(|service| service.service_name() == Some(&id.name)) {
        return Ok(Some(named));
    }
    if failures.iter().any(|failure| failure.reason() == Some("MISSING")) {
        return Ok(None);
    }
    let reason = failures.iter().find_map(|failure| failure.reason());
    let reason = reason.unwrap_or("neither in the response nor among its failures");
    Err(refusal(READ, ErrorKind::Other, reason, String::new()))
}

/// The deployment that a call began.
pub(super) fn begun(id: Option<String>) -> Performed {
    Performed::Done(id.filter(|id| !id.is_empty()).map(Output::Deployment))
}

pub(super) fn primary_id(service: &sdk::Service) -> Option<String> {
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))?;
    primary.id().map(str::to_owned)
}

/// The request with members that the SDK's types may not know.
fn with_members(
    request: UpdateServiceFluentBuilder,
    members: &Tree,
) -> CustomizableOperation<UpdateServiceOutput, UpdateServiceError, UpdateServiceFluentBuilder> {
    let sent = members.members().clone();
    request.customize().mutate_request(move |request| raw::add_members(request, &sent))
}

/// Whether `DescribeServices` says what a plan believes.
fn is_believed(live: &Service, expect: &ServiceBelief) -> bool {
    let believed =
        ServiceBelief { ended: expect.ended.clone(), members: expect.members.clone(), ..ServiceBelief::of(live) };
    let known = live.members.as_ref().as_ref().present();
    let is_same =
        |(name, value): (&String, &serde_json::Value)| known.is_some_and(|known| known.get(name) == Some(value));
    believed == *expect && expect.members.members().iter().all(is_same)
}

/// Whether a service is another one than it was, and all that an update asks for.
fn is_as(live: &Service, update: &UpdateServiceInputBuilder, before: &ServiceBelief) -> bool {
    // An update starts a deployment of its own, and what ended before it says nothing of it.
    let ServiceBelief { task_definition, load_balancers, network: now, members: _, deployment: _, ended: _ } =
        ServiceBelief::of(live);
    let definition = update.get_task_definition().as_ref();
    let balancers = update.get_load_balancers().as_ref().map(|entries| {
        let mut entries: Vec<_> = entries.iter().map(ecs::entry_from_sdk).collect();
        entries.sort();
        entries
    });
    let network = update.get_network_configuration().as_ref().and_then(ecs::awsvpc_from_sdk);
    !is_believed(live, before)
        && definition.is_none_or(|arn| task_definition.as_str() == arn)
        && balancers.is_none_or(|entries| load_balancers == entries)
        && network.is_none_or(|network| now.as_ref() == Some(&network))
}

pub(super) fn entries_to_sdk(
    call: &str,
    entries: &[WiredEntry],
    outputs: &Outputs,
) -> Result<Vec<sdk::LoadBalancer>, AwsError> {
    let entries = entries.iter().map(|(target, entry)| {
        let arn = target.as_ref().map(|target| target_group(call, target, outputs)).transpose()?;
        Ok(ecs::entry_to_sdk(entry, arn.as_ref()))
    });
    entries.collect()
}

/// ECS has no code for "the rule that was just made is not visible to me yet"; the sentence has been the same for
/// years, and other tools wait on it too.
fn is_propagation(error: &AwsError) -> bool {
    error.kind == ErrorKind::Invalid && error.message.contains("does not have an associated load balancer")
}
