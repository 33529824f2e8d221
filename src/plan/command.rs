//! What a person asks for by a verb of its own: `portolan rollback` and `portolan restart`. Asking is the consent to a
//! deployment; modes, owners and a deployment in progress are respected as everywhere.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::{
    Awsvpc, Deployment, DeploymentEnd, DeploymentState, Desired, DesiredService, Given, LoadBalancerEntry, ObjectRef,
    Observed, PastDeployment, Query, Rollout, Seen, Service, Strategy, owner,
};
use crate::shape::{Path, Tree};

use super::action::{Action, Ref, ServiceBelief};
use super::change::Change;
use super::content;
use super::definition::TASK_DEFINITION_FIELD;
use super::draft::{Draft, DraftId, Drafts, Obstacle, need};
use super::field::Field;
use super::overdue;
use super::reason::Reason;
use super::rolled_back::{self, Brings};
use super::service::live_service;

/// What is asked for, by the key of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Go back to the last deployment that succeeded before the current one, or stop the one that is in progress.
    Rollback(String),
    /// Start a deployment of what is live: new tasks read their secrets and images again.
    Restart(String),
}

impl Command {
    /// The key of the service.
    pub fn key(&self) -> &str {
        match self {
            Self::Rollback(key) | Self::Restart(key) => key,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Rollback(_) => "rollback",
            Self::Restart(_) => "restart",
        }
    }
}

/// What a command needs to know beyond what planning knows, given what is known so far.
pub fn command_needs(desired: &Desired, observed: &Observed, command: &Command) -> BTreeSet<Query> {
    let (Command::Rollback(key), Some(wanted)) = (command, desired.services.get(command.key())) else {
        return BTreeSet::new();
    };
    debug_assert_eq!(*key, wanted.key, "a command is about the service of its key");
    let Seen::Present(live) = observed.service(&wanted.id) else { return BTreeSet::new() };
    let mut needs = BTreeSet::from([
        Query::PastDeployments(wanted.id.clone()),
        Query::ServiceDeployments(wanted.id.clone()),
        Query::TaskDefinition(live.task_definition.clone()),
    ]);
    if let (Seen::Present(past), Ok(taken_back)) =
        (observed.past_deployments_of(&wanted.id), rolled_back::taken_back(live))
    {
        let content = observed.task_definition(&live.task_definition).present().map(|definition| &*definition.content);
        let found = content.and_then(|content| candidate(live, content, past, &taken_back));
        needs.extend(found.map(|found| Query::TaskDefinition(found.task_definition.clone())));
    }
    needs
}

pub(super) fn plan_command(given: &Given<'_>, command: &Command, drafts: &mut Drafts) {
    let Some(wanted) = given.desired.services.get(command.key()) else { return };
    let object = ObjectRef::service(&wanted.key);
    let live = match live_service(given.observed, wanted) {
        Ok(live) => live,
        Err(obstacle) => return obstacle.block(drafts, &object),
    };
    let what = format!("{} of service {}", command.word(), wanted.id);
    if let Some(owner) = live.other_owner() {
        return drafts.defer(&object, what, owner);
    }
    let planned = match command {
        Command::Restart(_) => restart(given, wanted, live, drafts),
        Command::Rollback(_) => match live.primary().filter(|one| one.rollout == Some(Rollout::InProgress)) {
            Some(primary) => stop(given, wanted, live, primary, drafts),
            None => roll_back(given, wanted, live, drafts),
        },
    };
    if let Err(obstacle) = planned {
        Obstacle { what, ..obstacle }.block(drafts, &object);
    }
}

/// Why a command is not planned; what it is about is said by the caller.
fn why(because: impl Into<String>, to_unblock: impl Into<String>) -> Obstacle {
    Obstacle::difference("", Reason::new(because, to_unblock))
}

fn restart(given: &Given<'_>, wanted: &DesiredService, live: &Service, drafts: &mut Drafts) -> Result<(), Obstacle> {
    let running = live.task_definition.name();
    if given.observed.task_definition(&live.task_definition).present().is_some_and(|definition| !definition.active) {
        return Err(why(
            format!("{running} is INACTIVE, and ECS rejects updates that use it"),
            "deploy an ACTIVE revision first",
        ));
    }
    let members = Map::from_iter([("forceNewDeployment".to_owned(), Value::Bool(true))]);
    let action = Action::UpdateService {
        service: wanted.id.clone(),
        task_definition: None,
        load_balancers: None,
        network: None,
        members: Tree::new(members),
        expect: ServiceBelief::of(live),
    };
    drafts.push(Draft {
        summary: format!("replace the tasks of {running} with a new deployment"),
        reason: "a restart was asked for; new tasks read their secrets and images again".to_owned(),
        redeploys: true,
        ..draft(wanted, action)
    });
    Ok(())
}

