//! Members of a service that a manifest declares with AWS's names (ECS `CreateServiceRequest`, `UpdateServiceRequest`).

use super::deployment::{DEPLOYMENT, TAG};
use super::member::{Absent, Effect, Kind, Order, SWITCH, Same, Structure, Text, number, output, row, text};

/// Members of a service with AWS's names.
pub static SERVICE: Structure = Structure {
    name: "Service",
    members: &[
        row(
            "deploymentConfiguration",
            Kind::Structure(&DEPLOYMENT),
            "How ECS replaces the tasks. What is not written stays as it is.",
        )
        .also_with_code_deploy(),
        row(
            "healthCheckGracePeriodSeconds",
            number(0, 2_147_483_647),
            "How long ECS ignores failing health checks of a new task.",
        )
        .absent(Absent::Number(0))
        .with_all_controllers(),
        row(
            "enableExecuteCommand",
            Kind::Boolean,
            "Whether `aws ecs execute-command` works in tasks that start from now on.",
        )
        .absent(Absent::Boolean(false))
        .takes_effect(Effect::NewTasks),
        row(
            "enableECSManagedTags",
            Kind::Boolean,
            "Whether ECS tags tasks that start from now on with cluster and service.",
        )
        .absent(Absent::Boolean(false))
        .takes_effect(Effect::NewTasks)
        .with_all_controllers(),
        row("propagateTags", Kind::Word(&["NONE", "SERVICE", "TASK_DEFINITION"]), "Whose tags new tasks get.")
            .absent(Absent::Text("NONE"))
            .takes_effect(Effect::NewTasks)
            .with_all_controllers(),
        row(
            "launchType",
            Kind::Word(&["FARGATE", "EC2", "EXTERNAL"]),
            "Where tasks run. Either this or capacityProviderStrategy.",
        )
        .takes_effect(Effect::Creation),
        row(
            "capacityProviderStrategy",
            Kind::List(&Kind::Structure(&PROVIDER), Order::Keyed(&["capacityProvider"])),
            "Which capacity providers start the tasks.",
        )
        .or_empty()
        .takes_effect(Effect::Deployment),
        row("schedulingStrategy", Kind::Word(&["REPLICA", "DAEMON"]), "A number of tasks, or one on every instance.")
            .absent(Absent::Text("REPLICA"))
            .takes_effect(Effect::Creation),
        row("platformVersion", Kind::Text(Text { most: 255, same: Same::PlatformVersion }), "Version of Fargate.")
            .takes_effect(Effect::Deployment),
        row("deploymentController", Kind::Structure(&CONTROLLER), "Who deploys; checked only.")
            .takes_effect(Effect::Creation),
        row("availabilityZoneRebalancing", SWITCH, "Whether ECS moves tasks so that all zones have as many.")
            .absent(Absent::Text("DISABLED")),
        row(
            "placementConstraints",
            Kind::List(&Kind::Structure(&PLACEMENT_CONSTRAINT), Order::Set),
            "Instances that may run the tasks. EC2 only.",
        )
        .or_empty()
        .with_all_controllers(),
        row(
            "placementStrategy",
            Kind::List(&Kind::Structure(&PLACEMENT_STRATEGY), Order::Ordered),
            "How ECS chooses among instances, the first entry first. EC2 only.",
        )
        .or_empty()
        .with_all_controllers(),
        row(
            "tags",
            Kind::List(&Kind::Structure(&TAG), Order::Keyed(&["key"])),
            "Tags of the service. Only written keys are managed.",
        )
        .with_all_controllers(),
        output("serviceArn"),
        output("clusterArn"),
        output("status"),
        output("runningCount"),
        output("pendingCount"),
        output("events"),
        output("deployments"),
        output("taskSets"),
        output("createdAt"),
        output("createdBy"),
        output("roleArn"),
        output("resourceManagementType"),
        output("platformFamily"),
        output("currentServiceDeployment"),
        output("currentServiceRevisions"),
    ],
};

static PROVIDER: Structure = Structure {
    name: "CapacityProviderStrategyItem",
    members: &[
        row("capacityProvider", text(255), "The capacity provider.").required(),
        row("weight", number(0, 1000), "Its share of the tasks beyond base.").absent(Absent::Number(0)),
        row("base", number(0, 100_000), "Fewest tasks on it.").absent(Absent::Number(0)),
    ],
};

static CONTROLLER: Structure = Structure {
    name: "DeploymentController",
    members: &[row("type", Kind::Word(&["ECS", "CODE_DEPLOY", "EXTERNAL"]), "The controller.")
        .required()
        .absent(Absent::Text("ECS"))],
};

static PLACEMENT_CONSTRAINT: Structure = Structure {
    name: "PlacementConstraint",
    members: &[
        row("type", Kind::Word(&["distinctInstance", "memberOf"]), "What is required.").required(),
        row("expression", text(2000), "In the cluster query language; with memberOf."),
    ],
};

static PLACEMENT_STRATEGY: Structure = Structure {
    name: "PlacementStrategy",
    members: &[
        row("type", Kind::Word(&["random", "spread", "binpack"]), "How tasks are placed.").required(),
        row(
            "field",
            Kind::Text(Text { most: 255, same: Same::PlacementField }),
            "What they are spread over, or what is filled.",
        ),
    ],
};
