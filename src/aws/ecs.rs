//! ECS's types and the model's, both ways. What AWS fills in or leaves out is made the same here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_sdk_applicationautoscaling::types::ScalableTarget as SdkScalableTarget;
use aws_sdk_ecs::types as sdk;
use jiff::Timestamp;

use crate::model::arn::last_part;
use crate::model::service::AdvancedConfiguration;
use crate::model::{
    Awsvpc, Binding, Conduct, Deployment, DeploymentController, DeploymentEnd, DeploymentState, EndedDeployment,
    GroupId, LoadBalancerEntry, PastDeployment, Revision, Rollout, ScalableTarget, Scheduling, Seen, Service,
    ServiceDeployment, ServiceId, ServiceStatus, Strategy, SubnetId, Tags, TargetGroupArn, TaskCounts,
    TaskDefinitionArn, Transport,
};
use crate::shape::Tree;

/// Numbers of AWS's are signed; a negative one, which AWS never sends, reads as 0.
pub(super) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(super) fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok()
}

pub(super) fn timestamp_from_sdk(at: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.as_nanos()).ok()
}

pub(super) fn tags_from_sdk(tags: &[sdk::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

pub(super) fn tags_to_sdk(tags: &Tags) -> Vec<sdk::Tag> {
    tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build()).collect()
}

/// A service that is ACTIVE or DRAINING; `None` for every other status, which all mean that it does not exist.
pub(super) fn service_from_sdk(id: &ServiceId, service: &sdk::Service, members: Seen<Tree>) -> Option<Service> {
    let status = match service.status()? {
        "ACTIVE" => ServiceStatus::Active,
        "DRAINING" => ServiceStatus::Draining,
        _ => return None,
    };
    let strategy = service.deployment_configuration().and_then(|configuration| configuration.strategy());
    Some(Service {
        id: id.clone(),
        arn: service.service_arn().unwrap_or_default().to_owned(),
        status,
        scheduling: match service.scheduling_strategy() {
            None | Some(sdk::SchedulingStrategy::Replica) => Scheduling::Replica,
            // What this version does not know is treated as what Portolan leaves alone most.
            Some(_) => Scheduling::Daemon,
        },
        controller: match service.deployment_controller().map(sdk::DeploymentController::r#type) {
            Some(sdk::DeploymentControllerType::CodeDeploy) => DeploymentController::CodeDeploy,
            None | Some(sdk::DeploymentControllerType::Ecs) => DeploymentController::Ecs,
            Some(_) => DeploymentController::External,
        },
        strategy: match strategy {
            Some(sdk::DeploymentStrategy::BlueGreen) => Strategy::BlueGreen,
            Some(sdk::DeploymentStrategy::Linear) => Strategy::Linear,
            None | Some(sdk::DeploymentStrategy::Rolling) => Strategy::Rolling,
            Some(_) => Strategy::Canary,
        },
        managed_by_ecs: service.resource_management_type() == Some(&sdk::ResourceManagementType::Ecs),
        desired_count: count(service.desired_count()),
        running_count: count(service.running_count()),
        // An EXTERNAL service has a revision in each task set only.
        task_definition: TaskDefinitionArn::from(
            service
                .task_definition()
                .or_else(|| service.task_sets().first().and_then(sdk::TaskSet::task_definition))
                .unwrap_or_default(),
        ),
        load_balancers: entries_from_sdk(service),
        network: service.network_configuration().and_then(awsvpc_from_sdk),
        deployments: service.deployments().iter().map(deployment_from_sdk).collect(),
        task_sets_move: task_sets_move(service.task_sets()),
        conduct: Box::new(conduct_from_sdk(service)),
        members: Box::new(members),
    })
}

fn conduct_from_sdk(service: &sdk::Service) -> Conduct {
    let deployment = service.deployment_configuration();
    let mut events: Vec<&sdk::ServiceEvent> = service.events().iter().collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.created_at().map(|at| at.as_nanos())));
    let at = |event: Option<&&sdk::ServiceEvent>| event.and_then(|event| timestamp_from_sdk(event.created_at()?));
    let says = |event: &sdk::ServiceEvent, is_it: fn(&str) -> bool| event.message().is_some_and(is_it);
    let steady = events.iter().position(|event| says(event, Conduct::is_steady));
    let fresh = &events[..steady.unwrap_or(events.len())];
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    let strategy = service.capacity_provider_strategy().iter();
    let strategy = strategy.chain(primary.into_iter().flat_map(|primary| primary.capacity_provider_strategy()));
    let providers = strategy.map(|item| item.capacity_provider().to_owned());
    Conduct {
        current_revisions: service
            .current_service_revisions()
            .iter()
            .filter_map(|revision| revision.arn().map(str::to_owned))
            .collect(),
        grace: service.health_check_grace_period_seconds().map_or(0, count),
        minimum_percent: deployment.and_then(|deployment| deployment.minimum_healthy_percent()).map(count),
        maximum_percent: deployment.and_then(|deployment| deployment.maximum_percent()).map(count),
        events: Conduct::worth_keeping(events.iter().filter_map(|event| event.message())),
        steady_at: at(steady.map(|position| &events[position])),
        unsteady_since: at(fresh.last()),
        last_start: at(fresh.iter().find(|event| says(event, Conduct::is_start))),
        pending_count: count(service.pending_count()),
        failed_tasks: primary.map_or(0, |primary| count(primary.failed_tasks())),
        connected_ports: primary.map_or_else(BTreeSet::new, connected_ports),
        capacity_providers: providers.filter(|name| !name.starts_with("FARGATE")).collect(),
    }
}

