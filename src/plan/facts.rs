//! What each call is, a row for each: a new variant of [`Action`] has one as soon as it compiles.

use super::action::Action;
use super::budget::Budgeted;

/// The AWS service that a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Amazon ECS.
    Ecs,
    /// Elastic Load Balancing, version 2.
    ElasticLoadBalancing,
    /// Amazon EC2.
    Ec2,
}

impl Api {
    /// The prefix of its actions in IAM.
    pub fn iam_prefix(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::ElasticLoadBalancing => "elasticloadbalancing",
            Self::Ec2 => "ec2",
        }
    }
}

/// What becomes of the thing that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is created.
    Create,
    /// It changes.
    Change,
    /// It is removed.
    Remove,
}

/// What a call answers that other calls wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The ARN of a new target group.
    TargetGroup,
    /// The ARN of a new revision.
    TaskDefinition,
}

/// The row of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// Where it is sent.
    pub api: Api,
    /// What becomes of the thing.
    pub deed: Deed,
    /// Requests or health checks may go elsewhere by it.
    pub(crate) moves_requests: bool,
    /// It makes or repairs a way from a load balancer to a target group.
    pub(super) attaches: bool,
    /// What the removal budget counts it as, where the step removes something: kind and number.
    pub(super) budgeted: Option<(Budgeted, usize)>,
    /// What it answers that other calls wait for.
    pub(super) produces: Option<Product>,
}

impl Facts {
    const fn of(operation: &'static str, api: Api, deed: Deed) -> Self {
        Self { operation, api, deed, moves_requests: false, attaches: false, budgeted: None, produces: None }
    }

    const fn moves(self) -> Self {
        Self { moves_requests: true, ..self }
    }

    const fn attaches_if(self, attaches: bool) -> Self {
        Self { attaches, ..self }
    }

    const fn produces(self, product: Product) -> Self {
        Self { produces: Some(product), ..self }
    }

    const fn counts(self, kind: Budgeted, number: usize) -> Self {
        Self { budgeted: Some((kind, number)), ..self }
    }
}

impl Action {
    /// Its row.
    pub fn facts(&self) -> Facts {
        use Api::{Ec2, Ecs, ElasticLoadBalancing as Elb};
        use Deed::{Change, Create, Remove};
        match self {
            Self::RegisterTaskDefinition { .. } => {
                Facts::of("RegisterTaskDefinition", Ecs, Create).produces(Product::TaskDefinition)
            }
            Self::CreateService(_) => Facts::of("CreateService", Ecs, Create),
            Self::DeleteService { .. } => Facts::of("DeleteService", Ecs, Remove).counts(Budgeted::Services, 1),
            Self::UpdateServiceCount { .. } | Self::DrainService { .. } | Self::UpdateService { .. } => {
                Facts::of("UpdateService", Ecs, Change).counts(Budgeted::Services, 1)
            }
            Self::UpdateServiceMembers { .. } => Facts::of("UpdateService", Ecs, Change),
            Self::StopServiceDeployment { .. } => Facts::of("StopServiceDeployment", Ecs, Change),
            Self::TagService { .. } => Facts::of("TagResource", Ecs, Change),
            Self::CreateTargetGroup(_) => Facts::of("CreateTargetGroup", Elb, Create).produces(Product::TargetGroup),
            Self::ModifyTargetGroup { health_check, .. } => {
                let facts = Facts::of("ModifyTargetGroup", Elb, Change);
                // Health checks go to another port.
                if health_check.port.is_some() || health_check.protocol.is_some() { facts.moves() } else { facts }
            }
            Self::ModifyTargetGroupAttributes { .. } => Facts::of("ModifyTargetGroupAttributes", Elb, Change),
            Self::DeleteTargetGroup { .. } => {
                Facts::of("DeleteTargetGroup", Elb, Remove).counts(Budgeted::TargetGroups, 1)
            }
            Self::AddTags { .. } => Facts::of("AddTags", Elb, Change),
            Self::CreateRule { .. } => Facts::of("CreateRule", Elb, Create).moves().attaches_if(true),
            Self::ModifyRule { edit, .. } => {
                Facts::of("ModifyRule", Elb, Change).moves().attaches_if(edit.forward.is_some())
            }
            Self::SetRulePriorities { .. } => Facts::of("SetRulePriorities", Elb, Change).moves(),
            Self::DeleteRule { .. } => Facts::of("DeleteRule", Elb, Remove).moves().counts(Budgeted::Rules, 1),
            Self::ModifyListener { .. } => Facts::of("ModifyListener", Elb, Change).moves().attaches_if(true),
            Self::RegisterTargets { .. } => Facts::of("RegisterTargets", Elb, Create),
            Self::DeregisterTargets { targets, .. } => {
                Facts::of("DeregisterTargets", Elb, Remove).counts(Budgeted::Registrations, targets.len())
            }
            Self::AuthorizeSecurityGroupIngress { .. } => Facts::of("AuthorizeSecurityGroupIngress", Ec2, Create),
            Self::RevokeSecurityGroupIngress { .. } => {
                Facts::of("RevokeSecurityGroupIngress", Ec2, Remove).counts(Budgeted::Ingress, 1)
            }
        }
    }

    /// The AWS operation's own name.
    pub fn operation(&self) -> &'static str {
        self.facts().operation
    }
}
