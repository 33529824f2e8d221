//! The hops of a path.

/// A point on the path where a request can fail. The order is part of the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopId {
    /// State, scheme, inbound security groups, and the routes of its subnets.
    LoadBalancer,
    /// A listener exists on the port.
    Listener,
    /// A rule matches the request and forwards it.
    Rule,
    /// The target group exists, and fits the load balancer and the tasks.
    TargetGroup,
    /// The service's loadBalancers include the target group, with the right container and port.
    ServiceWiring,
    /// The registered targets are the live tasks.
    Registration,
    /// Nodes send requests to the zones of the targets.
    AvailabilityZone,
    /// The load balancer's security groups allow the outbound request.
    LoadBalancerEgress,
    /// The network ACLs of both subnets, in both directions.
    NetworkAcl,
    /// The security groups of the target allow the inbound request.
    TargetSecurityGroup,
    /// The container's port is bound on the host.
    PortBinding,
    /// What health checks show about the app.
    Application,
}

impl HopId {
    /// Every hop, in order.
    pub const ALL: [Self; 12] = [
        Self::LoadBalancer,
        Self::Listener,
        Self::Rule,
        Self::TargetGroup,
        Self::ServiceWiring,
        Self::Registration,
        Self::AvailabilityZone,
        Self::LoadBalancerEgress,
        Self::NetworkAcl,
        Self::TargetSecurityGroup,
        Self::PortBinding,
        Self::Application,
    ];

    /// The id in JSON and texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load-balancer",
            Self::Listener => "listener",
            Self::Rule => "rule",
            Self::TargetGroup => "target-group",
            Self::ServiceWiring => "service-wiring",
            Self::Registration => "registration",
            Self::AvailabilityZone => "availability-zone",
            Self::LoadBalancerEgress => "load-balancer-egress",
            Self::NetworkAcl => "network-acl",
            Self::TargetSecurityGroup => "target-security-group",
            Self::PortBinding => "port-binding",
            Self::Application => "application",
        }
    }
}
