//! One variant for each mutating AWS call. A step carries everything that the call needs: the executor decides
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    AppProtocol, Awsvpc, Conditions, EndedDeployment, GroupId, GroupRuleId, HealthCheck, IngressRule, IpProtocol,
    ListenerArn, LoadBalancerEntry, ObjectRef, PastDeployment, PortRange, Protocol, ProtocolVersion, Rule, RuleActions,
    RuleArn, RuleSource, Serve, Service, ServiceId, StaticTarget, Tags, TargetGroupArn, TargetKey, TargetType, TaskArn,
    TaskDefinitionArn, Transport, VpcId,
};
use crate::shape::Tree;

/// A value that is known now, or that the step which creates it for an object will answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref<T> {
    /// Known.
    Known(T),
    /// The output of the step that creates this kind of thing for that object.
    Output(ObjectRef),
}

/// What a plan believes of a rule that it edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleBelief {
    /// 1–50000
    pub priority: u32,
    /// When it applies.
    pub conditions: Conditions,
    /// What it does.
    pub actions: RuleActions,
}

impl RuleBelief {
    /// What a plan that was made from this reading believes.
    pub fn of(live: &Rule) -> Self {
        Self { priority: live.priority, conditions: live.conditions.clone(), actions: live.actions.clone() }
    }
}

/// What a plan believes of a rule that it deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRuleBelief {
    /// The rule itself.
    pub rule: RuleBelief,
    /// The target groups it forwards to that had no healthy target.
    pub idle: BTreeSet<TargetGroupArn>,
}

/// What a plan believes of registrations that it removes; may speak of more than these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrationBelief {
    /// Those that were healthy.
    pub healthy: BTreeSet<TargetKey>,
    /// The addresses that no network interface had, which is the proof that nothing serves there (rule R4).
    pub vacant: BTreeSet<IpAddr>,
    /// The tasks of other services that had them, by cluster: that is the proof for these (rule R4).
    pub tasks: BTreeSet<(String, TaskArn)>,
}

/// What a plan believes of a service whose blocks it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceBelief {
    /// The revision in use.
    pub task_definition: TaskDefinitionArn,
    /// Its wiring, sorted.
    pub load_balancers: Vec<LoadBalancerEntry>,
    /// Its network.
    pub network: Option<Awsvpc>,
    /// The members with AWS's names that the step sends, as they were; empty: it sends none.
    pub members: Tree,
    /// The deployment that is in progress, which the step does not wait for; `None`: there is none.
    pub deployment: Option<String>,
    /// How its last deployments ended, newest first: what failed once is not sent again (rule R7a). `None`: not known from
    /// `ListServiceDeployments`, so that there is nothing to compare with.
    pub ended: Option<Vec<EndedDeployment>>,
}

impl ServiceBelief {
    /// What a plan that was made from this reading believes.
    pub fn of(live: &Service) -> Self {
        let mut load_balancers = live.load_balancers.clone();
        load_balancers.sort();
        let (task_definition, network) = (live.task_definition.clone(), live.network.clone());
        let primary = live.deployments.iter().find(|deployment| deployment.primary);
        let deployment = primary.filter(|_| live.is_deploying()).map(|deployment| deployment.id.clone());
        Self { task_definition, load_balancers, network, members: Tree::default(), deployment, ended: None }
    }

    /// And of how its last deployments ended.
    #[must_use]
    pub fn and_of(self, past: &[PastDeployment]) -> Self {
        let ended = past.iter().map(|past| {
            let revision = past.revision.clone()?;
            Some(EndedDeployment { revision, end: past.end, reason: past.reason.clone() })
        });
        Self { ended: ended.collect(), ..self }
    }
}

/// One entry of `loadBalancers` to send; its target group may not exist yet (a Classic Load Balancer has none).
pub type WiredEntry = (Option<Ref<TargetGroupArn>>, LoadBalancerEntry);

/// What a step answers and others wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `CreateTargetGroup`
    TargetGroup(TargetGroupArn),
    /// `RegisterTaskDefinition`
    TaskDefinition(TaskDefinitionArn),
    /// `UpdateService` with a new deployment: its id, `ecs-svc/…`.
    Deployment(String),
}

/// The settings of a new target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTargetGroup {
    /// At most 32 characters.
    pub name: String,
    /// The VPC.
    pub vpc: VpcId,
    /// The protocol.
    pub protocol: Protocol,
    /// Its version; HTTP only.
    pub protocol_version: Option<ProtocolVersion>,
    /// The default port.
    pub port: u16,
    /// instance or ip.
    pub target_type: TargetType,
    /// Declared fields; AWS's defaults fill the rest.
    pub health_check: HealthCheck,
    /// The mark.
    pub tags: Tags,
}

/// What a new service is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewService {
    /// The service.
    pub service: ServiceId,
    /// The revision.
    pub task_definition: Ref<TaskDefinitionArn>,
    /// The count; `None`: a DAEMON service.
    pub desired_count: Option<u32>,
    /// Its load balancer entries.
    pub load_balancers: Vec<WiredEntry>,
    /// Its network; `None`: bridge, host.
    pub network: Option<Awsvpc>,
    /// Members with AWS's names, tags and the mark included.
    pub members: Tree,
    /// What makes a second attempt the same request; at most 25 characters.
    pub client_token: String,
}

