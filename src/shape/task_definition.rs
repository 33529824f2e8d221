//! The input of `RegisterTaskDefinition`.

use serde_json::{Map, Value};

use super::container::{CONTAINER, ENVIRONMENT};
use super::deployment::TAG;
use super::fold::whole;
use super::member::{Absent, Kind, Member, Order, ROLE, Structure, TEXT, number, output, row, text};
use super::volume::VOLUME;

/// What a task runs.
pub static TASK_DEFINITION: Structure = Structure { name: "RegisterTaskDefinition", members: &MEMBERS };

static MEMBERS: [Member; 28] = [
    row("family", text(255), "Name of the family. Default: the service's name."),
    row("taskRoleArn", ROLE, "Role of the application: an ARN, or the name of a role of this account."),
    row("executionRoleArn", ROLE, "Role with which ECS pulls images, reads secrets and writes logs: an ARN or a name."),
    row("networkMode", Kind::Word(&["awsvpc", "bridge", "host", "none"]), "Network mode. Default: network.mode.")
        .absent(Absent::Text("bridge")),
    row("containerDefinitions", Kind::List(&Kind::Structure(&CONTAINER), Order::Keyed(&["name"])), "The containers."),
    row("volumes", Kind::List(&Kind::Structure(&VOLUME), Order::Keyed(&["name"])), "Volumes that containers mount.")
        .or_empty(),
    row(
        "placementConstraints",
        Kind::List(&Kind::Structure(&CONSTRAINT), Order::Set),
        "Instances that may run the tasks. EC2 only.",
    )
    .or_empty(),
    row(
        "requiresCompatibilities",
        Kind::List(&Kind::Word(&["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]), Order::Set),
        "What AWS checks the definition for.",
    ),
    row("cpu", Kind::Cpu, "CPU units of the task, or text such as 1 vCPU."),
    row("memory", Kind::Memory, "Memory of the task in MiB, or text such as 2 GB."),
    row("tags", Kind::List(&Kind::Structure(&TAG), Order::Keyed(&["key"])), "Tags of the revision."),
    row("pidMode", Kind::Word(&["host", "task"]), "Whose processes containers see."),
    row("ipcMode", Kind::Word(&["host", "task", "none"]), "Whose shared memory containers use. EC2 only."),
    row("proxyConfiguration", Kind::Structure(&PROXY), "App Mesh's proxy."),
    row(
        "inferenceAccelerators",
        Kind::List(&Kind::Structure(&ACCELERATOR), Order::Keyed(&["deviceName"])),
        "Elastic Inference accelerators.",
    )
    .or_empty(),
    row("ephemeralStorage", Kind::Structure(&EPHEMERAL_STORAGE), "Storage of a task on Fargate."),
    row("runtimePlatform", Kind::Structure(&PLATFORM), "Processor and operating system."),
    row("enableFaultInjection", Kind::Boolean, "Whether tasks take requests to inject faults.")
        .absent(Absent::Boolean(false)),
    row("trustedExecutionConfiguration", Kind::Anything, "Isolation on ECS Managed Instances: passed on as written."),
    output("taskDefinitionArn"),
    output("revision"),
    output("status"),
    output("requiresAttributes"),
    output("compatibilities"),
    output("registeredAt"),
    output("registeredBy"),
    output("deregisteredAt"),
    output("deleteRequestedAt"),
];

static CONSTRAINT: Structure = Structure {
    name: "TaskDefinitionPlacementConstraint",
    members: &[
        row("type", Kind::Word(&["memberOf"]), "What is required.").required(),
        row("expression", text(2000), "In the cluster query language."),
    ],
};

static PROXY: Structure = Structure {
    name: "ProxyConfiguration",
    members: &[
        row("type", Kind::Word(&["APPMESH"]), "Kind of proxy.").absent(Absent::Text("APPMESH")),
        row("containerName", TEXT, "The proxy's container.").required(),
        row(
            "properties",
            Kind::List(&Kind::Structure(&ENVIRONMENT), Order::Keyed(&["name"])),
            "Settings of the proxy.",
        )
        .or_empty(),
    ],
};

static ACCELERATOR: Structure = Structure {
    name: "InferenceAccelerator",
    members: &[
        row("deviceName", TEXT, "Name of the device.").required(),
        row("deviceType", TEXT, "Type of the device.").required(),
    ],
};

static EPHEMERAL_STORAGE: Structure =
    Structure { name: "EphemeralStorage", members: &[row("sizeInGiB", number(21, 200), "GiB.").required()] };

static PLATFORM: Structure = Structure {
    name: "RuntimePlatform",
    members: &[
        row("cpuArchitecture", Kind::Word(&["X86_64", "ARM64"]), "Processor.").absent(Absent::Text("X86_64")),
        row(
            "operatingSystemFamily",
            Kind::Word(&[
                "LINUX",
                "WINDOWS_SERVER_2016_FULL",
                "WINDOWS_SERVER_2019_FULL",
                "WINDOWS_SERVER_2019_CORE",
                "WINDOWS_SERVER_2004_CORE",
                "WINDOWS_SERVER_20H2_CORE",
                "WINDOWS_SERVER_2022_FULL",
                "WINDOWS_SERVER_2022_CORE",
                "WINDOWS_SERVER_2025_FULL",
                "WINDOWS_SERVER_2025_CORE",
            ]),
            "Operating system.",
        )
        .absent(Absent::Text("LINUX")),
    ],
};

/// What a mapping's host port is where it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMapping {
    /// awsvpc and host: the container port.
    Same,
    /// bridge: any, written as 0.
    Dynamic,
}

impl NetworkMapping {
    /// Of a network mode by AWS's name; left out it is bridge.
    pub fn of(mode: Option<&str>) -> Self {
        match mode {
            Some("awsvpc" | "host") => Self::Same,
            Some(_) | None => Self::Dynamic,
        }
    }
}

/// Leaves out each host port that says no more than leaving it out (ECS `PortMapping$hostPort`).
pub fn fold_host_ports(definition: &mut Map<String, Value>, mapping: NetworkMapping) {
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    let mappings = containers.into_iter().flatten().filter_map(|container| container.get_mut("portMappings"));
    for entry in mappings.filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        let host = entry.get("hostPort").and_then(whole);
        let says_nothing = match mapping {
            NetworkMapping::Same => host == entry.get("containerPort").and_then(whole),
            NetworkMapping::Dynamic => host == Some(0),
        };
        if says_nothing {
            entry.remove("hostPort");
        }
    }
}
