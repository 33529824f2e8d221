//! A container of a task definition (ECS `ContainerDefinition`).

use super::member::{Absent, Kind, LONG_TEXT, Order, Structure, TEXT, TEXT_SET, TEXTS, number, row, text};

/// Most of a number that AWS states no bound for.
const MOST: i64 = 2_147_483_647;

pub(super) static CONTAINER: Structure = Structure {
    name: "ContainerDefinition",
    members: &[
        row("name", text(255), "Name of the container.").required(),
        row("image", TEXT, "The image. Absent: the live one stays."),
        row("repositoryCredentials", Kind::Structure(&CREDENTIALS), "Login of a private registry."),
        row("cpu", number(0, 196_608), "CPU units.").absent(Absent::Number(0)),
        row("memory", number(4, MOST), "Most memory in MiB: above it the container is stopped."),
        row("memoryReservation", number(4, MOST), "Memory in MiB that is kept for the container."),
        row("links", TEXT_SET, "Containers that this one reaches by name. bridge only.").or_empty(),
        row(
            "portMappings",
            Kind::List(
                &Kind::Structure(&PORT_MAPPING),
                Order::Keyed(&["containerPort", "containerPortRange", "protocol"]),
            ),
            "Ports; merged with the service's ports.",
        )
        .or_empty(),
        row("essential", Kind::Boolean, "Whether the task stops with this container.").absent(Absent::Boolean(true)),
        row("restartPolicy", Kind::Structure(&RESTART), "Whether ECS restarts the container alone."),
        row("entryPoint", TEXTS, "Entry point.").data().or_empty(),
        row("command", TEXTS, "Command.").data().or_empty(),
        row(
            "environment",
            Kind::List(&Kind::Structure(&ENVIRONMENT), Order::Keyed(&["name"])),
            "Environment variables. Values are never shown.",
        )
        .or_empty(),
        row(
            "environmentFiles",
            Kind::List(&Kind::Structure(&ENVIRONMENT_FILE), Order::Ordered),
            "Files with environment variables in S3.",
        )
        .or_empty(),
        row("mountPoints", Kind::List(&Kind::Structure(&MOUNT), Order::Keyed(&["containerPath"])), "Mounted volumes.")
            .or_empty(),
        row(
            "volumesFrom",
            Kind::List(&Kind::Structure(&VOLUMES_FROM), Order::Keyed(&["sourceContainer"])),
            "Volumes of another container.",
        )
        .or_empty(),
        row("linuxParameters", Kind::Structure(&LINUX), "Settings of the Linux kernel."),
        row(
            "secrets",
            Kind::List(&Kind::Structure(&SECRET), Order::Keyed(&["name"])),
            "Environment variables from Secrets Manager or Parameter Store.",
        )
        .or_empty(),
        row(
            "dependsOn",
            Kind::List(&Kind::Structure(&DEPENDENCY), Order::Keyed(&["containerName"])),
            "Containers that come first.",
        )
        .or_empty(),
        row("startTimeout", number(2, MOST), "Seconds until a container that others wait for is given up."),
        row("stopTimeout", number(0, MOST), "Seconds until a stopping container is killed."),
        row(
            "versionConsistency",
            Kind::Word(&["enabled", "disabled"]),
            "Whether all tasks of a deployment run the same digest of a tag.",
        )
        .absent(Absent::Text("enabled")),
        row("hostname", text(255), "Host name in the container. Not with awsvpc."),
        row("user", text(255), "User in the container."),
        row("workingDirectory", TEXT, "Working directory."),
        row("disableNetworking", Kind::Boolean, "Whether the container has no network.").absent(Absent::Boolean(false)),
        row("privileged", Kind::Boolean, "Whether the container has all rights of the instance. Not on Fargate.")
            .absent(Absent::Boolean(false)),
        row("readonlyRootFilesystem", Kind::Boolean, "Whether the root file system is read-only.")
            .absent(Absent::Boolean(false)),
        row("dnsServers", TEXTS, "DNS servers. Not with awsvpc.").or_empty(),
        row("dnsSearchDomains", TEXTS, "DNS search domains. Not with awsvpc.").or_empty(),
        row(
            "extraHosts",
            Kind::List(&Kind::Structure(&EXTRA_HOST), Order::Keyed(&["hostname"])),
            "Entries of /etc/hosts. Not with awsvpc.",
        )
        .or_empty(),
        row("dockerSecurityOptions", TEXTS, "Labels of SELinux and AppArmor. Not on Fargate.").or_empty(),
        row("interactive", Kind::Boolean, "Whether standard input stays open.").absent(Absent::Boolean(false)),
        row("pseudoTerminal", Kind::Boolean, "Whether the container has a terminal.").absent(Absent::Boolean(false)),
        row("dockerLabels", Kind::Map, "Labels of the container."),
        row(
            "ulimits",
            Kind::List(&Kind::Structure(&ULIMIT), Order::Keyed(&["name"])),
            "Limits of the operating system.",
        )
        .or_empty(),
        row("logConfiguration", Kind::Structure(&LOG), "Where logs go."),
        row(
            "healthCheck",
            Kind::Structure(&HEALTH_CHECK),
            "Health check inside the container. ECS ignores that of the image.",
        ),
        row(
            "systemControls",
            Kind::List(&Kind::Structure(&SYSTEM_CONTROL), Order::Keyed(&["namespace"])),
            "Kernel parameters.",
        )
        .or_empty(),
        row(
            "resourceRequirements",
            Kind::List(&Kind::Structure(&RESOURCE), Order::Keyed(&["type"])),
            "GPUs and accelerators.",
        )
        .or_empty(),
        row("firelensConfiguration", Kind::Structure(&FIRELENS), "That this container routes the logs of the others."),
        row("credentialSpecs", TEXT_SET, "Specifications for Active Directory.").or_empty(),
    ],
};

