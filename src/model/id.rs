//! Names and numbers that must not be mixed up.

use std::fmt;
use std::sync::Arc;

// Shared: a fleet of thousands names each of its things in many places.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    )*};
}

id! {
    /// ARN of an ELBv2 target group.
    TargetGroupArn;
    /// ARN of an ELBv2 load balancer.
    LoadBalancerArn;
    /// ARN of an ELBv2 listener.
    ListenerArn;
    /// ARN of an ELBv2 listener rule.
    RuleArn;
    /// ARN of an ECS task definition, revision included.
    TaskDefinitionArn;
    /// ARN of an ECS task.
    TaskArn;
    /// Id of an EC2 security group (`sg-…`).
    GroupId;
    /// Id of one rule of a security group (`sgr-…`).
    GroupRuleId;
    /// Id of an EC2 subnet (`subnet-…`).
    SubnetId;
    /// Id of a VPC (`vpc-…`).
    VpcId;
    /// Id of an EC2 instance (`i-…`).
    InstanceId;
}

/// The kinds of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Who owns, where, and how boldly.
    Fleet,
    /// A target group with its routes and static targets.
    TargetGroup,
    /// An ECS service with its ports.
    Service,
}

impl ObjectKind {
    /// The word in `kind:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::TargetGroup => "TargetGroup",
            Self::Service => "Service",
        }
    }
}

/// An object of the manifest, written `Kind/key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The kind.
    pub kind: ObjectKind,
    /// `metadata.name`.
    pub key: String,
}

impl ObjectRef {
    /// Whether it is written so: as by `to_string`, which a comparison with every mark of a listener would do too often.
    pub fn is_written(&self, text: &str) -> bool {
        text.strip_prefix(self.kind.as_str()).and_then(|rest| rest.strip_prefix('/')) == Some(self.key.as_str())
    }

    /// `Service/key`
    pub fn service(key: &str) -> Self {
        Self { kind: ObjectKind::Service, key: key.to_owned() }
    }

    /// `TargetGroup/key`
    pub fn target_group(key: &str) -> Self {
        Self { kind: ObjectKind::TargetGroup, key: key.to_owned() }
    }

    /// `Fleet/key`
    pub fn fleet(key: &str) -> Self {
        Self { kind: ObjectKind::Fleet, key: key.to_owned() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.key)
    }
}

/// An ECS service as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.name)
    }
}

/// The transport protocol of a port mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// ECS's default.
    #[default]
    Tcp,
    /// For network load balancers.
    Udp,
}

impl Transport {
    /// As ECS and EC2 write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The lowest port.
    pub from: u16,
    /// The highest port; never below `from`.
    pub to: u16,
}

impl PortRange {
    /// One port.
    pub fn one(port: u16) -> Self {
        Self { from: port, to: port }
    }

    /// How many ports it has.
    pub fn count(self) -> u32 {
        u32::from(self.to) - u32::from(self.from) + 1
    }

    /// Whether every port of `other` is in this range.
    pub fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}
