//! Programs, and what runs them.

use portolan_yaml::{At, Word, mapping};

use super::value::{AnyPort, ByName, Code, Count, List, OrDefault, Ports};
use crate::state::{self, Listen, Speaks};

/// Milliseconds in which a program answers, if it is not said.
const LATENCY: i64 = 5;

mapping! {
    /// A program: what it listens on.
    #[derive(Default)]
    struct App in "an app" {
        listens as "listens": List<Listening>,
        /// Seconds.
        starts_after as "startsAfter": Option<At<Count>>,
        crashes_after as "crashesAfter": Option<At<Count>>,
        cannot_start as "cannotStart": OrDefault<bool>,
    }
}

mapping! {
    struct Listening in "listens" {
        port as "port": At<AnyPort>,
        loopback as "loopback": OrDefault<bool>,
        speaks as "speaks": Option<At<Speaks>>,
        paths as "paths": OrDefault<ByName<Code>>,
        code as "code": Option<At<Code>>,
        /// Milliseconds.
        latency as "latency": Option<At<Count>>,
    }
}

impl Word for Speaks {
    fn words() -> Vec<(&'static str, Self)> {
        vec![("http", Self::Http), ("https", Self::Https), ("grpc", Self::Grpc), ("tcp", Self::Tcp)]
    }
}

/// As the world keeps it; the decoder saw to the range.
fn to_code(code: &At<Code>) -> u16 {
    u16::try_from(code.0).unwrap_or_default()
}

impl Listening {
    fn to_state(&self) -> Listen {
        let speaks = self.speaks.as_ref().map_or(Speaks::Http, |speaks| **speaks);
        let usual = if speaks == Speaks::Grpc { 0 } else { 200 };
        Listen {
            port: self.port.to_u16(),
            loopback: *self.loopback,
            speaks,
            paths: self.paths.iter().map(|(path, code)| (path.clone(), to_code(code))).collect(),
            code: self.code.as_ref().map_or(usual, to_code),
            latency: self.latency.as_ref().map_or(LATENCY, |latency| i64::from(latency.0)),
        }
    }
}

impl App {
    /// As the world keeps it.
    pub fn to_state(&self) -> state::App {
        state::App {
            listens: self.listens.iter().map(|listening| listening.to_state()).collect(),
            starts_after: self.starts_after.as_ref().map_or(0, |seconds| i64::from(seconds.0)),
            crashes_after: self.crashes_after.as_ref().map(|seconds| i64::from(seconds.0)),
            cannot_start: *self.cannot_start,
        }
    }
}

mapping! {
    struct Instance in "instances" {
        name as "name": At<String>,
        subnet as "subnet": At<String>,
        security_groups as "securityGroups": At<Vec<At<String>>>,
        /// `c5.large` where it is absent.
        instance_type as "instanceType": Option<At<String>>,
        /// `32768-60999`
        dynamic_ports as "dynamicPorts": Option<At<Ports>>,
        app as "app": OrDefault<App>,
    }
}

mapping! {
    struct ContainerInstance in "containerInstances" {
        cluster as "cluster": At<String>,
        instance as "instance": At<String>,
    }
}

mapping! {
    struct TaskDefinition in "taskDefinitions" {
        family as "family": At<String>,
        /// `awsvpc` where it is absent.
        network_mode as "networkMode": Option<At<String>>,
        cpu as "cpu": Option<At<String>>,
        memory as "memory": Option<At<String>>,
        containers as "containers": At<Vec<At<Container>>>,
    }
}

mapping! {
    struct Container in "taskDefinitions.containers" {
        name as "name": At<String>,
        image as "image": At<String>,
        ports as "ports": List<ContainerPort>,
        /// The shell command of the container's own health check, which passes as long as the container runs.
        health_check as "healthCheck": Option<At<String>>,
    }
}

mapping! {
    struct ContainerPort in "taskDefinitions.containers.ports" {
        port as "port": At<AnyPort>,
        host as "host": Option<At<AnyPort>>,
        /// `tcp` where it is absent.
        protocol as "protocol": Option<At<String>>,
    }
}

mapping! {
    struct Service in "services" {
        name as "name": At<String>,
        cluster as "cluster": At<String>,
        task_definition as "taskDefinition": At<String>,
        /// 1 where it is absent.
        desired_count as "desiredCount": Option<At<Count>>,
        /// `FARGATE` where it is absent.
        launch_type as "launchType": Option<At<String>>,
        subnets as "subnets": List<String>,
        security_groups as "securityGroups": List<String>,
        load_balancers as "loadBalancers": List<ServiceLoadBalancer>,
        /// Seconds.
        grace as "grace": Option<At<Count>>,
        minimum_percent as "minimumPercent": Option<At<Count>>,
        maximum_percent as "maximumPercent": Option<At<Count>>,
        circuit_breaker as "circuitBreaker": OrDefault<bool>,
        daemon as "daemon": OrDefault<bool>,
        controller as "controller": Option<At<String>>,
    }
}

mapping! {
    struct ServiceLoadBalancer in "services.loadBalancers" {
        target_group as "targetGroup": At<String>,
        container as "container": At<String>,
        port as "port": At<AnyPort>,
    }
}

mapping! {
    struct ScalableTarget in "scalableTargets" {
        /// `prod/cart`
        service as "service": At<String>,
        min as "min": At<Count>,
        max as "max": At<Count>,
    }
}
