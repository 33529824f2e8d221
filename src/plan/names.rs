//! What a call names of the live state, and of what other steps are yet to make.

use crate::model::{ObjectRef, RuleArn, ServiceId, TargetGroupArn, TaskDefinitionArn};

use super::action::{Action, NewService, Ref};
use super::facts::Product;

/// What a call names.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    pub(crate) service: Option<&'a ServiceId>,
    /// The target groups that exist.
    pub(crate) target_groups: Vec<&'a TargetGroupArn>,
    /// The rules; all of one listener.
    pub(crate) rules: Vec<&'a RuleArn>,
    /// What other steps make for these objects.
    pub(super) outputs: Vec<(Product, &'a ObjectRef)>,
}

impl<'a> Names<'a> {
    fn of_service(service: &'a ServiceId) -> Self {
        Self { service: Some(service), ..Self::default() }
    }

    fn of_rules(rules: impl IntoIterator<Item = &'a RuleArn>) -> Self {
        Self { rules: rules.into_iter().collect(), ..Self::default() }
    }

    fn of_group(arn: &'a TargetGroupArn) -> Self {
        Self { target_groups: vec![arn], ..Self::default() }
    }

    fn and_revision(mut self, revision: Option<&'a Ref<TaskDefinitionArn>>) -> Self {
        if let Some(Ref::Output(object)) = revision {
            self.outputs.push((Product::TaskDefinition, object));
        }
        self
    }

    fn and_groups(mut self, groups: impl IntoIterator<Item = &'a Ref<TargetGroupArn>>) -> Self {
        for group in groups {
            match group {
                Ref::Known(arn) => self.target_groups.push(arn),
                Ref::Output(object) => self.outputs.push((Product::TargetGroup, object)),
            }
        }
        self
    }
}

impl Action {
    pub(crate) fn names(&self) -> Names<'_> {
        match self {
            Self::UpdateServiceCount { service, .. }
            | Self::UpdateServiceMembers { service, .. }
            | Self::DrainService { service, .. }
            | Self::DeleteService { service, .. }
            | Self::StopServiceDeployment { service, .. }
            | Self::TagService { service, .. } => Names::of_service(service),
            Self::UpdateService { service, task_definition, load_balancers, .. } => {
                let groups = load_balancers.iter().flatten().filter_map(|(group, _)| group.as_ref());
                Names::of_service(service).and_revision(task_definition.as_ref()).and_groups(groups)
            }
            Self::CreateService(NewService { service, task_definition, load_balancers, .. }) => {
                let groups = load_balancers.iter().filter_map(|(group, _)| group.as_ref());
                Names::of_service(service).and_revision(Some(task_definition)).and_groups(groups)
            }
            Self::ModifyTargetGroup { target_group, .. }
            | Self::DeleteTargetGroup { target_group, .. }
            | Self::AddTags { target_group, .. }
            | Self::DeregisterTargets { target_group, .. } => Names::of_group(target_group),
            Self::ModifyTargetGroupAttributes { target_group, .. }
            | Self::CreateRule { target_group, .. }
            | Self::RegisterTargets { target_group, .. } => Names::default().and_groups([target_group]),
            Self::ModifyRule { rule, edit, .. } => Names::of_rules([rule]).and_groups(&edit.forward),
            Self::SetRulePriorities { priorities, .. } => Names::of_rules(priorities.keys()),
            Self::DeleteRule { rule, .. } => Names::of_rules([rule]),
            Self::ModifyListener { target_group, idle, .. } => {
                Names::default().and_groups([target_group].into_iter().chain(idle))
            }
            Self::RegisterTaskDefinition { .. }
            | Self::CreateTargetGroup(_)
            | Self::AuthorizeSecurityGroupIngress { .. }
            | Self::RevokeSecurityGroupIngress { .. } => Names::default(),
        }
    }
}
