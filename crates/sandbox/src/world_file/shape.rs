//! What a world file can say.

mod balancing;
mod compute;
mod format;
mod network;
mod value;

use portolan_yaml::{At, TextMap, mapping};

pub(crate) use balancing::{Act, Action, Listener, LoadBalancer, Rule, TargetGroup};
pub(crate) use compute::{App, ContainerInstance, ContainerPort, Instance, Service, TaskDefinition};
pub(crate) use format::WorldFile;
pub(crate) use network::{AclEntry, GroupRule, NetworkAcl, SecurityGroup, Subnet, Vpc};
pub(crate) use value::{Forward, Tree};

use compute::ScalableTarget;
use value::{ByName, Count, Hosts, List, OrDefault, Seed};

mapping! {
    /// A whole file. Lists are made in this order, so each may name what comes before it.
    #[derive(Default)]
    struct World in "the world" {
        _about as "about": Option<At<String>>,
        account as "account": Option<At<String>>,
        region as "region": Option<At<String>>,
        seed as "seed": Option<At<Seed>>,
        /// By image.
        apps as "apps": OrDefault<ByName<App>>,
        /// What listens on addresses that EC2 does not know.
        hosts as "hosts": OrDefault<Hosts>,
        vpcs as "vpcs": List<Vpc>,
        instances as "instances": List<Instance>,
        clusters as "clusters": List<String>,
        container_instances as "containerInstances": List<ContainerInstance>,
        task_definitions as "taskDefinitions": List<TaskDefinition>,
        target_groups as "targetGroups": List<TargetGroup>,
        load_balancers as "loadBalancers": List<LoadBalancer>,
        services as "services": List<Service>,
        scalable_targets as "scalableTargets": List<ScalableTarget>,
        settings as "settings": OrDefault<Settings>,
        /// Seconds that pass before anything is done by hand.
        settle as "settle": Option<At<Count>>,
        /// What is done by hand, and the time that passes between.
        then as "then": List<Deed>,
    }
}

mapping! {
    /// How the world treats its callers, once it stands.
    #[derive(Default)]
    struct Settings in "settings" {
        /// Reads tell what was so many seconds ago.
        lag as "lag": Option<At<Count>>,
        rate_limits as "rateLimits": OrDefault<bool>,
        denied as "denied": List<String>,
        /// Codes of errors, by call.
        refused as "refused": OrDefault<TextMap>,
    }
}

mapping! {
    /// `{call: ecs:UpdateService, with: {…}}`, `{advance: 60}` or `{app: {image: …, …}}`.
    struct Deed in "a step of then" {
        call as "call": Option<At<String>>,
        with as "with": Option<At<Tree>>,
        /// Seconds.
        advance as "advance": Option<At<Count>>,
        /// What an image does from now on.
        app as "app": OrDefault<ByName<App>>,
    }
}
