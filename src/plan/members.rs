//! Members of a service with AWS's names that change without a deployment: what differs goes in one call, and tags in another.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::{DeploymentController, DesiredService, ObjectRef, Seen, Service, Strategy, Tags};
use crate::shape::{
    Controllers, Difference, Effect, Path, SERVICE, Tree, differences, overlay, without, without_outputs,
};

use super::action::Action;
use super::change::{Change, WaitingOn};
use super::draft::{Draft, Drafts};
use super::field::Field;
use super::reason::Reason;
use super::room;

/// The member whose entries are managed one by one: only written keys are compared.
const TAGS: &str = "tags";
/// The block that AWS wants without the settings of other strategies.
const DEPLOYMENT: &str = "deploymentConfiguration";
/// Where the tasks run of a service without such a strategy.
const LAUNCH_TYPE: &str = "launchType";
/// The strategy that AWS changes only with a forced deployment.
const PROVIDERS: &str = "capacityProviderStrategy";
/// The member of the call that forces one.
const FORCE: &str = "forceNewDeployment";
/// Settings of one strategy each: AWS refuses them under another.
const OF_STRATEGIES: [(&str, Strategy); 2] =
    [("linearConfiguration", Strategy::Linear), ("canaryConfiguration", Strategy::Canary)];

pub(super) fn plan_members(wanted: &DesiredService, live: &Service, drafts: &mut Drafts) {
    if wanted.members.is_empty() {
        return;
    }
    let object = ObjectRef::service(&wanted.key);
    let known = match &*live.members {
        Seen::Present(known) => known,
        Seen::Absent => return,
        Seen::Unknown(gap) => {
            let names: Vec<&str> = wanted.members.members().keys().map(String::as_str).collect();
            return drafts.block(&object, names.join(", "), WaitingOn::Gap(gap.clone()));
        }
    };
    plan_tags(wanted, live, known, drafts);
    let mut declared = wanted.members.members().clone();
    declared.remove(TAGS);
    let found = differences(&SERVICE, known.members(), &declared, &Path::default());
    // What starts a deployment goes with all else that does.
    let found = found.into_iter().filter(|difference| difference.effect != Effect::Deployment).collect();
    let found = without_return(known, &declared, found);
    let found = without_creation(&object, found, drafts);
    let found = without_other_controllers(&object, live, found, drafts);
    let found = without_strategy(&object, found, drafts);
    let found = without_deadlock(wanted, live, found, drafts);
    if found.is_empty() {
        return;
    }
    if live.strategy != Strategy::Rolling && live.is_deploying() {
        let because =
            "ECS takes no such change while a deployment moves the traffic; this step follows when it has ended";
        return drafts.plan_later(&object, describe(&found), because);
    }
    drafts.push(update(wanted, live, known, &declared, found));
}

/// Defers what AWS does not take with the service's deployment controller.
fn without_other_controllers(
    object: &ObjectRef,
    live: &Service,
    found: Vec<Difference>,
    drafts: &mut Drafts,
) -> Vec<Difference> {
    let Some(owner) = live.other_owner() else { return found };
    let is_taken = |difference: &Difference| {
        let row = difference.path.first().and_then(|name| SERVICE.member(name));
        match row.map_or(Controllers::Ecs, |row| row.controllers) {
            Controllers::Ecs => false,
            Controllers::EcsAndCodeDeploy => live.controller == DeploymentController::CodeDeploy,
            Controllers::All => true,
        }
    };
    let (taken, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(is_taken);
    if !refused.is_empty() {
        drafts.defer(object, describe(&refused), owner);
    }
    taken
}

/// Members of a service that only a deployment changes, and how they differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Redeployed {
    /// What is sent: whole members, and that a deployment is forced where AWS wants that.
    pub(super) members: Tree,
    /// What these members were.
    pub(super) before: Tree,
    pub(super) changes: Vec<Change>,
}