/// A step of a command, without what is said of it.
fn draft(wanted: &DesiredService, action: Action) -> Draft {
    Draft {
        action,
        object: ObjectRef::service(&wanted.key),
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: String::new(),
        reason: String::new(),
        changes: Vec::new(),
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

/// Stops the deployment that is in progress.
fn stop(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    primary: &Deployment,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let in_progress = format!("a deployment of service {} is in progress", wanted.id);
    let listed = match given.observed.service_deployments_of(&wanted.id) {
        Seen::Present(listed) => listed,
        Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
        Seen::Absent => {
            return Err(why(format!("{in_progress}, and the endpoint cannot stop it"), "wait for it to end"));
        }
    };
    let found = listed.iter().find(|one| one.is(&primary.id)).filter(|one| one.state.is_under_way());
    let Some(found) = found else {
        let is_taken_back = |state| state == DeploymentState::Ended(DeploymentEnd::RollingBack);
        let because = match listed.first() {
            Some(newest) if is_taken_back(newest.state) => "ECS is rolling the newest deployment back".to_owned(),
            Some(_) | None => format!("{in_progress}, and ECS does not list it as one that can be stopped"),
        };
        return Err(why(because, "wait for it to end"));
    };
    let past =
        need(given.observed.past_deployments_of(&wanted.id), String::new, || "ECS reports no past deployments of it")?;
    if overdue::has_nothing_before(live, Some(past)) {
        return Err(why(
            format!("{in_progress}, and it is the first one: ECS has nothing to roll back to"),
            "set desiredCount: 0 to stop its tasks, or deploy a revision that works",
        ));
    }
    let before = past.iter().find(|past| past.end == DeploymentEnd::Successful);
    let tokens = match given.observed.task_definition(&live.task_definition) {
        Seen::Present(running) => tokens(live, &running.content, before),
        Seen::Absent => Vec::new(),
        Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
    };
    let tag = tag(wanted, live, tokens, drafts)?;
    let reason = "a rollback was asked for while the deployment is in progress".to_owned();
    let mut step = overdue::stop(wanted, primary, &found.arn, reason);
    step.after.extend(tag);
    drafts.push(step);
    Ok(())
}

/// Deploys what the last successful deployment before the current one ran.
fn roll_back(given: &Given<'_>, wanted: &DesiredService, live: &Service, drafts: &mut Drafts) -> Result<(), Obstacle> {
    let past = need(given.observed.past_deployments_of(&wanted.id), String::new, || {
        "ECS reports no past deployments of it".to_owned()
    })?;
    let what = || format!("task definition {}", live.task_definition);
    let running = need(given.observed.task_definition(&live.task_definition), what, || "it does not exist".to_owned())?;
    let taken_back = rolled_back::taken_back(live)?;
    let Some(target) = candidate(live, &running.content, past, &taken_back) else {
        return Err(why(
            "ECS lists no successful deployment of anything else (it lists the newest 20, for 90 days)",
            "declare what to run: taskDefinition: {family: NAME, revision: NUMBER}",
        ));
    };
    let name = target.task_definition.name();
    let definition = given.observed.task_definition(&target.task_definition);
    let found = need(definition, || name.to_owned(), || format!("task definition {name} does not exist any more"))?;
    if !found.active {
        return Err(why(
            format!("{name} is INACTIVE, and ECS rejects updates that use it"),
            "declare an ACTIVE revision",
        ));
    }
    let moves = target.task_definition != live.task_definition;
    let rewires = sorted(&target.load_balancers) != sorted(&live.load_balancers);
    let network = target.network.clone().filter(|network| live.network.as_ref() != Some(network));
    if rewires {
        check_wiring(given, live, target)?;
    }
    let tag = tag(wanted, live, tokens(live, &running.content, Some(target)), drafts)?;
    let entries = target.load_balancers.iter().map(|entry| (entry.target_group.clone().map(Ref::Known), entry.clone()));
    let action = Action::UpdateService {
        service: wanted.id.clone(),
        task_definition: moves.then(|| Ref::Known(target.task_definition.clone())),
        load_balancers: rewires.then(|| entries.collect()),
        network: network.clone(),
        members: Tree::default(),
        expect: ServiceBelief::of(live).and_of(past),
    };
    drafts.push(Draft {
        summary: format!("roll back to {name} with a new deployment"),
        reason: format!(
            "a rollback was asked for; {name} is what the last successful deployment before the current one ran"
        ),
        changes: changes(live, target, moves, rewires, network.as_ref()),
        after: tag.into_iter().collect(),
        redeploys: true,
        ..draft(wanted, action)
    });
    Ok(())
}

/// The newest deployment that succeeded with something else than is live, and that was not rolled back by hand.
fn candidate<'a>(
    live: &Service,
    content: &Tree,
    past: &'a [PastDeployment],
    taken_back: &BTreeSet<String>,
) -> Option<&'a PastDeployment> {
    let differs = |past: &PastDeployment| !tokens(live, content, Some(past)).is_empty();
    let was_taken_back = |past: &PastDeployment| {
        past.content.as_ref().is_some_and(|content| taken_back.contains(&content::fingerprint(content)))
    };
    past.iter().filter(|past| past.end == DeploymentEnd::Successful).find(|past| differs(past) && !was_taken_back(past))
}

