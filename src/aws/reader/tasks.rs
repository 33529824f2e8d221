//! Tasks of whole clusters, and the instances that carry them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::ecs;
use crate::model::{
    Answer, Binding, Gap, InstanceId, Operation, Placement, STARTED_ALONE, Seen, ServiceId, Task, TaskArn,
    TaskDefinitionArn,
};

use super::concurrency::{LARGE_AT_ONCE, few_at_once, some_at_once};
use super::matching::{complete, is_cluster_missing};
use super::{Reader, gap};

const LIST: Operation = Operation::ListTasks;
const DESCRIBE: Operation = Operation::DescribeTasks;
const CONTAINER_INSTANCES: Operation = Operation::DescribeContainerInstances;

/// A task before the instances are known that carry those without an address of their own.
struct FoundTask {
    task: Task,
    /// What is bound on its instance, where it has no address of its own.
    bindings: Option<Vec<Binding>>,
}

/// A task that is not STOPPED. Its group names the service that has started it. A task that was started alone counts for the
/// instance that carries it, and may be in a group of any name: it is filed under one that no service can have.
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

/// What was read of a cluster: its tasks, and whether the instances are known that carry them.
type ReadCluster = (ClusterTasks, Seen<()>);

impl Reader {
    /// Tasks of services, with everything else that runs in their clusters. The list of a cluster costs less than one for each
    /// service.
    pub(super) async fn tasks(&self, ids: &BTreeSet<ServiceId>) -> Vec<Answer> {
        let names: BTreeSet<String> = ids.iter().map(|id| id.cluster.clone()).collect();
        let (mut clusters, mut answers) = self.tasks_of_clusters(&names, sdk::DesiredStatus::Running).await;
        for id in ids {
            let seen = match clusters.get_mut(&id.cluster) {
                None => continue,
                Some(Err(gap)) => Seen::Unknown(gap.clone()),
                Some(Ok(found)) => Seen::Present(found.remove(id).unwrap_or_default()),
            };
            answers.push(Answer::Tasks(id.clone(), seen));
        }
        for (cluster, read) in clusters {
            if let Ok(others) = read {
                answers.push(Answer::OtherTasks(cluster, Seen::Present(others.into_values().flatten().collect())));
            }
        }
        answers
    }

    /// Tasks of clusters that ECS lists as STOPPED before they are.
    pub(super) async fn stopping_tasks(&self, names: &BTreeSet<String>) -> Vec<Answer> {
        let (clusters, mut answers) = self.tasks_of_clusters(names, sdk::DesiredStatus::Stopped).await;
        for (cluster, read) in clusters {
            let seen = read.map_or_else(Seen::Unknown, Seen::Present);
            answers.push(Answer::StoppingTasks(cluster, seen));
        }
        answers
    }

    /// The tasks of clusters, and what came along: the instances that carry them.
    async fn tasks_of_clusters(
        &self,
        names: &BTreeSet<String>,
        status: sdk::DesiredStatus,
    ) -> (BTreeMap<String, Result<ClusterTasks, Gap>>, Vec<Answer>) {
        let all = names.iter().map(|cluster| self.tasks_of_cluster(cluster, status.clone()));
        let (mut clusters, mut instances, mut answers) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for (cluster, read) in names.iter().zip(few_at_once(all).await) {
            let read = read.map(|(tasks, placements)| {
                answers.push(Answer::TaskPlacements(cluster.clone(), placements));
                instances.extend(tasks.values().flatten().filter_map(|task| match &task.placement {
                    Placement::Instance { instance, .. } => Some(instance.clone()),
                    Placement::Address(_) | Placement::Unknown => None,
                }));
                tasks
            });
            clusters.insert(cluster.clone(), read.map_err(|error| gap(&error)));
        }
        answers.extend(self.hosts(&instances).await.into_iter().map(|(id, seen)| Answer::Host(id, seen)));
        (clusters, answers)
    }

    /// Every task of a cluster that is not STOPPED.
    async fn tasks_of_cluster(&self, cluster: &str, status: sdk::DesiredStatus) -> Result<ReadCluster, AwsError> {
        let request = self.clients.reading.ecs.list_tasks().cluster(cluster).desired_status(status);
        let pages = request.set_max_results(LIST.page()).into_paginator().send();
        let arns: Vec<String> = match self.ask(LIST, pages.try_collect()).await {
            Ok(pages) => pages.into_iter().flat_map(|page| page.task_arns.unwrap_or_default()).collect(),
            Err(error) if is_cluster_missing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let batches = arns.chunks(100).map(|arns| self.describe_tasks(cluster, arns));
        let mut found = Vec::new();
        for batch in some_at_once(LARGE_AT_ONCE, batches).await {
            found.extend(batch?);
        }
        found.sort_by(|a: &FoundTask, b| a.task.arn.cmp(&b.task.arn));
        let (instances, placements) = self.container_instances(cluster, &found).await;
        let mut tasks = ClusterTasks::new();
        for task in found.into_iter().map(|found| found.place(&instances)) {
            tasks.entry(task.service.clone()).or_default().push(task);
        }
        Ok((tasks, placements))
    }

    async fn describe_tasks(&self, cluster: &str, arns: &[String]) -> Result<Vec<FoundTask>, AwsError> {
        let request = self.clients.reading.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
        let answer = self.ask(DESCRIBE, request.send()).await?;
        // What is missing ended between the two calls.
        complete(DESCRIBE.call(), arns, answer.tasks().iter().map(sdk::Task::task_arn), answer.failures())?;
        Ok(answer.tasks().iter().filter_map(|task| found_from_sdk(cluster, task)).collect())
    }

    /// The EC2 instances behind the container instances of tasks that have no address of their own.
    async fn container_instances(
        &self,
        cluster: &str,
        tasks: &[FoundTask],
    ) -> (BTreeMap<String, InstanceId>, Seen<()>) {
        let unplaced = tasks.iter().filter(|found| found.bindings.is_some());
        let arns: BTreeSet<&String> = unplaced.filter_map(|found| found.task.container_instance.as_ref()).collect();
        let arns: Vec<String> = arns.into_iter().cloned().collect();
        let batches = arns.chunks(100).map(async |arns| {
            let client = &self.clients.reading.ecs;
            let request = client.describe_container_instances().cluster(cluster);
            let answer =
                self.ask(CONTAINER_INSTANCES, request.set_container_instances(Some(arns.to_vec())).send()).await?;
            let answered = answer.container_instances().iter().map(sdk::ContainerInstance::container_instance_arn);
            complete(CONTAINER_INSTANCES.call(), arns, answered, answer.failures())?;
            Ok(answer.container_instances.unwrap_or_default())
        });
        let mut instances = BTreeMap::new();
        let mut placements = Seen::Present(());
        for batch in few_at_once(batches).await {
            match batch {
                Ok(list) => instances.extend(list.iter().filter_map(|instance| {
                    let id = InstanceId::from(instance.ec2_instance_id()?);
                    Some((instance.container_instance_arn()?.to_owned(), id))
                })),
                Err(error) => placements = Seen::Unknown(gap(&error)),
            }
        }
        (instances, placements)
    }
}
