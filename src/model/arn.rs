//! ARNs, taken apart in one place (IAM user guide, ARN format; for the resources, the service authorization reference).

use super::id::{ListenerArn, LoadBalancerArn, RuleArn, TargetGroupArn, TaskArn, TaskDefinitionArn};

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Such as `aws` or `aws-cn`.
    pub partition: &'a str,
    /// Such as `ecs` or `elasticloadbalancing`.
    pub service: &'a str,
    /// Empty where a resource belongs to no region.
    pub region: &'a str,
    /// Twelve digits; empty where a resource belongs to no account.
    pub account: &'a str,
    /// Such as `service/prod/shop`; it may contain colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts of an ARN; `None` where a text has another form, such as a name.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let (partition, service) = (parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let is_whole = [partition, service, resource].iter().all(|part| !part.is_empty());
        is_whole.then_some(Self { partition, service, region, account, resource })
    }

    /// The type of the resource and the path behind it, such as `service` and `prod/shop`.
    pub fn resource_type(self) -> Option<(&'a str, &'a str)> {
        self.resource.split_once('/')
    }

    /// The name of a target group or load balancer: `targetgroup/NAME/ID`, `loadbalancer/app/NAME/ID`.
    pub fn load_balancing_name(self) -> Option<&'a str> {
        let (kind, path) = self.resource_type()?;
        match kind {
            "targetgroup" => path.split('/').next(),
            "loadbalancer" => path.split('/').nth(1),
            _ => None,
        }
    }
}

/// Whether a text is meant as an ARN. No name of AWS's begins like this.
pub fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// The resource of an ARN; a text of another form as it is.
pub fn resource(text: &str) -> &str {
    Arn::parse(text).map_or(text, |arn| arn.resource)
}

/// The name or id at the end of an ARN of ECS, such as `cluster/NAME`, `service/CLUSTER/NAME` and `task/CLUSTER/ID`, with
/// and without the cluster, or of the id of a deployment (`ecs-svc/NUMBER`); a name as it is.
pub fn last_part(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// The part before the last one: a name before an id. The whole text where there is none.
fn part_before_last(text: &str) -> &str {
    resource(text).rsplit('/').nth(1).unwrap_or(text)
}

/// What comes behind `TYPE/` in a resource.
fn path_behind<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    resource(text).strip_prefix(kind)?.strip_prefix('/')
}

