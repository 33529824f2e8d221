//! Reads AWS: what to ask, in batches and pages, and what stays unknown when a call fails.
//!
//! What hangs together is read in one chain (`ecs`: services → task definitions, tasks → instances; `balancing`: load
//! balancers → listeners → rules → tags), the chains run side by side, and the questions that planning has about the
//! result are asked last. An error never ends the reading: it becomes [`Seen::Unknown`] for what it was about.

mod background;
mod balancing;
mod cache;
mod concurrency;
mod deployments;
mod endpoint_services;
mod gaps;
mod groups;
mod hosts;
mod interfaces;
mod matching;
mod named_target_groups;
mod network;
mod removal;
mod routes;
mod services;
mod standing;
mod stopped_tasks;
mod surroundings;
mod target_health;
mod task_definitions;
mod tasks;
mod under_way;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::sync::{Semaphore, oneshot};

use crate::apply::{AwsError, ErrorKind, Observe, Watch, Watched};
use crate::model::{
    Desired, Gap, Given, Observed, Question, Seen, Target, TargetGroupArn, TaskDefinition, TaskDefinitionArn, Vicinity,
};
use crate::plan::questions;

use super::{Clients, error};
use background::Haste;
use cache::{Cache, Turn};

/// Most calls under way at a time.
const IN_FLIGHT: usize = 16;

/// Reads AWS. Remembers task definitions, which never change, for as long as it lives; and, when it is to look again and
/// again, answers that stand for a while.
#[derive(Debug)]
pub struct Reader {
    clients: Clients,
    permits: Semaphore,
    task_definitions: Mutex<BTreeMap<TaskDefinitionArn, TaskDefinition>>,
    cache: Cache,
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
            cache: Cache::default(),
            lacks_deployments: AtomicBool::new(false),
        }
    }

    /// Sends a request, or all pages of one, when there is room for it.
    fn ask<T, E>(
        &self,
        call: &'static str,
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
            error::answer(call, request).await
        };
        async move {
            self.clients.rate_limiter.limited(call, sending).await.inspect_err(|error| {
                tracing::warn!(call = error.call, code = error.code, error = error.message, "read failed");
            })
        }
    }
}

impl Reader {
    /// One look. The health of the declared target groups, a call each, is most of what a large fleet costs: it is asked as soon
    /// as the target groups are known, so that no bucket of AWS stays full while a slower chain is read.
    async fn look(&self, desired: &Desired, turn: &Turn<'_>) -> Observed {
        let (found, declared) = oneshot::channel();
        let health = async {
            // Without an answer, there are no target groups to ask for.
            let arns = declared.await.unwrap_or_default();
            self.target_health(&arns, turn).await
        };
        let (mut observed, health) = tokio::join!(Box::pin(self.structure(desired, turn, found)), Box::pin(health));
        observed.targets.extend(health);
        Box::pin(self.explain(desired, &mut observed)).await;
        Box::pin(self.locate_nodes(desired, &mut observed, turn)).await;
        let lists = questions::prefix_lists_to_read(&Given::new(desired, &observed));
        if !lists.is_empty() {
            observed.prefix_lists = Box::pin(self.prefix_lists(&lists)).await;
            // The entries may be the addresses of nodes.
            Box::pin(self.locate_nodes(desired, &mut observed, turn)).await;
        }
        gaps::note(desired, &mut observed);
        observed
    }

    /// Everything but the health of the declared target groups; these are sent to `found` once they are known.
    async fn structure(
        &self,
        desired: &Desired,
        turn: &Turn<'_>,
        found: oneshot::Sender<BTreeSet<TargetGroupArn>>,
    ) -> Observed {
        let mut observed = Observed::unasked(self.clients.region());
        let (ecs, balancing, network) = tokio::join!(
            Box::pin(self.services(desired)),
            Box::pin(self.balancing(desired, turn, found)),
            Box::pin(self.network(desired))
        );
        ecs.store(&mut observed);
        balancing.store(&mut observed);
        network.store(&mut observed);

        let mut further = questions::further(&Given::new(desired, &observed));
        let declared = balancing::declared(desired, &observed.target_groups);
        further.health.retain(|arn| !declared.contains(arn));
        // Boxed: what the SDK nests would take much of a stack.
        let (ingress, targets, past, under_way, owners, carriers, named, attributes, routes) = tokio::join!(
            Box::pin(self.ingress(&further.ingress)),
            Box::pin(self.target_health(&further.health, turn)),
            Box::pin(self.past_deployments(&further.past_deployments, &observed)),
            Box::pin(self.under_way(&further.past_deployments, &observed)),
            Box::pin(self.owners(&further.owners, turn)),
            Box::pin(self.carriers(&further.carriers)),
            Box::pin(self.named_target_groups(&further.clusters)),
            Box::pin(self.attributes_of(&further.attributes, turn)),
            Box::pin(self.routes(&further.routes)),
        );
        observed.ingress = ingress;
        observed.targets = targets;
        observed.past_deployments = past;
        observed.under_way = under_way;
        observed.group_addresses = carriers;
        observed.named_target_groups = named;
        observed.attributes.extend(attributes);
        observed.routes = routes;
        balancing::store_tags(owners, &mut observed);
        observed
    }