/// Names of port mappings that Service Connect uses. One that is turned off uses none.
fn connected_ports(deployment: &sdk::Deployment) -> BTreeSet<String> {
    let configuration = deployment.service_connect_configuration().filter(|configuration| configuration.enabled());
    let services = configuration.into_iter().flat_map(|configuration| configuration.services());
    services.map(|service| service.port_name().to_owned()).collect()
}

fn task_sets_move(sets: &[sdk::TaskSet]) -> bool {
    let steady = |set: &sdk::TaskSet| set.stability_status() == Some(&sdk::StabilityStatus::SteadyState);
    sets.len() > 1 || !sets.iter().all(steady)
}

fn deployment_from_sdk(deployment: &sdk::Deployment) -> Deployment {
    Deployment {
        primary: deployment.status() == Some("PRIMARY"),
        rollout: match deployment.rollout_state() {
            Some(sdk::DeploymentRolloutState::InProgress) => Some(Rollout::InProgress),
            Some(sdk::DeploymentRolloutState::Completed) => Some(Rollout::Completed),
            Some(sdk::DeploymentRolloutState::Failed) => Some(Rollout::Failed),
            Some(_) | None => None,
        },
        task_definition: TaskDefinitionArn::from(deployment.task_definition().unwrap_or_default()),
        id: deployment.id().unwrap_or_default().to_owned(),
        created: deployment.created_at().and_then(timestamp_from_sdk),
        reason: deployment.rollout_state_reason().map(str::to_owned),
        tasks: TaskCounts {
            desired: count(deployment.desired_count()),
            running: count(deployment.running_count()),
            pending: count(deployment.pending_count()),
            failed: count(deployment.failed_tasks()),
        },
    }
}

/// The wiring of a service; one with an outside controller has it in its task sets.
pub(super) fn entries_from_sdk(service: &sdk::Service) -> Vec<LoadBalancerEntry> {
    let own = service.load_balancers().iter();
    let of_sets = service.task_sets().iter().flat_map(sdk::TaskSet::load_balancers);
    let entries: BTreeSet<LoadBalancerEntry> = own.chain(of_sets).map(entry_from_sdk).collect();
    entries.into_iter().collect()
}

pub(super) fn entry_from_sdk(entry: &sdk::LoadBalancer) -> LoadBalancerEntry {
    LoadBalancerEntry {
        target_group: entry.target_group_arn().map(TargetGroupArn::from),
        classic: entry.load_balancer_name().map(str::to_owned),
        container: entry.container_name().unwrap_or_default().to_owned(),
        container_port: entry.container_port().and_then(port).unwrap_or_default(),
        advanced: entry.advanced_configuration().map(|advanced| AdvancedConfiguration {
            alternate_target_group: advanced.alternate_target_group_arn().map(TargetGroupArn::from),
            production_listener_rule: advanced.production_listener_rule().map(str::to_owned),
            test_listener_rule: advanced.test_listener_rule().map(str::to_owned),
            role: advanced.role_arn().map(str::to_owned),
        }),
    }
}

