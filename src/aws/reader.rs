//! Reads AWS: for each kind of query the requests that answer it, in batches and pages, and what stays unknown when a call
//! fails. What is asked, and when, is decided elsewhere ([`crate::pass::Reading`]).
//!
//! An error never ends a reading: it becomes [`Seen::Unknown`] for what it was about.

mod balancing;
mod cluster_services;
mod concurrency;
mod deployments;
mod endpoint_services;
mod groups;
mod hosts;
mod interfaces;
mod matching;
mod network;
mod removal;
mod routes;
mod services;
mod stopped_tasks;
mod target_health;
mod task_definitions;
mod tasks;
mod under_way;
mod vpcs;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::apply::{Answers, AwsError, ErrorKind, Read};
use crate::model::{Answer, Gap, Observed, Operation, Queries, Seen, ServiceId, TaskDefinitionArn};

use super::{Clients, error};
use concurrency::{AT_ONCE, LARGE_AT_ONCE};

/// Most calls under way at a time.
const IN_FLIGHT: usize = 16;

/// Reads AWS. Remembers task definitions, which never change.
#[derive(Debug)]
pub struct Reader {
    clients: Clients,
    permits: Semaphore,
    task_definitions: Mutex<BTreeMap<TaskDefinitionArn, task_definitions::Known>>,
    /// The endpoint said that it cannot list deployments; it is not asked again.
    lacks_deployments: AtomicBool,
}

impl Reader {
    /// A reader with an empty memory.
    pub fn new(clients: &Clients) -> Self {
        Self {
            clients: clients.clone(),
            permits: Semaphore::new(IN_FLIGHT),
            task_definitions: Mutex::new(BTreeMap::new()),
            lacks_deployments: AtomicBool::new(false),
        }
    }

    /// Sends a request, or all pages of one, when there is room for it.
    fn ask<T, E>(
        &self,
        operation: Operation,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> impl Future<Output = Result<T, AwsError>>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        // What the SDK needs for a call is kilobytes: by value, every future around it would hold them once more, and move
        // them whenever it is moved.
        let request = Box::pin(request);
        let sending = async move {
            // The semaphore is never closed, so there is always a permit in the end.
            let _permit = self.permits.acquire().await;
            error::answer(operation.call(), request).await
        };
        async move {
            self.clients.rate_limiter.limited(operation.call(), sending).await.inspect_err(|error| {
                tracing::warn!(call = error.call, code = error.code, error = error.message, "read failed");
            })
        }
    }
}

impl Read for Reader {
    fn region(&self) -> &str {
        self.clients.region()
    }

    fn balancing_calls(&self) -> u64 {
        self.clients.calls().balancing()
    }

    fn read<'r>(&'r self, queries: Queries, known: &Observed) -> Answers<'r> {
        match queries {
            Queries::Account => one(async { Answer::Account(self.account().await) }),
            Queries::ClusterNames => one(async { Answer::ClusterNames(self.cluster_names().await) }),
            Queries::Vpcs => one(async { Answer::Vpcs(self.vpcs().await) }),
            Queries::Subnets => one(async { Answer::Subnets(self.subnets().await) }),
            Queries::SecurityGroups => one(async { Answer::SecurityGroups(self.security_groups().await) }),
            Queries::LoadBalancers => one(async { Answer::LoadBalancers(self.load_balancers().await) }),
            Queries::TargetGroups => one(async { Answer::TargetGroups(self.target_groups().await) }),
            Queries::Limits => one(async { Answer::Limits(self.limits().await) }),
            Queries::EndpointServices => one(async { Answer::EndpointServices(self.endpoint_services().await) }),
            Queries::MarkedIngress(fleets) => each(fleets, async |fleet| {
                let seen = self.marked_ingress(&fleet).await;
                Answer::MarkedIngress(fleet, seen)
            }),
            Queries::ServiceNames(clusters) => each(clusters, async |cluster| {
                let seen = self.service_names(&cluster).await;
                Answer::ServiceNames(cluster, seen)
            }),
            Queries::Cluster(names) => all(async move { self.clusters(names).await }, Answer::Cluster),
            Queries::Service(ids) => all(async move { self.describe_services(&ids).await }, Answer::Service),
            Queries::ScalableTarget(ids) => {
                all(async move { self.scalable_targets(&ids).await }, Answer::ScalableTarget)
            }
            Queries::TaskDefinition(arns) => {
                self.age_definitions();
                each(arns, async |arn| {
                    let seen = self.task_definition(&arn).await;
                    Answer::TaskDefinition(arn, seen)
                })
            }
            Queries::Tasks(ids) => many(async move { self.tasks(&ids).await }),
            Queries::StoppingTasks(clusters) => many(async move { self.stopping_tasks(&clusters).await }),
            // They come along with the tasks and with the rules.
            Queries::OtherTasks(_) | Queries::TaskPlacements(_) | Queries::Egress(_) => stream::empty().boxed_local(),
            Queries::PastDeployments(ids) => {
                let services = services(&ids, known);
                all(async move { self.past_deployments(&services).await }, Answer::PastDeployments)
            }
            Queries::ServiceDeployments(ids) => {
                all(async move { self.service_deployments(&ids).await }, Answer::ServiceDeployments)
            }
            Queries::UnderWay(ids) => {
                let services = services(&ids, known);
                all(async move { self.under_way(&services).await }, Answer::UnderWay)
            }
            Queries::Revisions(ids) => {
                let services = services(&ids, known);
                all(async move { self.revisions(&services).await }, Answer::Revisions)
            }
            Queries::StoppedTasks(ids) => all(async move { self.stopped_tasks(&ids).await }, Answer::StoppedTasks),
            Queries::ClusterServices(clusters) => {
                all(async move { self.cluster_services(&clusters).await }, Answer::ClusterServices)
            }
            Queries::ContainerInstance(arns) => {
                let clusters = hosts::by_cluster(&arns, known);
                all(async move { self.instances_behind(&clusters).await }, Answer::ContainerInstance)
            }
            Queries::Host(ids) => all(async move { self.hosts(&ids).await }, Answer::Host),
            Queries::AddressOwner(addresses) => {
                let subnets = known.subnets.clone();
                all(async move { self.address_owners(&addresses, &subnets).await }, Answer::AddressOwner)
            }
            Queries::Interface(addresses) => {
                let vpcs = known.network_acls.keys().cloned().collect();
                all(async move { self.interfaces(&addresses, &vpcs).await }, Answer::Interface)
            }
            Queries::Nodes(arns) => all(async move { self.nodes_of(&arns).await }, Answer::Nodes),
            Queries::GroupAddresses(groups) => {
                all(async move { self.group_addresses(&groups).await }, Answer::GroupAddresses)
            }
            Queries::SecurityGroupRules(groups) => many(async move {
                let (ingress, egress) = self.rules_of_groups(&groups).await;
                let ingress = ingress.into_iter().map(|(id, seen)| Answer::SecurityGroupRules(id, seen));
                ingress.chain(egress.into_iter().map(|(id, seen)| Answer::Egress(id, seen))).collect()
            }),
            Queries::PrefixList(ids) => all(async move { self.prefix_lists(&ids).await }, Answer::PrefixList),
            Queries::NetworkAcls(vpcs) => all(async move { self.network_acls(&vpcs).await }, Answer::NetworkAcls),
            Queries::RouteTables(vpcs) => all(async move { self.route_tables(&vpcs).await }, Answer::RouteTables),
            Queries::Routes(vpcs) => all(async move { self.routes(&vpcs).await }, Answer::Routes),
            Queries::LoadBalancerAttributes(arns) => each(arns, async |arn| {
                let seen = self.balancer_attributes(&arn).await;
                Answer::LoadBalancerAttributes(arn, seen)
            }),
            Queries::Listeners(arns) => each(arns, async |arn| {
                let seen = self.listeners(&arn).await;
                Answer::Listeners(arn, seen)
            }),
            Queries::Rules(arns) => some(LARGE_AT_ONCE, arns, async |arn| {
                let seen = self.rules(&arn).await;
                Answer::Rules(arn, seen)
            }),
            Queries::Tags(arns) => all(async move { self.tags(&arns).await }, Answer::Tags),
            Queries::Attributes(arns) => each(arns, async |arn| {
                let seen = self.attributes(&arn).await;
                Answer::Attributes(arn, seen)
            }),
            Queries::Health(arns) => each(arns, async |arn| {
                let seen = self.health(&arn).await;
                Answer::Health(arn, seen)
            }),
        }
    }
}

