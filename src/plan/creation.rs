//! The steps that create a service: its revision, and the service itself, after the ways in and the ports that it needs.

use std::collections::BTreeSet;

use serde_json::Map;

use crate::model::{Awsvpc, DesiredService, Given, ObjectRef};
use crate::shape::{Path, SERVICE, Tree, differences};

use super::action::{Action, NewService};
use super::change::Change;
use super::content;
use super::definition::{self, Move};
use super::draft::{Draft, DraftId, Drafts, Obstacle};
use super::field::Field;
use super::new_service::{CompleteService, what};
use super::security_group::ServiceIngress;
use super::wiring::{self, Wiring};

/// Plans the creation of what [`super::new_service`] found to be complete.
pub(super) fn plan_creation(
    given: &Given<'_>,
    wanted: &DesiredService,
    new: CompleteService,
    ingress: &ServiceIngress,
    drafts: &mut Drafts,
) {
    let object = ObjectRef::service(&wanted.key);
    let what = what(wanted);
    if ingress.is_blocked {
        let sentence = "its ingress rules are blocked, so the load balancer could not reach its tasks";
        return drafts.block_on(&object, what, sentence);
    }
    let mut obstacles = Vec::new();
    let wiring = wiring::of_new(given, wanted, new.mode, &BTreeSet::new(), &mut obstacles);
    if !obstacles.is_empty() {
        return block(wanted, obstacles, drafts);
    }
    let mut after = drafts.opening(&ingress.groups);
    for key in &wiring.wired {
        match wiring::waits_for(given, key, drafts) {
            Ok(ids) => after.extend(ids),
            Err(obstacle) => return Obstacle { what, ..obstacle }.block(drafts, &object),
        }
    }
    if let Move::Register(revision) = &new.revision {
        drafts.push(registration(wanted, revision, new.changes.clone()));
    }
    drafts.push(creation(given, wanted, (new, wiring), after));
}

fn registration(wanted: &DesiredService, new: &definition::NewRevision, changes: Vec<Change>) -> Draft {
    Draft {
        action: Action::RegisterTaskDefinition {
            service: wanted.id.clone(),
            source: None,
            content: new.content.clone(),
            tags: new.tags.clone(),
            expect: None,
        },
        object: ObjectRef::service(&wanted.key),
        also: Default::default(),
        target: new.family().to_owned(),
        summary: format!("register {} as the manifest declares it", new.family()),
        reason: format!("service {} is to run it", wanted.id),
        changes,
        after: Default::default(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

fn creation(
    given: &Given<'_>,
    wanted: &DesiredService,
    (new, wiring): (CompleteService, Wiring),
    after: BTreeSet<DraftId>,
) -> Draft {
    let object = ObjectRef::service(&wanted.key);
    let changes = changes(wanted, &new, &wiring);
    let CompleteService { revision, changes: _, mode: _, count, network, members } = new;
    let tasks = match count {
        Some(1) => "1 task".to_owned(),
        Some(count) => format!("{count} tasks"),
        None => "a task on every instance".to_owned(),
    };
    let client_token = client_token(given, wanted, &revision, (count, &members));
    Draft {
        action: Action::CreateService(NewService {
            service: wanted.id.clone(),
            task_definition: revision.target(&object),
            desired_count: count,
            load_balancers: wiring.entries,
            network,
            members,
            client_token,
        }),
        object,
        also: Default::default(),
        target: wanted.id.to_string(),
        summary: format!("create service {} with {tasks}", wanted.id.name),
        reason: format!(
            "cluster {} has no service of that name, and the manifest declares all of it",
            wanted.id.cluster
        ),
        changes,
        after,
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

fn changes(wanted: &DesiredService, new: &CompleteService, wiring: &Wiring) -> Vec<Change> {
    let set = |field, value: String| Change::of(field, None, Some(value));
    let runs = match &new.revision {
        Move::Register(revision) => format!("{}, registered by this plan", revision.family()),
        Move::To(arn, _) => arn.name().to_owned(),
    };
    let mut changes = vec![set(Field::Member(Path::default().member(definition::TASK_DEFINITION_FIELD)), runs)];
    changes.extend(new.count.map(|count| set(Field::DesiredCount, count.to_string())));
    if let Some(Awsvpc { subnets, security_groups, assign_public_ip }) = &new.network {
        let list = |ids: Vec<String>| ids.join(", ");
        changes.push(set(Field::Subnets, list(subnets.iter().map(ToString::to_string).collect())));
        if !security_groups.is_empty() {
            changes.push(set(Field::SecurityGroups, list(security_groups.iter().map(ToString::to_string).collect())));
        }
        changes.extend(assign_public_ip.iter().map(|public| set(Field::AssignPublicIp, public.clone())));
    }
    changes.extend(wiring.changes.iter().cloned());
    let declared = differences(&SERVICE, &Map::new(), wanted.members.members(), &Path::default());
    changes
        .extend(declared.into_iter().map(|found| set(Field::Member(found.path), found.declared.unwrap_or_default())));
    changes
}

/// The token that makes a second attempt the same request (ECS `clientToken`: at most 36 characters). It comes from the owner,
/// the object and everything that is sent, so that another manifest makes another request.
fn client_token(
    given: &Given<'_>,
    wanted: &DesiredService,
    revision: &Move,
    (count, members): (Option<u32>, &Tree),
) -> String {
    let content = content::fingerprint(revision.content());
    let members = content::written(members.members());
    let text = format!("{}\n{}\n{}\n{content}\n{count:?}\n{members}", given.desired.fleet.name, wanted.key, wanted.id);
    format!("portolan-{}", content::hash(&text))
}

/// Says what is in the way of a creation.
pub(super) fn block(wanted: &DesiredService, obstacles: Vec<Obstacle>, drafts: &mut Drafts) {
    let object = ObjectRef::service(&wanted.key);
    let what = what(wanted);
    if !obstacles.iter().any(|obstacle| obstacle.what == what) {
        drafts.block_on(&object, what, "another blocked entry of this service has to be resolved first");
    }
    obstacles.into_iter().for_each(|obstacle| obstacle.block(drafts, &object));
}
