//! The vocabulary of Portolan: what people declare, what AWS answers, and nothing of how either is written
//! down. No AWS SDK, no serde and no I/O below this line.
//!
//! Both sides are canonical: [`crate::manifest`] lowers YAML to these types and `crate::aws` converts SDK
//! answers to the same ones (host names in lower case, CIDRs masked, lists that are sets sorted), so that
//! comparing is `==` on a field. A desired `None` always means *unmanaged*.

// First: the modules below use its macro.
#[macro_use]
mod query_table;

pub mod acl;
pub mod address;
mod answered;
pub mod arn;
pub mod attribute;
mod behind;
pub mod block;
pub mod cluster;
mod deployment;
pub mod desired;
pub mod given;
pub mod group_rules;
pub mod id;
pub mod interface;
pub mod listener_rule;
pub mod network;
pub mod observed;
pub mod operation;
pub mod owner;
mod parked;
pub mod path_name;
pub mod pattern;
pub mod place;
pub mod query;
mod regular_expression;
pub mod request;
pub mod request_set;
pub mod scope;
pub mod security_group;
pub mod seen;
pub mod service;
mod take;
pub mod target;
pub mod target_group;
pub mod task_definition;
pub mod user_info;

pub use acl::{AclEntry, NetworkAcl, Piece};
pub use address::{AddressFamily, AddressSet};
pub use arn::{Arn, is_arn};
pub use behind::{Behind, Registrants, unlisted};
pub use cluster::{AccountLimits, Cluster, ScalableTarget};
pub use deployment::{DeploymentEnd, DeploymentState, EndedDeployment, PastDeployment, ServiceDeployment};
pub use desired::{
    Autoscaling, Budget, Definition, Desired, DesiredCount, DesiredPort, DesiredService, DesiredTargetGroup, Fleet,
    IngressSource, Mode, Network, OnTimeout, OtherContainers, Redeploy, Registrar, Removal, RolloutLimit, Route,
    ServiceRemoval, ServingRemoval, StaticTarget, Suspend,
};
pub use given::Given;
pub(crate) use given::RulesOfRoutes;
pub use group_rules::{Passage, Peer, PrefixLists, passage};
pub use id::{
    GroupId, GroupRuleId, InstanceId, ListenerArn, LoadBalancerArn, ObjectKind, ObjectRef, PortRange, RuleArn,
    ServiceId, SubnetId, TargetGroupArn, TaskArn, TaskDefinitionArn, Transport, VpcId,
};
pub use interface::{AddressOwner, EndpointServices, Interface, Nodes, RouteTable, is_of_task};
pub use listener_rule::{
    Conditions, Forward, HeaderCondition, Listener, QueryCondition, RegexField, Rule, RuleActions, Serve, Unsayable,
};
pub use network::{IpAddressType, LoadBalancer, LoadBalancerKind, Lookup, Subnet, Vpc};
pub use observed::Observed;
pub use operation::{Bucket, Operation};
pub use owner::{Mark, Owner, Tags};
pub use parked::PARKED_SOURCES;
pub use path_name::PathName;
pub use place::{ObjectPlaces, Place, Places};
pub use query::{Answer, Batch, Facts, Keep, Kind, Purpose, Queries, Query};
pub use request::{Request, Taken};
pub use request_set::{RequestSet, Share};
pub use scope::Scope;
pub use security_group::{IngressRule, IpProtocol, RuleSource, SecurityGroup};
pub use seen::{Gap, Seen};
pub use service::{
    Awsvpc, Conduct, Deployment, DeploymentController, LoadBalancerEntry, Revision, Rollout, Scheduling, Service,
    ServiceOutline, ServiceStatus, StopCause, StoppedContainer, StoppedTask, Strategy, TaskCounts, UnderWay,
};
pub use target::{
    Binding, Host, Placement, STARTED_ALONE, Target, TargetHealth, TargetKey, TargetState, Task, task_owner,
};
pub use target_group::{
    Attributes, HealthCheck, HealthPort, Matcher, PRESERVE_CLIENT_IP, Protocol, ProtocolVersion, TargetGroup,
    TargetType,
};
pub use task_definition::{AppProtocol, Container, NetworkMode, PortMapping, TaskDefinition};
pub use user_info::without_user_info;