fn one<'r>(answer: impl Future<Output = Answer> + 'r) -> Answers<'r> {
    stream::once(answer).boxed_local()
}

/// Answers that come together.
fn many<'r>(answers: impl Future<Output = Vec<Answer>> + 'r) -> Answers<'r> {
    stream::once(answers).flat_map(stream::iter).boxed_local()
}

/// Answers of one kind that come together.
fn all<'r, K: 'r, T: 'r>(
    answers: impl Future<Output = BTreeMap<K, Seen<T>>> + 'r,
    answer: fn(K, Seen<T>) -> Answer,
) -> Answers<'r> {
    let answers = stream::once(answers).flat_map(stream::iter);
    answers.map(move |(key, seen)| answer(key, seen)).boxed_local()
}

/// An answer for each key, as they arrive.
fn each<'r, K: 'r>(keys: BTreeSet<K>, ask: impl AsyncFn(K) -> Answer + 'r) -> Answers<'r> {
    some(AT_ONCE, keys, ask)
}

/// As [`each`], so many of them under way.
fn some<'r, K: 'r>(most: usize, keys: BTreeSet<K>, ask: impl AsyncFn(K) -> Answer + 'r) -> Answers<'r> {
    let ask = std::rc::Rc::new(ask);
    let asked = stream::iter(keys).map(move |key| {
        let ask = ask.clone();
        async move { ask(key).await }
    });
    asked.buffered(most).boxed_local()
}

/// What is known of services.
fn services(ids: &BTreeSet<ServiceId>, known: &Observed) -> BTreeMap<ServiceId, Seen<crate::model::Service>> {
    let known = |id: &ServiceId| match known.service(id) {
        Seen::Present(service) => Seen::Present(service.clone()),
        Seen::Absent => Seen::Absent,
        Seen::Unknown(gap) => Seen::Unknown(gap),
    };
    ids.iter().map(|id| (id.clone(), known(id))).collect()
}

/// What an error leaves: not known.
fn unknown<T>(error: &AwsError) -> Seen<T> {
    Seen::Unknown(gap(error))
}

/// The gap that an error leaves. Who has no valid credentials, or no way to AWS, needs more than a code.
fn gap(error: &AwsError) -> Gap {
    let why = if matches!(error.code.as_str(), "Dispatch" | "NoCredentials") {
        // Nothing came from AWS: the code is Portolan's own, and says no more.
        error.message.clone()
    } else if matches!(error.kind, ErrorKind::Credentials | ErrorKind::Transient) && !error.message.is_empty() {
        format!("{}: {}", error.code, error.message)
    } else {
        error.code.clone()
    };
    Gap { call: error.call.clone(), why }
}

/// What an error leaves where the thing that was asked for may just not be there.
fn absent_or_unknown<T>(error: &AwsError) -> Seen<T> {
    if error.kind == ErrorKind::NotFound { Seen::Absent } else { unknown(error) }
}
