//! The operations with which AWS is read, a row each.

/// A token bucket from which AWS takes a token for a call (the throttling pages of the ECS, Elastic Load Balancing and EC2
/// references).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// One for every call of Elastic Load Balancing in an account.
    ElasticLoadBalancing,
    /// Describing and listing services.
    EcsServices,
    /// Describing and listing tasks and container instances.
    EcsTasks,
    /// Describing and listing clusters.
    EcsClusters,
    /// One for each operation.
    OfOperation,
    /// None that AWS documents.
    None,
}

macro_rules! operations {
    ($($name:ident: $call:literal, $bucket:ident;)*) => {
        /// An operation that reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = $call] $name,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name with the IAM prefix, such as `ecs:DescribeServices`. The IAM action has the same name.
            pub const fn call(self) -> &'static str {
                match self {
                    $(Self::$name => $call,)*
                }
            }

            /// The bucket that a call draws from.
            pub const fn bucket(self) -> Bucket {
                match self {
                    $(Self::$name => Bucket::$bucket,)*
                }
            }
        }
    };
}

operations! {
    DescribeScalableTargets: "application-autoscaling:DescribeScalableTargets", None;
    DescribeInstances: "ec2:DescribeInstances", OfOperation;
    DescribeNetworkAcls: "ec2:DescribeNetworkAcls", OfOperation;
    DescribeNetworkInterfaces: "ec2:DescribeNetworkInterfaces", OfOperation;
    DescribeRouteTables: "ec2:DescribeRouteTables", OfOperation;
    DescribeSecurityGroupRules: "ec2:DescribeSecurityGroupRules", OfOperation;
    DescribeSecurityGroups: "ec2:DescribeSecurityGroups", OfOperation;
    DescribeSubnets: "ec2:DescribeSubnets", OfOperation;
    DescribeVpcEndpointServiceConfigurations: "ec2:DescribeVpcEndpointServiceConfigurations", OfOperation;
    DescribeVpcs: "ec2:DescribeVpcs", OfOperation;
    GetManagedPrefixListEntries: "ec2:GetManagedPrefixListEntries", OfOperation;
    DescribeClusters: "ecs:DescribeClusters", EcsClusters;
    DescribeContainerInstances: "ecs:DescribeContainerInstances", EcsTasks;
    DescribeServiceRevisions: "ecs:DescribeServiceRevisions", OfOperation;
    DescribeServices: "ecs:DescribeServices", EcsServices;
    DescribeTaskDefinition: "ecs:DescribeTaskDefinition", OfOperation;
    DescribeTasks: "ecs:DescribeTasks", EcsTasks;
    ListClusters: "ecs:ListClusters", EcsClusters;
    ListServiceDeployments: "ecs:ListServiceDeployments", OfOperation;
    ListServices: "ecs:ListServices", EcsServices;
    ListTasks: "ecs:ListTasks", EcsTasks;
    DescribeAccountLimits: "elasticloadbalancing:DescribeAccountLimits", ElasticLoadBalancing;
    DescribeListeners: "elasticloadbalancing:DescribeListeners", ElasticLoadBalancing;
    DescribeLoadBalancerAttributes: "elasticloadbalancing:DescribeLoadBalancerAttributes", ElasticLoadBalancing;
    DescribeLoadBalancers: "elasticloadbalancing:DescribeLoadBalancers", ElasticLoadBalancing;
    DescribeRules: "elasticloadbalancing:DescribeRules", ElasticLoadBalancing;
    DescribeTags: "elasticloadbalancing:DescribeTags", ElasticLoadBalancing;
    DescribeTargetGroupAttributes: "elasticloadbalancing:DescribeTargetGroupAttributes", ElasticLoadBalancing;
    DescribeTargetGroups: "elasticloadbalancing:DescribeTargetGroups", ElasticLoadBalancing;
    DescribeTargetHealth: "elasticloadbalancing:DescribeTargetHealth", ElasticLoadBalancing;
    GetCallerIdentity: "sts:GetCallerIdentity", None;
}

impl Operation {
    /// The operation with this name, if it is one that reads.
    pub fn of_call(call: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.call() == call)
    }
}