/// A corrected port mapping in a copied task definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortFix {
    /// The container.
    pub container: String,
    /// The port inside.
    pub container_port: u16,
    /// `None`: send none (awsvpc, host); `Some(0)`: dynamic.
    pub host_port: Option<u16>,
    /// tcp or udp.
    pub protocol: Transport,
    /// Its name; `None`: as it is.
    pub name: Option<String>,
    /// What it speaks; `None`: as it is.
    pub app_protocol: Option<AppProtocol>,
}

/// What changes in a rule. Everything else of the rule is sent back as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleEdit {
    /// Forward to this target group alone instead of what the last action does now.
    pub forward: Option<Ref<TargetGroupArn>>,
    /// Replace all conditions.
    pub conditions: Option<Conditions>,
}

/// A mutating AWS call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A revision with this content, unless there is one already.
    RegisterTaskDefinition {
        /// The service that is to run it.
        service: ServiceId,
        /// The running revision; `None`: the service does not exist yet.
        source: Option<TaskDefinitionArn>,
        /// All that is registered, images and members that the manifest does not name included.
        content: Tree,
        /// Its tags: those of the running revision, declared ones, and the fingerprint.
        tags: Tags,
        /// What the service must still be: a revision that nothing uses would stay. `None`: it must not exist.
        expect: Option<ServiceBelief>,
    },
    /// `CreateService`, unless a service of that name exists.
    CreateService(NewService),
    /// `UpdateService` with `desiredCount` alone: starts no deployment.
    UpdateServiceCount {
        /// The service.
        service: ServiceId,
        /// The count.
        desired_count: u32,
        /// What it must still be: the count is read again first, for somebody may have changed it meanwhile.
        from: u32,
        /// Whether the planner saw that no autoscaler owns the count; then that is asked again, too.
        unscaled: bool,
    },
    /// `UpdateService` with a count of 0, for a service that is to go, if it still has the tags.
    DrainService {
        /// The service.
        service: ServiceId,
        /// What the count must still be.
        from: u32,
        /// The tags that it must still have.
        mark: Tags,
        /// Those of its target groups that had no healthy target: one that has one now makes the step stale.
        idle: BTreeSet<TargetGroupArn>,
    },
    /// `DeleteService`, if it still has the tags, no task, and no deployment in progress.
    DeleteService {
        /// The service.
        service: ServiceId,
        /// The tags that it must still have.
        mark: Tags,
        /// Those of its target groups that had no healthy target: one that has one now makes the step stale.
        idle: BTreeSet<TargetGroupArn>,
    },
    /// `UpdateService` with everything that redeploys in one call; a `None` is left out of the call.
    UpdateService {
        /// The service.
        service: ServiceId,
        /// The revision.
        task_definition: Option<Ref<TaskDefinitionArn>>,
        /// The whole list, undeclared entries included.
        load_balancers: Option<Vec<WiredEntry>>,
        /// The whole block, `assignPublicIp` included.
        network: Option<Awsvpc>,
        /// Members with AWS's names, each of them whole.
        members: Tree,
        /// What the planner saw: a mismatch makes the step stale, for whole blocks would undo somebody's change.
        expect: ServiceBelief,
    },
    /// `UpdateService` with members that change in place: starts no deployment.
    UpdateServiceMembers {
        /// The service.
        service: ServiceId,
        /// The members, each of them whole: AWS replaces blocks.
        members: Tree,
        /// What these members were in the reading that the plan was made from: a mismatch makes the step stale.
        expect: Tree,
    },
    /// `StopServiceDeployment`: ECS rolls back to the last deployment that completed.
    StopServiceDeployment {
        /// The service.
        service: ServiceId,
        /// The ARN of the deployment, which must still be in progress.
        deployment: String,
        /// Its id in the service: `ecs-svc/…`.
        id: String,
    },
    /// `TagResource` for a service.
    TagService {
        /// The service.
        service: ServiceId,
        /// Its ARN.
        arn: String,
        /// The tags to set; others stay.
        tags: Tags,
    },
    /// `CreateTargetGroup`
    CreateTargetGroup(NewTargetGroup),
    /// `ModifyTargetGroup`: only the fields that are `Some` are sent.
    ModifyTargetGroup {
        /// The target group.
        target_group: TargetGroupArn,
        /// The fields.
        health_check: HealthCheck,
    },
    /// `ModifyTargetGroupAttributes`: only these keys are sent.
    ModifyTargetGroupAttributes {
        /// The target group.
        target_group: Ref<TargetGroupArn>,
        /// The attributes.
        attributes: BTreeMap<String, String>,
    },
    /// `DeleteTargetGroup`, if it still has exactly these tags and no rule or target uses it.
    DeleteTargetGroup {
        /// The target group.
        target_group: TargetGroupArn,
        /// The tags that it must still have.
        mark: Tags,
    },
    /// `AddTags` to a target group, if it still has the tags.
    AddTags {
        /// The target group.
        target_group: TargetGroupArn,
        /// The tags.
        tags: Tags,
        /// The tags that it must still have.
        mark: Tags,
    },
    /// `CreateRule`
    CreateRule {
        /// The listener.
        listener: ListenerArn,
        /// 1–50000
        priority: u32,
        /// When it applies.
        conditions: Conditions,
        /// Where it forwards to.
        target_group: Ref<TargetGroupArn>,
        /// The mark.
        tags: Tags,
    },
    /// `ModifyRule`: login, transforms, weights and sticky sessions that stand are sent back as they are.
    ModifyRule {
        /// The rule.
        rule: RuleArn,
        /// The change.
        edit: RuleEdit,
        /// What the planner saw: a mismatch makes the step stale.
        expect: RuleBelief,
    },
    /// `SetRulePriorities`: all of a listener's moves in one call, so that swaps work.
    SetRulePriorities {
        /// The listener.
        listener: ListenerArn,
        /// The new priority of each rule.
        priorities: BTreeMap<RuleArn, u32>,
        /// The priority that the planner saw: a mismatch makes the step stale.
        expect: BTreeMap<RuleArn, u32>,
    },
    /// `DeleteRule`, if it still has the tags and is what the planner saw.
    DeleteRule {
        /// The rule.
        rule: RuleArn,
        /// The tags that it must still have.
        mark: Tags,
        /// What the planner saw: a mismatch makes the step stale.
        expect: DeletedRuleBelief,
    },
    /// `ModifyListener`: the default action becomes a forward to this target group.
    ModifyListener {
        /// The listener.
        listener: ListenerArn,
        /// Where to.
        target_group: Ref<TargetGroupArn>,
        /// Another one that the default action names with weight 0: it stays attached and gets nothing.
        idle: Option<Ref<TargetGroupArn>>,
        /// What the planner saw: a mismatch makes the step stale.
        expect: RuleActions,
    },
    /// `RegisterTargets`
    RegisterTargets {
        /// The target group.
        target_group: Ref<TargetGroupArn>,
        /// The targets.
        targets: Vec<StaticTarget>,
    },
    /// `DeregisterTargets`, of those that still stand, are not draining, and are not the last healthy one.
    DeregisterTargets {
        /// The target group.
        target_group: TargetGroupArn,
        /// The targets.
        targets: BTreeSet<TargetKey>,
        /// What the planner saw: one that is healthy only now, or whose address is in use now, makes the step stale.
        expect: RegistrationBelief,
    },
    /// `AuthorizeSecurityGroupIngress` for one rule.
    AuthorizeSecurityGroupIngress {
        /// The group that gets the rule.
        group: GroupId,
        /// The protocol.
        protocol: IpProtocol,
        /// The ports.
        ports: PortRange,
        /// Who may come in.
        source: RuleSource,
        /// Description of the rule.
        description: Option<String>,
        /// The mark.
        tags: Tags,
    },
    /// `RevokeSecurityGroupIngress` by rule id, if it still has the tags and nothing else began to carry the group.
    RevokeSecurityGroupIngress {
        /// The group.
        group: GroupId,
        /// The rule.
        rule: GroupRuleId,
        /// The tags that it must still have.
        mark: Tags,
        /// The addresses of the network interfaces that carried the group: none of them uses the port. Another one makes the
        /// step stale.
        carriers: BTreeSet<IpAddr>,
    },
}