static CREDENTIALS: Structure = Structure {
    name: "RepositoryCredentials",
    members: &[row("credentialsParameter", TEXT, "ARN of the secret.").required()],
};

static PORT_MAPPING: Structure = Structure {
    name: "PortMapping",
    members: &[
        row("containerPort", number(1, 65_535), "The port inside."),
        row("hostPort", number(0, 65_535), "The port on the host."),
        row("protocol", Kind::Word(&["tcp", "udp"]), "Transport protocol.").absent(Absent::Text("tcp")),
        row("name", text(64), "Name for Service Connect."),
        row("appProtocol", Kind::Word(&["http", "http2", "grpc"]), "Protocol for Service Connect."),
        row("containerPortRange", text(11), "Range of ports such as 8000-8010."),
        super::member::output("hostPortRange"),
    ],
};

static RESTART: Structure = Structure {
    name: "ContainerRestartPolicy",
    members: &[
        row("enabled", Kind::Boolean, "Whether ECS restarts the container.").required().absent(Absent::Boolean(false)),
        row("ignoredExitCodes", Kind::List(&number(0, 255), Order::Set), "Exit codes after which it is not restarted.")
            .or_empty(),
        row("restartAttemptPeriod", number(60, 1800), "Seconds that it must have run to be restarted.")
            .absent(Absent::Number(300)),
    ],
};

/// A name and a value that is never shown.
pub(super) static ENVIRONMENT: Structure = Structure {
    name: "KeyValuePair",
    members: &[
        row("name", TEXT, "The name.").required(),
        row("value", LONG_TEXT, "The value; never shown.").secret().absent(Absent::Text("")),
    ],
};

static ENVIRONMENT_FILE: Structure = Structure {
    name: "EnvironmentFile",
    members: &[
        row("value", TEXT, "ARN of the file in S3.").required(),
        row("type", Kind::Word(&["s3"]), "Where it is.").required().absent(Absent::Text("s3")),
    ],
};

static MOUNT: Structure = Structure {
    name: "MountPoint",
    members: &[
        row("sourceVolume", TEXT, "The volume."),
        row("containerPath", TEXT, "Where it is mounted."),
        row("readOnly", Kind::Boolean, "Whether it is read-only.").absent(Absent::Boolean(false)),
    ],
};

static VOLUMES_FROM: Structure = Structure {
    name: "VolumeFrom",
    members: &[
        row("sourceContainer", TEXT, "The other container."),
        row("readOnly", Kind::Boolean, "Whether they are read-only.").absent(Absent::Boolean(false)),
    ],
};

static LINUX: Structure = Structure {
    name: "LinuxParameters",
    members: &[
        row("capabilities", Kind::Structure(&CAPABILITIES), "Rights of the container."),
        row(
            "devices",
            Kind::List(&Kind::Structure(&DEVICE), Order::Keyed(&["hostPath"])),
            "Devices of the instance. Not on Fargate.",
        )
        .or_empty(),
        row("initProcessEnabled", Kind::Boolean, "Whether an init process collects ended ones.")
            .absent(Absent::Boolean(false)),
        row("sharedMemorySize", number(0, MOST), "Size of /dev/shm in MiB. Not on Fargate."),
        row("tmpfs", Kind::List(&Kind::Structure(&TMPFS), Order::Keyed(&["containerPath"])), "Mounts in memory.")
            .or_empty(),
        row("maxSwap", number(0, MOST), "Most swap in MiB. Not on Fargate."),
        row("swappiness", number(0, 100), "How eagerly memory is swapped. Not on Fargate."),
    ],
};