/// Fingerprints of what is live and is otherwise in a past deployment; all of it where there is none.
fn tokens(live: &Service, content: &Tree, past: Option<&PastDeployment>) -> Vec<String> {
    let same_content = past.is_some_and(|past| match &past.content {
        Some(own) => content::is_same_content(own, content),
        None => past.task_definition == live.task_definition,
    });
    let same_wiring = past.is_none_or(|past| sorted(&past.load_balancers) == sorted(&live.load_balancers));
    let same_network = past.is_none_or(|past| past.network.is_none() || past.network == live.network);
    let brings = Brings {
        content: (!same_content).then_some(content),
        load_balancers: None,
        network: live.network.as_ref().filter(|_| !same_network),
    };
    let mut tokens = rolled_back::tokens(&brings);
    tokens.extend((!same_wiring).then(|| rolled_back::wiring_token(&live.load_balancers)));
    tokens
}

/// Keeps what is rolled back from as a tag, so that no later pass deploys it again.
fn tag(
    wanted: &DesiredService,
    live: &Service,
    tokens: Vec<String>,
    drafts: &mut Drafts,
) -> Result<Option<DraftId>, Obstacle> {
    if tokens.is_empty() {
        return Ok(None);
    }
    let before: Vec<String> = rolled_back::taken_back_in_order(live)?;
    let mut all = tokens;
    all.extend(before.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
    all.truncate(rolled_back::MOST_TOKENS);
    let value = all.join(" ");
    let field = Field::Member(Path::default().member("tags").entry(owner::ROLLED_BACK_TAG));
    let change = Change::of(field, (!before.is_empty()).then(|| before.join(" ")), Some(value.clone()));
    let tags = [(owner::ROLLED_BACK_TAG.to_owned(), value)].into();
    let action = Action::TagService { service: wanted.id.clone(), arn: live.arn.clone(), tags };
    Ok(Some(drafts.push(Draft {
        summary: format!("set the tag {}", owner::ROLLED_BACK_TAG),
        reason: "what is rolled back from is not deployed again until the manifest changes".to_owned(),
        changes: vec![change],
        ..draft(wanted, action)
    })))
}

/// ECS takes only load balancers that exist, and needs more than a list where it moves the traffic itself.
fn check_wiring(given: &Given<'_>, live: &Service, target: &PastDeployment) -> Result<(), Obstacle> {
    if live.strategy != Strategy::Rolling {
        return Err(why(
            "the load balancers of that deployment differ, and the service deploys blue/green",
            "change the load balancers in the manifest",
        ));
    }
    for arn in target.load_balancers.iter().filter_map(|entry| entry.target_group.as_ref()) {
        need(given.target_group(arn.as_str()), String::new, || {
            Reason::new(
                format!("target group {} of that deployment does not exist any more", arn.name()),
                "change the manifest",
            )
        })?;
    }
    Ok(())
}

fn changes(
    live: &Service,
    target: &PastDeployment,
    moves: bool,
    rewires: bool,
    network: Option<&Awsvpc>,
) -> Vec<Change> {
    let of = |name: &str, live: String, desired: String| {
        Change::of(Field::Member(Path::default().member(name)), Some(live), Some(desired))
    };
    let groups = |network: &Awsvpc| {
        let subnets = network.subnets.iter().map(ToString::to_string);
        subnets.chain(network.security_groups.iter().map(ToString::to_string)).collect::<Vec<_>>().join(", ")
    };
    let mut changes = Vec::new();
    if moves {
        let names = (live.task_definition.name().to_owned(), target.task_definition.name().to_owned());
        changes.push(of(TASK_DEFINITION_FIELD, names.0, names.1));
    }
    if rewires {
        changes.push(of("loadBalancers", shown(&live.load_balancers), shown(&target.load_balancers)));
    }
    if let (Some(now), Some(network)) = (&live.network, network) {
        changes.push(of("networkConfiguration", groups(now), groups(network)));
    }
    changes
}

fn shown(entries: &[LoadBalancerEntry]) -> String {
    let each = |entry: &LoadBalancerEntry| {
        let name = entry.target_group.as_ref().map(|arn| arn.name().to_owned()).or(entry.classic.clone());
        format!("{} ← {}:{}", name.unwrap_or_default(), entry.container, entry.container_port)
    };
    let all: Vec<String> = entries.iter().map(each).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn sorted(entries: &[LoadBalancerEntry]) -> Vec<LoadBalancerEntry> {
    let mut entries = entries.to_vec();
    entries.sort();
    entries
}
