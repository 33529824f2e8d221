//! The ARNs of what events name.

use crate::model::{ListenerArn, LoadBalancerArn, RuleArn, TargetGroupArn};

use super::Hint;

/// An ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arn<'a> {
    service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:aws")?.splitn(5, ':');
        let _partition = parts.next()?;
        let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { service, region, account, resource })
    }

    /// What `text`, which this is, hints at.
    pub(super) fn hint(self, text: &str) -> Option<Hint> {
        let (kind, rest) = self.resource.split_once('/')?;
        let arn = text.to_owned();
        Some(match (self.service, kind) {
            ("ecs", "service") => match rest.split_once('/') {
                Some((cluster, name)) => Hint::Service { cluster: Some(cluster.to_owned()), name: name.to_owned() },
                None => Hint::Service { cluster: None, name: rest.to_owned() },
            },
            ("elasticloadbalancing", "targetgroup") => Hint::TargetGroup(TargetGroupArn::from(arn)),
            ("elasticloadbalancing", "loadbalancer") => Hint::LoadBalancer(LoadBalancerArn::from(arn)),
            ("elasticloadbalancing", "listener") => Hint::Listener(ListenerArn::from(arn)),
            ("elasticloadbalancing", "listener-rule") => Hint::Rule(RuleArn::from(arn)),
            _ => return None,
        })
    }
}

/// The load balancer that a listener or a rule belongs to: `…:listener/app/NAME/ID/…` and `…:listener-rule/app/NAME/ID/…`
/// begin with its own path.
pub(super) fn load_balancer_of(arn: &str) -> Option<LoadBalancerArn> {
    let (head, resource) = arn.rsplit_once(':')?;
    let mut parts = resource.split('/');
    matches!(parts.next()?, "listener" | "listener-rule").then_some(())?;
    let (kind, name, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some(LoadBalancerArn::from(format!("{head}:loadbalancer/{kind}/{name}/{id}")))
}

/// The name in an ARN, or a bare name.
pub(super) fn last_segment(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}