/// What of the members with AWS's names only a deployment changes.
pub(super) fn redeployed(wanted: &DesiredService, live: &Service) -> Redeployed {
    let Seen::Present(known) = &*live.members else { return Redeployed::default() };
    let declared = wanted.members.members();
    let found = differences(&SERVICE, known.members(), declared, &Path::default());
    let found: Vec<Difference> =
        found.into_iter().filter(|difference| difference.effect == Effect::Deployment).collect();
    if found.is_empty() {
        return Redeployed::default();
    }
    let differing: BTreeSet<&str> = found.iter().filter_map(|difference| difference.path.first()).collect();
    let of = |all: &Map<String, Value>| -> Map<String, Value> {
        all.iter().filter(|(name, _)| differing.contains(name.as_str())).map(owned).collect()
    };
    let before = of(known.members());
    let mut members = overlay(&SERVICE, &before, &of(declared));
    if differing.contains(PROVIDERS) {
        members.insert(FORCE.to_owned(), true.into());
    }
    Redeployed {
        members: Tree::new(members),
        before: Tree::new(before),
        changes: found.into_iter().map(change).collect(),
    }
}

/// Blocks what AWS sets when a service is created and never again.
fn without_creation(object: &ObjectRef, found: Vec<Difference>, drafts: &mut Drafts) -> Vec<Difference> {
    let (refused, taken): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|difference| difference.effect == Effect::Creation);
    if !refused.is_empty() {
        let reason = Reason::new(
            "it is set when a service is created, and ECS changes it never after",
            "correct the manifest, or create the service again under another name",
        );
        drafts.block_on(object, describe(&refused), reason);
    }
    taken
}

/// Leaves out the launch type to which a service returns when its capacity providers are taken away.
fn without_return(known: &Tree, declared: &Map<String, Value>, mut found: Vec<Difference>) -> Vec<Difference> {
    let returns = declared.get(PROVIDERS).and_then(Value::as_array).is_some_and(Vec::is_empty);
    if returns && known.get(LAUNCH_TYPE).is_none() {
        found.retain(|difference| difference.path.first() != Some(LAUNCH_TYPE));
    }
    found
}

/// Blocks percentages with which no deployment could replace a task.
fn without_deadlock(
    wanted: &DesiredService,
    live: &Service,
    found: Vec<Difference>,
    drafts: &mut Drafts,
) -> Vec<Difference> {
    let Some(reason) = room::missing(wanted, live) else { return found };
    let block = Path::default().member(DEPLOYMENT);
    let is_percentage =
        |difference: &Difference| room::PERCENTAGES.iter().any(|name| difference.path == block.member(name));
    if !found.iter().any(is_percentage) {
        return found;
    }
    // The block is sent whole.
    let (refused, taken): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|difference| difference.path.first() == Some(DEPLOYMENT));
    drafts.block_on(&ObjectRef::service(&wanted.key), describe(&refused), reason);
    taken
}

/// Blocks a change of the deployment strategy and of what belongs to one.
fn without_strategy(object: &ObjectRef, found: Vec<Difference>, drafts: &mut Drafts) -> Vec<Difference> {
    let (refused, taken): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|difference| difference.effect == Effect::Strategy);
    if !refused.is_empty() {
        let reason = Reason::new(
            "this release does not change a deployment strategy and what belongs to it",
            "change it with the tool that set it, or declare what is live",
        );
        drafts.block_on(object, describe(&refused), reason);
    }
    taken
}

