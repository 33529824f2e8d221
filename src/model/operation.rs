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
    ($($name:ident: $call:literal, $bucket:ident $(, $page:literal)?;)*) => {
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

            /// How many things a page of its response may have, as Portolan asks for them; `None`: it asks for all in one response.
            pub const fn page(self) -> Option<i32> {
                match self {
                    $(Self::$name => operations!(@page $($page)?),)*
                }
            }
        }
    };
    (@page $page:literal) => { Some($page) };
    (@page) => { None };
}

operations! {
    DescribeScalableTargets: "application-autoscaling:DescribeScalableTargets", None, 50;
    DescribeInstances: "ec2:DescribeInstances", OfOperation, 1000;
    DescribeNetworkAcls: "ec2:DescribeNetworkAcls", OfOperation, 1000;
    DescribeNetworkInterfaces: "ec2:DescribeNetworkInterfaces", OfOperation, 1000;
    DescribeRouteTables: "ec2:DescribeRouteTables", OfOperation, 100;
    DescribeSecurityGroupRules: "ec2:DescribeSecurityGroupRules", OfOperation, 1000;
    DescribeSecurityGroups: "ec2:DescribeSecurityGroups", OfOperation, 1000;
    DescribeSubnets: "ec2:DescribeSubnets", OfOperation, 1000;
    DescribeVpcEndpointServiceConfigurations: "ec2:DescribeVpcEndpointServiceConfigurations", OfOperation, 1000;
    DescribeVpcs: "ec2:DescribeVpcs", OfOperation, 1000;
    GetManagedPrefixListEntries: "ec2:GetManagedPrefixListEntries", OfOperation, 100;
    DescribeClusters: "ecs:DescribeClusters", EcsClusters;
    DescribeContainerInstances: "ecs:DescribeContainerInstances", EcsTasks;
    DescribeServiceRevisions: "ecs:DescribeServiceRevisions", OfOperation;
    DescribeServices: "ecs:DescribeServices", EcsServices;
    DescribeTaskDefinition: "ecs:DescribeTaskDefinition", OfOperation;
    DescribeTasks: "ecs:DescribeTasks", EcsTasks;
    ListClusters: "ecs:ListClusters", EcsClusters, 100;
    ListServiceDeployments: "ecs:ListServiceDeployments", OfOperation;
    ListServices: "ecs:ListServices", EcsServices, 100;
    ListTasks: "ecs:ListTasks", EcsTasks, 100;
    DescribeAccountLimits: "elasticloadbalancing:DescribeAccountLimits", ElasticLoadBalancing, 400;
    DescribeListeners: "elasticloadbalancing:DescribeListeners", ElasticLoadBalancing, 400;
    DescribeLoadBalancerAttributes: "elasticloadbalancing:DescribeLoadBalancerAttributes", ElasticLoadBalancing;
    DescribeLoadBalancers: "elasticloadbalancing:DescribeLoadBalancers", ElasticLoadBalancing, 400;
    DescribeRules: "elasticloadbalancing:DescribeRules", ElasticLoadBalancing, 400;
    DescribeTags: "elasticloadbalancing:DescribeTags", ElasticLoadBalancing;
    DescribeTargetGroupAttributes: "elasticloadbalancing:DescribeTargetGroupAttributes", ElasticLoadBalancing;
    DescribeTargetGroups: "elasticloadbalancing:DescribeTargetGroups", ElasticLoadBalancing, 400;
    DescribeTargetHealth: "elasticloadbalancing:DescribeTargetHealth", ElasticLoadBalancing;
    GetCallerIdentity: "sts:GetCallerIdentity", None;
}

impl Operation {
    /// The operation with this name, if it is one that reads.
    pub fn of_call(call: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.call() == call)
    }
}