/// An entry as it is sent; `target_group` is the entry's own, or the one that an earlier step made for it.
pub(super) fn entry_to_sdk(entry: &LoadBalancerEntry, target_group: Option<&TargetGroupArn>) -> sdk::LoadBalancer {
    let LoadBalancerEntry { target_group: own, classic, container, container_port, advanced } = entry;
    let advanced = advanced.as_ref().map(|advanced| {
        let AdvancedConfiguration { alternate_target_group, production_listener_rule, test_listener_rule, role } =
            advanced;
        sdk::AdvancedConfiguration::builder()
            .set_alternate_target_group_arn(alternate_target_group.as_ref().map(ToString::to_string))
            .set_production_listener_rule(production_listener_rule.clone())
            .set_test_listener_rule(test_listener_rule.clone())
            .set_role_arn(role.clone())
            .build()
    });
    sdk::LoadBalancer::builder()
        .set_target_group_arn(target_group.or(own.as_ref()).map(ToString::to_string))
        .set_load_balancer_name(classic.clone())
        .container_name(container)
        .container_port(i32::from(*container_port))
        .set_advanced_configuration(advanced)
        .build()
}

pub(super) fn awsvpc_from_sdk(configuration: &sdk::NetworkConfiguration) -> Option<Awsvpc> {
    let awsvpc = configuration.awsvpc_configuration()?;
    Some(Awsvpc {
        subnets: awsvpc.subnets().iter().map(|id| SubnetId::from(id.as_str())).collect(),
        security_groups: awsvpc.security_groups().iter().map(|id| GroupId::from(id.as_str())).collect(),
        assign_public_ip: awsvpc.assign_public_ip().map(|value| value.as_str().to_owned()),
    })
}

pub(super) fn awsvpc_to_sdk(network: &Awsvpc) -> Result<sdk::NetworkConfiguration, String> {
    let Awsvpc { subnets, security_groups, assign_public_ip } = network;
    let groups: Vec<String> = security_groups.iter().map(ToString::to_string).collect();
    let awsvpc = sdk::AwsVpcConfiguration::builder()
        .set_subnets(Some(subnets.iter().map(ToString::to_string).collect()))
        .set_security_groups((!groups.is_empty()).then_some(groups))
        .set_assign_public_ip(assign_public_ip.as_deref().map(sdk::AssignPublicIp::from))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(sdk::NetworkConfiguration::builder().awsvpc_configuration(awsvpc).build())
}

/// A task definition without what a copy would lose, which its raw answer tells.
/// ECS takes everything but `udp` for tcp, what it does not know included.
pub(super) fn transport_from_sdk(protocol: Option<&sdk::TransportProtocol>) -> Transport {
    match protocol {
        Some(sdk::TransportProtocol::Udp) => Transport::Udp,
        _ => Transport::Tcp,
    }
}

/// The address of a task in awsvpc mode: `None` when it has no network interface at all, `Some(None)` when AWS did
/// not say yet which address the interface has.
pub(super) fn address_from_sdk(task: &sdk::Task) -> Option<Option<IpAddr>> {
    let mut has_interface = false;
    for attachment in task.attachments() {
        if !matches!(attachment.r#type(), Some("ElasticNetworkInterface" | "eni")) {
            continue;
        }
        has_interface = true;
        let detail = attachment.details().iter().find(|detail| detail.name() == Some("privateIPv4Address"));
        if let Some(address) = detail.and_then(|detail| detail.value()?.parse().ok()) {
            return Some(Some(address));
        }
    }
    for interface in task.containers().iter().flat_map(|container| container.network_interfaces()) {
        has_interface = true;
        let text = interface.private_ipv4_address().or(interface.ipv6_address());
        if let Some(address) = text.and_then(|text| text.parse().ok()) {
            return Some(Some(address));
        }
    }
    has_interface.then_some(None)
}

/// The ports of a task that are bound on its instance; port ranges are left out.
pub(super) fn bindings_from_sdk(task: &sdk::Task) -> Vec<Binding> {
    let bindings = task.containers().iter().flat_map(|container| {
        container.network_bindings().iter().filter_map(|binding| {
            Some(Binding {
                container: container.name()?.to_owned(),
                container_port: binding.container_port().and_then(port)?,
                host_port: binding.host_port().and_then(port).filter(|number| *number > 0)?,
                protocol: transport_from_sdk(binding.protocol()),
            })
        })
    });
    // One for each family of addresses: the same ports twice.
    bindings.collect::<BTreeSet<_>>().into_iter().collect()
}