    /// Asks where network load balancers send from, where rules by address may allow it.
    async fn locate_nodes(&self, desired: &Desired, observed: &mut Observed, turn: &Turn<'_>) {
        let mut wanted = questions::nodes_to_read(&Given::new(desired, observed));
        wanted.balancers.retain(|arn| !observed.nodes.contains_key(arn));
        if wanted.balancers.is_empty() {
            return;
        }
        let (nodes, attributes) =
            tokio::join!(self.nodes_of(&wanted.balancers, Haste::Now), self.attributes_of(&wanted.attributes, turn));
        observed.nodes.extend(nodes);
        observed.attributes.extend(attributes);
    }

    /// Asks what may explain registrations that nothing explains so far.
    async fn explain(&self, desired: &Desired, observed: &mut Observed) {
        let unexplained = questions::unexplained_targets(&Given::new(desired, observed));
        if !unexplained.is_empty() {
            let clusters = observed.tasks.keys().map(|service| service.cluster.clone()).collect();
            let (stopping, interfaces, hosts) = tokio::join!(
                self.stopping_tasks(&clusters),
                self.interfaces(&unexplained.addresses, &observed.subnets),
                self.hosts(&unexplained.instances),
            );
            stopping.store(observed);
            observed.address_owners = interfaces;
            observed.hosts.extend(hosts);
        }
        observed.other_tasks.retain(|task| unexplained.keys.iter().any(|key| task.has(key)));
        let older = questions::services_with_older_tasks(&Given::new(desired, observed));
        if !older.is_empty() {
            observed.revisions = self.revisions(&older, observed).await;
        }
    }
}

impl Observe for Reader {
    async fn observe(&self, desired: &Desired) -> Observed {
        self.look(desired, &Turn::Whole).await
    }

    async fn surroundings(&self, desired: &Desired, observed: &Observed) -> Observed {
        self.read_around(Vicinity::of(desired, observed, &Observed::unasked(&observed.region)), Haste::Now).await
    }
}

impl Watch for Reader {
    async fn watch(&self, desired: &Desired, renew: &BTreeSet<Question>) -> Watched {
        let before = self.clients.calls().balancing();
        self.cache.begin();
        let observed = self.look(desired, &Turn::Again { cache: &self.cache, renew }).await;
        self.cache.end();
        self.forget_definitions(&observed);
        let balancing_calls = self.clients.calls().balancing().saturating_sub(before);
        Watched { observed, ages: self.cache.ages(), balancing_calls }
    }

    async fn renew(&self, desired: &Desired, watched: &mut Watched, questions: &BTreeSet<Question>) {
        let before = self.clients.calls().balancing();
        let turn = Turn::Again { cache: &self.cache, renew: questions };
        let (mut health, mut attributes, mut tags) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for question in questions {
            match question {
                Question::Health(arn) => _ = health.insert(arn.clone()),
                Question::Attributes(arn) => _ = attributes.insert(arn.clone()),
                Question::Tags(arn) => tags.push(arn.clone()),
                Question::Limits => watched.observed.limits = self.limits(&turn).await,
            }
        }
        let (health, attributes, tags) = tokio::join!(
            self.target_health(&health, &turn),
            self.attributes_of(&attributes, &turn),
            self.tags(&tags, &turn),
        );
        let observed = &mut watched.observed;
        observed.targets.extend(health);
        observed.attributes.extend(attributes);
        balancing::store_tags(tags, observed);
        self.explain(desired, observed).await;
        gaps::note(desired, observed);
        watched.ages = self.cache.ages();
        watched.balancing_calls = self.clients.calls().balancing().saturating_sub(before);
    }

    async fn ask_health(&self, groups: &BTreeSet<TargetGroupArn>) -> BTreeMap<TargetGroupArn, Seen<Vec<Target>>> {
        let questions = groups.iter().cloned().map(Question::Health).collect();
        self.target_health(groups, &Turn::Again { cache: &self.cache, renew: &questions }).await
    }
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

const NOT_ASKED: &str = "not asked";

/// For what the manifest does not need.
fn not_asked(call: &str) -> Gap {
    Gap { call: call.to_owned(), why: NOT_ASKED.to_owned() }
}
