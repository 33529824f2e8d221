//! What AWS always sends: for each call that only reads, the member without which its answer is no answer.
//!
//! From AWS's own models and answers: the query protocol and EC2 send a list's element also when the list is empty, ECS and
//! Application Auto Scaling send `[]`. SQS alone leaves an empty list out.

/// Where the members of an answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Members of the JSON object.
    Json,
    /// `<FooResponse><FooResult>`: Elastic Load Balancing and STS.
    Result,
    /// `<FooResponse>`: EC2.
    Root,
}

/// What the member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A list; the member that each of its things has, `None` where they are plain texts.
    List(Option<&'static str>),
    /// One thing, and a member that it always has.
    Object(&'static str),
    /// A text that is not empty.
    Text,
    /// There is no such member: an empty answer is whole.
    Nothing,
}

/// A call that only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) operation: &'static str,
    pub(super) place: Place,
    pub(super) member: &'static str,
    pub(super) kind: Kind,
}

const fn json(operation: &'static str, member: &'static str, kind: Kind) -> Read {
    Read { operation, place: Place::Json, member, kind }
}

const fn result(operation: &'static str, member: &'static str, name: &'static str) -> Read {
    Read { operation, place: Place::Result, member, kind: Kind::List(Some(name)) }
}

const fn ec2(operation: &'static str, member: &'static str, name: &'static str) -> Read {
    Read { operation, place: Place::Root, member, kind: Kind::List(Some(name)) }
}

/// One row for each call that only reads.
pub(super) const READS: &[Read] = &[
    json("DescribeClusters", "clusters", Kind::List(Some("clusterArn"))),
    json("DescribeServices", "services", Kind::List(Some("serviceName"))),
    json("DescribeTasks", "tasks", Kind::List(Some("taskArn"))),
    json("DescribeContainerInstances", "containerInstances", Kind::List(Some("containerInstanceArn"))),
    json("DescribeTaskDefinition", "taskDefinition", Kind::Object("containerDefinitions")),
    json("DescribeServiceRevisions", "serviceRevisions", Kind::List(Some("serviceRevisionArn"))),
    json("ListClusters", "clusterArns", Kind::List(None)),
    json("ListServices", "serviceArns", Kind::List(None)),
    json("ListTasks", "taskArns", Kind::List(None)),
    json("ListServiceDeployments", "serviceDeployments", Kind::List(Some("status"))),
    json("DescribeScalableTargets", "ScalableTargets", Kind::List(Some("ResourceId"))),
    json("ReceiveMessage", "Messages", Kind::Nothing),
    result("DescribeLoadBalancers", "LoadBalancers", "LoadBalancerArn"),
    result("DescribeLoadBalancerAttributes", "Attributes", "Key"),
    result("DescribeListeners", "Listeners", "ListenerArn"),
    result("DescribeRules", "Rules", "RuleArn"),
    result("DescribeTargetGroups", "TargetGroups", "TargetGroupArn"),
    result("DescribeTargetGroupAttributes", "Attributes", "Key"),
    result("DescribeTargetHealth", "TargetHealthDescriptions", "Target"),
    result("DescribeTags", "TagDescriptions", "ResourceArn"),
    result("DescribeAccountLimits", "Limits", "Name"),
    Read { operation: "GetCallerIdentity", place: Place::Result, member: "Account", kind: Kind::Text },
    ec2("DescribeVpcs", "vpcSet", "vpcId"),
    ec2("DescribeSubnets", "subnetSet", "subnetId"),
    ec2("DescribeSecurityGroups", "securityGroupInfo", "groupId"),
    ec2("DescribeSecurityGroupRules", "securityGroupRuleSet", "securityGroupRuleId"),
    ec2("DescribeNetworkInterfaces", "networkInterfaceSet", "networkInterfaceId"),
    ec2("DescribeInstances", "reservationSet", "instancesSet"),
    ec2("DescribeNetworkAcls", "networkAclSet", "networkAclId"),
    ec2("DescribeRouteTables", "routeTableSet", "routeTableId"),
    ec2("DescribeVpcEndpointServiceConfigurations", "serviceConfigurationSet", "serviceId"),
    ec2("GetManagedPrefixListEntries", "entrySet", "cidr"),
];

/// The row of a call; `None` for one that changes something.
pub(super) fn of(operation: &str) -> Option<&'static Read> {
    READS.iter().find(|read| read.operation == operation)
}