/// How a deployment that AWS lists ended: `None` while it is still under way, when it says nothing, or when a newer one took its
/// place, which is no failure.
///
/// AWS has no status FAILED: what the circuit breaker or an alarm gives up is rolled back, or STOPPED where no
/// rollback is configured.
pub(super) fn deployment_end(status: &sdk::ServiceDeploymentStatus, was_superseded: bool) -> Option<DeploymentEnd> {
    match status.as_str() {
        "SUCCESSFUL" => Some(DeploymentEnd::Successful),
        "PENDING" | "IN_PROGRESS" => None,
        "ROLLBACK_SUCCESSFUL" => Some(DeploymentEnd::RolledBack),
        "ROLLBACK_FAILED" => Some(DeploymentEnd::RollbackFailed),
        text if text.starts_with("STOP") => (!was_superseded).then_some(DeploymentEnd::Stopped),
        text if text.starts_with("ROLLBACK") => Some(DeploymentEnd::RollingBack),
        text if text.contains("FAIL") => Some(DeploymentEnd::Failed),
        _ => None,
    }
}

/// A deployment as AWS lists it; `None` if it lacks what every one has.
pub(super) fn service_deployment_from_sdk(one: &sdk::ServiceDeploymentBrief) -> Option<ServiceDeployment> {
    let time = |at: Option<&aws_smithy_types::DateTime>| at.and_then(timestamp_from_sdk);
    Some(ServiceDeployment {
        arn: one.service_deployment_arn()?.to_owned(),
        revision: one.target_service_revision_arn()?.to_owned(),
        state: DeploymentState::of(one.status()?.as_str()),
        reason: one.status_reason().map(str::to_owned),
        created: time(one.created_at()),
        finished: time(one.finished_at()),
    })
}

pub(super) fn past_from_sdk(ended: &EndedDeployment, revision: &sdk::ServiceRevision) -> PastDeployment {
    PastDeployment {
        end: ended.end,
        reason: ended.reason.clone(),
        revision: Some(ended.revision.clone()),
        task_definition: TaskDefinitionArn::from(revision.task_definition().unwrap_or_default()),
        content: None,
        load_balancers: revision.load_balancers().iter().map(entry_from_sdk).collect(),
        network: revision.network_configuration().and_then(awsvpc_from_sdk),
    }
}

pub(super) fn revision_from_sdk(revision: &sdk::ServiceRevision) -> Option<Revision> {
    let number = last_part(revision.service_revision_arn()?).to_owned();
    Some(Revision { number, load_balancers: revision.load_balancers().iter().map(entry_from_sdk).collect() })
}

pub(super) fn scalable_target_from_sdk(target: &SdkScalableTarget) -> ScalableTarget {
    let suspended = target.suspended_state().is_some_and(|state| {
        state.dynamic_scaling_in_suspended() == Some(true)
            && state.dynamic_scaling_out_suspended() == Some(true)
            && state.scheduled_scaling_suspended() == Some(true)
    });
    ScalableTarget { min: count(target.min_capacity()), max: count(target.max_capacity()), suspended }
}

/// A service as Application Auto Scaling names it, which knows clusters by name only.
pub(super) fn resource_id(id: &ServiceId) -> String {
    let cluster = last_part(&id.cluster);
    format!("service/{cluster}/{}", id.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{connected_ports, sdk};

    #[test]
    fn service_connect_uses_the_ports_that_it_names_while_it_is_on() {
        let service = sdk::ServiceConnectService::builder().port_name("api").build().expect("a port name");
        let with = |enabled| {
            let configuration = sdk::ServiceConnectConfiguration::builder().enabled(enabled).services(service.clone());
            sdk::Deployment::builder().service_connect_configuration(configuration.build()).build()
        };
        assert_eq!(connected_ports(&with(true)), BTreeSet::from(["api".to_owned()]));
        assert_eq!(connected_ports(&with(false)), BTreeSet::new());
        assert_eq!(connected_ports(&sdk::Deployment::builder().build()), BTreeSet::new());
    }
}
