//! Tasks of whole clusters, and the instances that carry them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::ecs;
use crate::model::{
    Binding, Desired, Gap, Host, InstanceId, Observed, Placement, STARTED_ALONE, Seen, ServiceId, Task, TaskArn,
    TaskDefinitionArn,
};

use super::concurrency::{LARGE_AT_ONCE, few_at_once, some_at_once};
use super::matching::complete;
use super::services::is_cluster_missing;
use super::{Reader, gap};

const LIST: &str = "ecs:ListTasks";
const DESCRIBE: &str = "ecs:DescribeTasks";
const CONTAINER_INSTANCES: &str = "ecs:DescribeContainerInstances";

/// Tasks of the manifest's services with their instances.
pub(super) struct ReadTasks {
    tasks: BTreeMap<ServiceId, Seen<Vec<Task>>>,
    others: Vec<Task>,
    hosts: BTreeMap<InstanceId, Seen<Host>>,
    gaps: Vec<(String, Gap)>,
}

impl ReadTasks {
    pub(super) fn store(self, observed: &mut Observed) {
        observed.tasks = self.tasks;
        observed.other_tasks = self.others;
        observed.hosts.extend(self.hosts);
        observed.gaps.extend(self.gaps);
    }
}

/// Tasks that are on their way out, by cluster: those that ECS lists as STOPPED before they are.
pub(super) struct StoppingTasks {
    clusters: BTreeMap<String, Result<ClusterTasks, Gap>>,
    hosts: BTreeMap<InstanceId, Seen<Host>>,
    gaps: Vec<(String, Gap)>,
}

impl StoppingTasks {
    /// Adds them to the tasks that are known. Where they could not be read, a complete list is not known any more.
    pub(super) fn store(mut self, observed: &mut Observed) {
        for (id, seen) in &mut observed.tasks {
            match (self.clusters.get_mut(&id.cluster), &mut *seen) {
                (Some(Err(gap)), Seen::Present(_)) => *seen = Seen::Unknown(gap.clone()),
                (Some(Ok(found)), Seen::Present(tasks)) => {
                    let known: BTreeSet<TaskArn> = tasks.iter().map(|task| task.arn.clone()).collect();
                    let found = found.remove(id).unwrap_or_default();
                    tasks.extend(found.into_iter().filter(|task| !known.contains(&task.arn)));
                    tasks.sort_by(|a, b| a.arn.cmp(&b.arn));
                }
                _ => {}
            }
        }
        observed.hosts.extend(self.hosts);
        observed.gaps.extend(self.gaps);
    }
}

/// A task before the instances are known that carry those without an address of their own.
struct FoundTask {
    task: Task,
    /// What is bound on its instance, where it has no address of its own.
    bindings: Option<Vec<Binding>>,
}

/// A task that is not STOPPED. Its group names the service that has started it. What somebody has started alone counts for the
/// instance that carries it, and may be in a group of any name: it stands under one that no service can have.
fn found_from_sdk(cluster: &str, task: &sdk::Task) -> Option<FoundTask> {
    let group = task.group().unwrap_or_default();
    let name = group.strip_prefix("service:").map_or_else(|| format!("{STARTED_ALONE}{group}"), str::to_owned);
    // DELETED comes after STOPPED and is never listed for long.
    if matches!(task.last_status(), Some("STOPPED" | "DELETED")) {
        return None;
    }
    let address = ecs::address_from_sdk(task);
    let bindings = address.is_none().then(|| ecs::bindings_from_sdk(task));
    let task = Task {
        arn: TaskArn::from(task.task_arn().unwrap_or_default()),
        service: ServiceId { cluster: cluster.to_owned(), name },
        task_definition: TaskDefinitionArn::from(task.task_definition_arn().unwrap_or_default()),
        status: task.last_status().unwrap_or_default().to_owned(),
        leaves: task.desired_status() == Some("STOPPED"),
        placement: address.flatten().map_or(Placement::Unknown, Placement::Address),
        started: task.started_at().and_then(ecs::timestamp_from_sdk),
        healthy: match task.health_status() {
            Some(sdk::HealthStatus::Healthy) => Some(true),
            Some(sdk::HealthStatus::Unhealthy) => Some(false),
            _ => None,
        },
        container_instance: task.container_instance_arn().map(str::to_owned),
        started_by: task.started_by().map(str::to_owned),
    };
    Some(FoundTask { task, bindings })
}

impl FoundTask {
    fn place(self, instances: &BTreeMap<String, InstanceId>) -> Task {
        let Self { mut task, bindings } = self;
        let instance = task.container_instance.as_ref().and_then(|arn| instances.get(arn));
        if let (Some(instance), Some(bindings)) = (instance, bindings.filter(|bindings| !bindings.is_empty())) {
            task.placement = Placement::Instance { instance: instance.clone(), bindings };
        }
        task
    }
}

/// The tasks of a cluster by service, each list sorted.
type ClusterTasks = BTreeMap<ServiceId, Vec<Task>>;

/// What was read of clusters: their tasks, the instances that carry these, and what is missing.
type TasksOfClusters =
    (BTreeMap<String, Result<ClusterTasks, Gap>>, BTreeMap<InstanceId, Seen<Host>>, Vec<(String, Gap)>);