fn update(
    wanted: &DesiredService,
    live: &Service,
    known: &Tree,
    declared: &Map<String, Value>,
    found: Vec<Difference>,
) -> Draft {
    let differing: BTreeSet<&str> = found.iter().filter_map(|difference| difference.path.first()).collect();
    let declared: Map<String, Value> =
        declared.iter().filter(|(name, _)| differing.contains(name.as_str())).map(owned).collect();
    let declared = without(&SERVICE, &declared, |member| member.effect == Effect::Strategy);
    let before: Map<String, Value> =
        known.members().iter().filter(|(name, _)| differing.contains(name.as_str())).map(owned).collect();
    let mut members = without_outputs(&SERVICE, &overlay(&SERVICE, &before, &declared));
    if let Some(Value::Object(block)) = members.get_mut(DEPLOYMENT) {
        block.retain(|name, _| !OF_STRATEGIES.iter().any(|(of, strategy)| of == name && *strategy != live.strategy));
    }
    let names: Vec<&str> = differing.into_iter().collect();
    let new_tasks = found.iter().any(|difference| difference.effect == Effect::NewTasks);
    let note = if new_tasks { "; running tasks keep what they started with" } else { "" };
    Draft {
        action: Action::UpdateServiceMembers {
            service: wanted.id.clone(),
            members: Tree::new(members),
            expect: Tree::new(before),
        },
        object: ObjectRef::service(&wanted.key),
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: format!("update {} in place", names.join(", ")),
        reason: format!("not as the manifest declares: {}; this starts no deployment{note}", names.join(", ")),
        changes: found.into_iter().map(change).collect(),
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

pub(super) fn change(Difference { path, live, declared, effect: _ }: Difference) -> Change {
    Change::of(Field::Member(path), live, declared)
}

fn describe(found: &[Difference]) -> String {
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let each = |found: &Difference| format!("{}: {} → {}", found.path, show(&found.live), show(&found.declared));
    found.iter().map(each).collect::<Vec<_>>().join("; ")
}

fn plan_tags(wanted: &DesiredService, live: &Service, known: &Tree, drafts: &mut Drafts) {
    let (declared, now) = (tags_of(&wanted.members), tags_of(known));
    let missing: Tags = declared.into_iter().filter(|(key, value)| now.get(key) != Some(value)).collect();
    if missing.is_empty() {
        return;
    }
    let object = ObjectRef::service(&wanted.key);
    let of = |key: &str| Field::Member(Path::default().member(TAGS).entry(key));
    let changes: Vec<Change> =
        missing.iter().map(|(key, value)| Change::of(of(key), now.get(key).cloned(), Some(value.clone()))).collect();
    let keys: Vec<&str> = missing.keys().map(String::as_str).collect();
    let keys = keys.join(", ");
    if is_short(&live.arn) {
        let reason = Reason::new(
            "the service has an ARN of the old form, without its cluster, and AWS tags only those of the new form",
            "create the service again under the account setting serviceLongArnFormat",
        );
        return drafts.block_on(&object, format!("tags {keys}"), reason);
    }
    drafts.push(Draft {
        action: Action::TagService { service: wanted.id.clone(), arn: live.arn.clone(), tags: missing },
        object,
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: format!("set the tags {keys}"),
        reason: "the manifest declares them; other tags stay".to_owned(),
        changes,
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
}

/// Whether tasks get a public address, in AWS's words.
pub(super) fn switch(is_on: bool) -> &'static str {
    if is_on { "ENABLED" } else { "DISABLED" }
}

/// The strategy of `deploymentConfiguration`, if it is declared.
pub(super) fn declared_strategy(members: &Tree) -> Option<&str> {
    members.get(DEPLOYMENT)?.get("strategy")?.as_str()
}

/// `service/NAME` without a cluster.
fn is_short(arn: &str) -> bool {
    arn.split_once(":service/").is_some_and(|(_, rest)| !rest.contains('/'))
}

/// Tags as AWS lists them.
pub(super) fn tags_of(members: &Tree) -> Tags {
    let entries = members.get(TAGS).and_then(Value::as_array);
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((text(entry, "key")?, text(entry, "value").unwrap_or_default())))
        .collect()
}

/// Sets tags in a list as AWS writes it.
pub(super) fn set_tags(members: &mut Tree, tags: &Tags) {
    let mut all = tags_of(members);
    all.extend(tags.clone());
    let list = all.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    members.members_mut().insert(TAGS.to_owned(), list);
}