/// The load balancer of a listener or a rule, whose paths begin with its own: `TYPE/app/NAME/ID/…`.
fn load_balancer_of(text: &str, kind: &str) -> Option<LoadBalancerArn> {
    let Arn { partition, service, region, account, .. } = Arn::parse(text)?;
    let mut parts = path_behind(text, kind)?.split('/');
    let (family, name, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some(LoadBalancerArn::from(format!(
        "arn:{partition}:{service}:{region}:{account}:loadbalancer/{family}/{name}/{id}"
    )))
}

impl TargetGroupArn {
    /// The target group's name: `targetgroup/NAME/ID`.
    pub fn name(&self) -> &str {
        part_before_last(self.as_str())
    }
}

impl LoadBalancerArn {
    /// The load balancer's name: `loadbalancer/app/NAME/ID`.
    pub fn name(&self) -> &str {
        part_before_last(self.as_str())
    }

    /// Whether it is a network load balancer's: `loadbalancer/net/NAME/ID`.
    pub fn is_network(&self) -> bool {
        self.path().is_some_and(|path| path.starts_with("net/"))
    }

    /// `app/NAME/ID`, `net/NAME/ID` or `gwy/NAME/ID`: so metrics and the descriptions of network interfaces name it.
    pub fn path(&self) -> Option<&str> {
        path_behind(self.as_str(), "loadbalancer")
    }
}

impl ListenerArn {
    /// `app/NAME/ID/LISTENER`; an ARN of another form as it is.
    pub fn path(&self) -> &str {
        path_behind(self.as_str(), "listener").unwrap_or(self.as_str())
    }

    /// The load balancer that it belongs to.
    pub fn load_balancer(&self) -> Option<LoadBalancerArn> {
        load_balancer_of(self.as_str(), "listener")
    }
}

impl RuleArn {
    /// The listener that it belongs to: `listener-rule/app/NAME/ID/LISTENER/RULE`.
    pub fn listener(&self) -> Option<ListenerArn> {
        let (listener, _) = self.as_str().rsplit_once('/')?;
        Some(ListenerArn::from(listener.replacen(":listener-rule/", ":listener/", 1)))
    }

    /// The load balancer that it belongs to.
    pub fn load_balancer(&self) -> Option<LoadBalancerArn> {
        load_balancer_of(self.as_str(), "listener-rule")
    }
}

impl TaskArn {
    /// The task's id, as the console shows it: `task/CLUSTER/ID`.
    pub fn id(&self) -> &str {
        last_part(self.as_str())
    }
}

impl TaskDefinitionArn {
    /// `FAMILY:REVISION`
    pub fn name(&self) -> &str {
        last_part(self.as_str())
    }

    /// Its revision; `None` where this ARN has none.
    pub fn revision(&self) -> Option<u32> {
        self.name().split_once(':')?.1.parse().ok()
    }

    /// The first revision of another family of the same account and region; `None` where this ARN has no revision.
    pub fn of_family(&self, family: &str) -> Option<Self> {
        let before = self.as_str().strip_suffix(self.name())?;
        self.revision().map(|_| Self::from(format!("{before}{family}:1")))
    }

    /// Another revision of the same family; `None` where this ARN has no revision.
    pub fn with_revision(&self, revision: i32) -> Option<Self> {
        let family = self.as_str().strip_suffix(self.name())?;
        let (name, _) = self.name().split_once(':')?;
        Some(Self::from(format!("{family}{name}:{revision}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELB: &str = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012";

    #[test]
    fn an_arn_has_six_parts_and_the_last_may_have_colons() {
        let arn = Arn::parse("arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7").expect("an ARN");
        assert_eq!((arn.partition, arn.service, arn.region, arn.account), ("aws", "ecs", "eu-west-1", "123456789012"));
        assert_eq!(
            (arn.resource, arn.resource_type()),
            ("task-definition/shop:7", Some(("task-definition", "shop:7")))
        );
        let role = Arn::parse("arn:aws:iam::123456789012:role/portolan").expect("an ARN");
        assert_eq!((role.region, role.resource), ("", "role/portolan"));
        for text in
            ["shop", "", "arn:", "arn:aws:ecs:eu-west-1:service/shop", "arn::ecs:r:1:service/shop", "arn:a:ecs:r:1:"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
            assert_eq!(resource(text), text);
        }
    }

    #[test]
    fn names_of_load_balancing_come_before_the_id() {
        let balancer = LoadBalancerArn::from(format!("{ELB}:loadbalancer/net/edge/1a"));
        assert_eq!((balancer.name(), balancer.path()), ("edge", Some("net/edge/1a")));
        let group = format!("{ELB}:targetgroup/shop/2b");
        assert_eq!(TargetGroupArn::from(group.as_str()).name(), "shop");
        let name = |text: &str| Arn::parse(text).and_then(Arn::load_balancing_name).map(str::to_owned);
        assert_eq!(name(&group).as_deref(), Some("shop"));
        assert_eq!(name(balancer.as_str()).as_deref(), Some("edge"));
        assert_eq!(name("arn:aws:ecs:eu-west-1:123456789012:service/prod/shop"), None);
        assert_eq!(LoadBalancerArn::from("edge").path(), None);
    }

    #[test]
    fn listeners_and_rules_name_their_load_balancer() {
        let balancer = Some(LoadBalancerArn::from(format!("{ELB}:loadbalancer/app/public/1a")));
        let listener = ListenerArn::from(format!("{ELB}:listener/app/public/1a/3c"));
        let rule = RuleArn::from(format!("{ELB}:listener-rule/app/public/1a/3c/4d"));
        assert_eq!((listener.load_balancer(), rule.load_balancer()), (balancer.clone(), balancer));
        assert_eq!(listener.path(), "app/public/1a/3c");
        assert_eq!(ListenerArn::from(format!("{ELB}:listener/app/public")).load_balancer(), None);
        assert_eq!(RuleArn::from(listener.as_str()).load_balancer(), None, "another kind of resource");
    }

    #[test]
    fn ecs_has_names_and_ids_at_the_end_with_and_without_the_cluster() {
        for text in ["arn:aws:ecs:eu-west-1:123456789012:service/prod/shop", "arn:aws:ecs:r:1:service/shop", "shop"] {
            assert_eq!(last_part(text), "shop", "{text}");
        }
        assert_eq!(TaskArn::from("arn:aws:ecs:eu-west-1:123456789012:task/prod/9f").id(), "9f");
        let definition = TaskDefinitionArn::from("arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7");
        assert_eq!(definition.name(), "shop:7");
        let eighth = TaskDefinitionArn::from("arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:8");
        assert_eq!(definition.with_revision(8), Some(eighth));
        assert_eq!(TaskDefinitionArn::from("shop").with_revision(8), None);
    }
}