impl Reader {
    /// Tasks of the clusters in which some service of the manifest has a port with a target group.
    pub(super) async fn tasks(&self, desired: &Desired) -> ReadTasks {
        let wired = desired.services.values().filter(|service| {
            let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
            groups.count() > 0
        });
        let names: BTreeSet<String> = wired.map(|service| service.id.cluster.clone()).collect();
        let (mut clusters, hosts, gaps) = self.tasks_of_clusters(&names, sdk::DesiredStatus::Running).await;
        let mut tasks = BTreeMap::new();
        let ids: BTreeSet<&ServiceId> = desired.services.values().map(|service| &service.id).collect();
        for id in ids {
            let seen = match clusters.get_mut(&id.cluster) {
                None => continue,
                Some(Err(gap)) => Seen::Unknown(gap.clone()),
                Some(Ok(found)) => Seen::Present(found.remove(id).unwrap_or_default()),
            };
            tasks.insert(id.clone(), seen);
        }
        let others = clusters.into_values().filter_map(Result::ok).flat_map(BTreeMap::into_values).flatten().collect();
        ReadTasks { tasks, others, hosts, gaps }
    }

    pub(super) async fn stopping_tasks(&self, names: &BTreeSet<String>) -> StoppingTasks {
        let (clusters, hosts, gaps) = self.tasks_of_clusters(names, sdk::DesiredStatus::Stopped).await;
        StoppingTasks { clusters, hosts, gaps }
    }

    async fn tasks_of_clusters(&self, names: &BTreeSet<String>, status: sdk::DesiredStatus) -> TasksOfClusters {
        let all = names.iter().map(|cluster| self.tasks_of_cluster(cluster, status.clone()));
        let mut clusters = BTreeMap::new();
        let mut instances = BTreeSet::new();
        let mut gaps = Vec::new();
        for (cluster, read) in names.iter().zip(few_at_once(all).await) {
            let read = read.map(|(tasks, more)| {
                gaps.extend(more);
                instances.extend(tasks.values().flatten().filter_map(|task| match &task.placement {
                    Placement::Instance { instance, .. } => Some(instance.clone()),
                    Placement::Address(_) | Placement::Unknown => None,
                }));
                tasks
            });
            clusters.insert(cluster.clone(), read.map_err(|error| gap(&error)));
        }
        let hosts = self.hosts(&instances).await;
        (clusters, hosts, gaps)
    }

    /// Every task of a cluster that is not STOPPED.
    async fn tasks_of_cluster(
        &self,
        cluster: &str,
        status: sdk::DesiredStatus,
    ) -> Result<(ClusterTasks, Vec<(String, Gap)>), AwsError> {
        let request = self.clients.reading.ecs.list_tasks().cluster(cluster).desired_status(status);
        let pages = request.into_paginator().page_size(100).items().send();
        let arns = match self.ask(LIST, pages.try_collect()).await {
            Ok(arns) => arns,
            Err(error) if is_cluster_missing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let batches = arns.chunks(100).map(|arns| self.describe_tasks(cluster, arns));
        let mut found = Vec::new();
        for batch in some_at_once(LARGE_AT_ONCE, batches).await {
            found.extend(batch?);
        }
        found.sort_by(|a: &FoundTask, b| a.task.arn.cmp(&b.task.arn));
        let (instances, gaps) = self.container_instances(cluster, &found).await;
        let mut tasks = ClusterTasks::new();
        for task in found.into_iter().map(|found| found.place(&instances)) {
            tasks.entry(task.service.clone()).or_default().push(task);
        }
        Ok((tasks, gaps))
    }

    async fn describe_tasks(&self, cluster: &str, arns: &[String]) -> Result<Vec<FoundTask>, AwsError> {
        let request = self.clients.reading.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
        let answer = self.ask(DESCRIBE, request.send()).await?;
        // What is missing ended between the two calls.
        complete(DESCRIBE, arns, answer.tasks().iter().map(sdk::Task::task_arn), answer.failures())?;
        Ok(answer.tasks().iter().filter_map(|task| found_from_sdk(cluster, task)).collect())
    }

    /// The EC2 instances behind the container instances of tasks that have no address of their own.
    async fn container_instances(
        &self,
        cluster: &str,
        tasks: &[FoundTask],
    ) -> (BTreeMap<String, InstanceId>, Vec<(String, Gap)>) {
        let unplaced = tasks.iter().filter(|found| found.bindings.is_some());
        let arns: BTreeSet<&String> = unplaced.filter_map(|found| found.task.container_instance.as_ref()).collect();
        let arns: Vec<String> = arns.into_iter().cloned().collect();
        let batches = arns.chunks(100).map(async |arns| {
            let client = &self.clients.reading.ecs;
            let request = client.describe_container_instances().cluster(cluster);
            let answer =
                self.ask(CONTAINER_INSTANCES, request.set_container_instances(Some(arns.to_vec())).send()).await?;
            let answered = answer.container_instances().iter().map(sdk::ContainerInstance::container_instance_arn);
            complete(CONTAINER_INSTANCES, arns, answered, answer.failures())?;
            Ok(answer.container_instances.unwrap_or_default())
        });
        let mut instances = BTreeMap::new();
        let mut gaps = Vec::new();
        for batch in few_at_once(batches).await {
            match batch {
                Ok(list) => instances.extend(list.iter().filter_map(|instance| {
                    let id = InstanceId::from(instance.ec2_instance_id()?);
                    Some((instance.container_instance_arn()?.to_owned(), id))
                })),
                Err(error) => gaps.push((cluster.to_owned(), gap(&error))),
            }
        }
        (instances, gaps)
    }
}