static CAPABILITIES: Structure = Structure {
    name: "KernelCapabilities",
    members: &[
        row("add", TEXT_SET, "Rights that are added.").or_empty(),
        row("drop", TEXT_SET, "Rights that are taken away.").or_empty(),
    ],
};

static DEVICE: Structure = Structure {
    name: "Device",
    members: &[
        row("hostPath", TEXT, "Path on the instance.").required(),
        row("containerPath", TEXT, "Path in the container."),
        row("permissions", Kind::List(&Kind::Word(&["read", "write", "mknod"]), Order::Set), "What is allowed.")
            .or_empty(),
    ],
};

static TMPFS: Structure = Structure {
    name: "Tmpfs",
    members: &[
        row("containerPath", TEXT, "Where it is mounted.").required(),
        row("size", number(1, MOST), "MiB.").required(),
        row("mountOptions", TEXT_SET, "Options of the mount.").or_empty(),
    ],
};

/// A secret by reference.
pub(super) static SECRET: Structure = Structure {
    name: "Secret",
    members: &[
        row("name", TEXT, "Name of the variable.").required(),
        row("valueFrom", TEXT, "ARN in Secrets Manager or Parameter Store, or a parameter's name.").required(),
    ],
};

static DEPENDENCY: Structure = Structure {
    name: "ContainerDependency",
    members: &[
        row("containerName", TEXT, "The other container.").required(),
        row("condition", Kind::Word(&["START", "COMPLETE", "SUCCESS", "HEALTHY"]), "What must be true of it.")
            .required(),
    ],
};

static EXTRA_HOST: Structure = Structure {
    name: "HostEntry",
    members: &[row("hostname", TEXT, "The name.").required(), row("ipAddress", TEXT, "The address.").required()],
};

static ULIMIT: Structure = Structure {
    name: "Ulimit",
    members: &[
        row(
            "name",
            Kind::Word(&[
                "core",
                "cpu",
                "data",
                "fsize",
                "locks",
                "memlock",
                "msgqueue",
                "nice",
                "nofile",
                "nproc",
                "rss",
                "rtprio",
                "rttime",
                "sigpending",
                "stack",
            ]),
            "Which limit.",
        )
        .required(),
        row("softLimit", number(-1, MOST), "The soft limit.").required(),
        row("hardLimit", number(-1, MOST), "The hard limit.").required(),
    ],
};

static LOG: Structure = Structure {
    name: "LogConfiguration",
    members: &[
        row(
            "logDriver",
            Kind::Word(&["awslogs", "fluentd", "gelf", "json-file", "journald", "syslog", "splunk", "awsfirelens"]),
            "The log driver.",
        )
        .required(),
        row("options", Kind::Map, "Options of the driver.").data(),
        row(
            "secretOptions",
            Kind::List(&Kind::Structure(&SECRET), Order::Keyed(&["name"])),
            "Options from Secrets Manager or Parameter Store.",
        )
        .or_empty(),
    ],
};

static HEALTH_CHECK: Structure = Structure {
    name: "HealthCheck",
    members: &[
        row("command", TEXTS, "CMD or CMD-SHELL and the command.").required().data(),
        row("interval", number(5, 300), "Seconds between checks.").absent(Absent::Number(30)),
        row("timeout", number(2, 60), "Seconds until a check has failed.").absent(Absent::Number(5)),
        row("retries", number(1, 10), "Failures in a row that make it unhealthy.").absent(Absent::Number(3)),
        row("startPeriod", number(0, 300), "Seconds at the start in which failures do not count.")
            .absent(Absent::Number(0)),
    ],
};

static SYSTEM_CONTROL: Structure = Structure {
    name: "SystemControl",
    members: &[row("namespace", TEXT, "The parameter."), row("value", TEXT, "Its value.")],
};

static RESOURCE: Structure = Structure {
    name: "ResourceRequirement",
    members: &[
        row("type", Kind::Word(&["GPU", "InferenceAccelerator", "NeuronDevice"]), "What is required.").required(),
        row("value", TEXT, "How many, or the accelerator's name.").required(),
        row("sharingStrategy", Kind::Anything, "How it is shared: passed on as written."),
    ],
};

static FIRELENS: Structure = Structure {
    name: "FirelensConfiguration",
    members: &[
        row("type", Kind::Word(&["fluentbit", "fluentd"]), "The log router.").required(),
        row("options", Kind::Map, "Options of the router.").data(),
    ],
};