/// The AWS operations that steps are.
pub const OPERATIONS: [&str; 20] = [
    "RegisterTaskDefinition",
    "CreateService",
    "UpdateService",
    "DeleteService",
    "StopServiceDeployment",
    "TagResource",
    "CreateTargetGroup",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "DeleteTargetGroup",
    "AddTags",
    "CreateRule",
    "ModifyRule",
    "SetRulePriorities",
    "DeleteRule",
    "ModifyListener",
    "RegisterTargets",
    "DeregisterTargets",
    "AuthorizeSecurityGroupIngress",
    "RevokeSecurityGroupIngress",
];

impl Action {
    /// Whether it changes a default action and leaves the target group that gets its requests.
    pub fn keeps_receiver(&self) -> bool {
        let Self::ModifyListener { target_group: Ref::Known(arn), expect, .. } = self else { return false };
        matches!(&expect.serve, Serve::Forward(forward) if forward.receivers().eq([arn]))
    }

    /// The ingress rule that an authorisation makes, under a placeholder id.
    pub fn planned_ingress(&self) -> Option<IngressRule> {
        let Self::AuthorizeSecurityGroupIngress { group, protocol, ports, source, description, tags } = self else {
            return None;
        };
        Some(IngressRule {
            id: GroupRuleId::from(format!(
                "the planned rule of {group} for {} {ports} from {source}",
                protocol.as_str()
            )),
            group: group.clone(),
            protocol: protocol.clone(),
            ports: Some(*ports),
            source: source.clone(),
            description: description.clone(),
            tags: tags.clone(),
        })
    }
}
