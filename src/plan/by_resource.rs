//! Actions by the AWS resource that they change. A rule about one resource matches only on the changes of that resource. A new
//! variant of [`Action`] is sorted here, once. The variants have the names of the actions, and those fields that are asked for.

use std::collections::BTreeMap;

use crate::model::{
    Awsvpc, Conditions, ListenerArn, RuleActions, RuleArn, ServiceId, Tags, TargetGroupArn, TaskDefinitionArn,
};

use super::action::{Action, Ref, RuleBelief, RuleEdit, WiredEntry};

/// An action by what it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByResource<'a> {
    /// A service or a task definition.
    Service(ServiceChange<'a>),
    /// A target group itself.
    TargetGroup,
    /// The targets that are registered in a target group.
    Targets,
    /// The rules of a listener, or its default action.
    Listener(ListenerChange<'a>),
    /// The ingress rules of a security group.
    SecurityGroup,
}

/// An action on a service or a task definition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServiceChange<'a> {
    RegisterTaskDefinition {
        source: &'a Option<TaskDefinitionArn>,
    },
    Create,
    /// It goes, or its tasks do.
    Remove,
    UpdateServiceCount,
    StopServiceDeployment,
    /// What changes in place: members, tags.
    InPlace,
    UpdateService {
        service: &'a ServiceId,
        task_definition: &'a Option<Ref<TaskDefinitionArn>>,
        load_balancers: &'a Option<Vec<WiredEntry>>,
        network: &'a Option<Awsvpc>,
    },
}

/// An action on the rules of a listener, or on its default action.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ListenerChange<'a> {
    CreateRule { listener: &'a ListenerArn, priority: u32, conditions: &'a Conditions, tags: &'a Tags },
    ModifyRule { rule: &'a RuleArn, edit: &'a RuleEdit, expect: &'a RuleBelief },
    SetRulePriorities { listener: &'a ListenerArn, priorities: &'a BTreeMap<RuleArn, u32> },
    DeleteRule { rule: &'a RuleArn },
    ModifyListener { listener: &'a ListenerArn, target_group: &'a Ref<TargetGroupArn>, expect: &'a RuleActions },
}

impl Action {
    /// What it changes.
    pub(crate) fn by_resource(&self) -> ByResource<'_> {
        use ByResource::{Listener, SecurityGroup, Service, TargetGroup, Targets};
        match self {
            Self::RegisterTaskDefinition { source, .. } => Service(ServiceChange::RegisterTaskDefinition { source }),
            Self::CreateService(_) => Service(ServiceChange::Create),
            Self::DrainService { .. } | Self::DeleteService { .. } => Service(ServiceChange::Remove),
            Self::UpdateServiceCount { .. } => Service(ServiceChange::UpdateServiceCount),
            Self::UpdateService { service, task_definition, load_balancers, network, members: _, expect: _ } => {
                Service(ServiceChange::UpdateService { service, task_definition, load_balancers, network })
            }
            Self::StopServiceDeployment { .. } => Service(ServiceChange::StopServiceDeployment),
            Self::UpdateServiceMembers { .. } | Self::TagService { .. } => Service(ServiceChange::InPlace),
            Self::CreateTargetGroup(_)
            | Self::ModifyTargetGroup { .. }
            | Self::ModifyTargetGroupAttributes { .. }
            | Self::DeleteTargetGroup { .. }
            | Self::AddTags { .. } => TargetGroup,
            Self::RegisterTargets { .. } | Self::DeregisterTargets { .. } => Targets,
            Self::CreateRule { listener, priority, conditions, target_group: _, tags } => {
                Listener(ListenerChange::CreateRule { listener, priority: *priority, conditions, tags })
            }
            Self::ModifyRule { rule, edit, expect } => Listener(ListenerChange::ModifyRule { rule, edit, expect }),
            Self::SetRulePriorities { listener, priorities, expect: _ } => {
                Listener(ListenerChange::SetRulePriorities { listener, priorities })
            }
            Self::DeleteRule { rule, .. } => Listener(ListenerChange::DeleteRule { rule }),
            Self::ModifyListener { listener, target_group, idle: _, expect } => {
                Listener(ListenerChange::ModifyListener { listener, target_group, expect })
            }
            Self::AuthorizeSecurityGroupIngress { .. } | Self::RevokeSecurityGroupIngress { .. } => SecurityGroup,
        }
    }

    /// What it changes of a listener: its rules, or its default action.
    pub(crate) fn on_listener(&self) -> Option<ListenerChange<'_>> {
        match self.by_resource() {
            ByResource::Listener(change) => Some(change),
            ByResource::Service(_) | ByResource::TargetGroup | ByResource::Targets | ByResource::SecurityGroup => None,
        }
    }
}
