//! `deploymentConfiguration` of a service (ECS `DeploymentConfiguration`).

use super::member::{Absent, Effect, Kind, LONG_TEXT, Order, ROLE, Structure, TEXT, TEXT_SET, number, row, text};

/// How ECS replaces the tasks of a service.
pub(super) static DEPLOYMENT: Structure = Structure {
    name: "DeploymentConfiguration",
    members: &[
        row("strategy", Kind::Word(&["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]), "How traffic moves to new tasks.")
            .absent(Absent::Text("ROLLING"))
            .takes_effect(Effect::Strategy),
        row(
            "minimumHealthyPercent",
            number(0, 100),
            "Fewest running tasks during a deployment, in percent of the desired count.",
        )
        .absent(Absent::Number(100)),
        row("maximumPercent", number(1, 100_000), "Most tasks during a deployment, in percent of the desired count.")
            .absent(Absent::Number(200)),
        row(
            "deploymentCircuitBreaker",
            Kind::Structure(&CIRCUIT_BREAKER),
            "When ECS gives a deployment up because its tasks fail.",
        ),
        row("alarms", Kind::Structure(&ALARMS), "CloudWatch alarms that end a deployment."),
        row("bakeTimeInMinutes", number(0, 1440), "How long both revisions run after the traffic has moved.")
            .absent(Absent::Number(0))
            .takes_effect(Effect::Strategy),
        row("linearConfiguration", Kind::Structure(&LINEAR), "Steps of a LINEAR deployment.")
            .takes_effect(Effect::Strategy),
        row("canaryConfiguration", Kind::Structure(&CANARY), "The first share of a CANARY deployment.")
            .takes_effect(Effect::Strategy),
        row(
            "lifecycleHooks",
            Kind::List(&Kind::Structure(&HOOK), Order::Ordered),
            "What ECS waits for at stages of a deployment.",
        )
        .or_empty()
        .takes_effect(Effect::Strategy),
        row(
            "earlySuccessCriteria",
            Kind::Structure(&EARLY_SUCCESS),
            "When a deployment counts as successful before the old tasks are gone.",
        ),
    ],
};

static CIRCUIT_BREAKER: Structure = Structure {
    name: "DeploymentCircuitBreaker",
    members: &[
        row("enable", Kind::Boolean, "Whether failing tasks end a deployment.")
            .required()
            .absent(Absent::Boolean(false)),
        row("rollback", Kind::Boolean, "Whether ECS then returns to the last deployment that was completed.")
            .required()
            .absent(Absent::Boolean(false)),
        row("resetOnHealthyTask", Kind::Boolean, "Whether a healthy task sets the count of failures back.")
            .absent(Absent::Boolean(true)),
        row("thresholdConfiguration", Kind::Structure(&THRESHOLD), "How many failures end a deployment."),
    ],
};

static THRESHOLD: Structure = Structure {
    name: "DeploymentCircuitBreakerThresholdConfiguration",
    members: &[
        row("type", Kind::Word(&["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"]), "What value counts.")
            .required()
            .absent(Absent::Text("BOUNDED_PERCENT")),
        row("value", number(1, 100_000), "Failed tasks, or percent of the desired count.")
            .required()
            .absent(Absent::Number(50)),
    ],
};

static ALARMS: Structure = Structure {
    name: "DeploymentAlarms",
    members: &[
        row("alarmNames", TEXT_SET, "Names of CloudWatch alarms.").required().or_empty(),
        row("enable", Kind::Boolean, "Whether these alarms end a deployment.")
            .required()
            .absent(Absent::Boolean(false)),
        row("rollback", Kind::Boolean, "Whether ECS then returns to the last deployment that was completed.")
            .required()
            .absent(Absent::Boolean(false)),
    ],
};

static LINEAR: Structure = Structure {
    name: "LinearConfiguration",
    members: &[
        row("stepPercent", Kind::Decimal { from: 30, to: 1000 }, "Share of the traffic that moves in a step.")
            .absent(Absent::Number(10)),
        row("stepBakeTimeInMinutes", number(0, 1440), "How long ECS waits after a step.").absent(Absent::Number(6)),
    ],
};

static CANARY: Structure = Structure {
    name: "CanaryConfiguration",
    members: &[
        row("canaryPercent", Kind::Decimal { from: 1, to: 1000 }, "Share of the traffic that moves first.")
            .absent(Absent::Number(5)),
        row("canaryBakeTimeInMinutes", number(0, 1440), "How long ECS waits before the rest moves.")
            .absent(Absent::Number(10)),
    ],
};

static HOOK: Structure = Structure {
    name: "DeploymentLifecycleHook",
    members: &[
        row("targetType", Kind::Word(&["AWS_LAMBDA", "PAUSE"]), "What is called, or that ECS waits for a person.")
            .absent(Absent::Text("AWS_LAMBDA")),
        row("hookTargetArn", TEXT, "ARN of the function."),
        row("roleArn", ROLE, "Role that may invoke the function."),
        row("lifecycleStages", Kind::List(&STAGE, Order::Set), "Stages at which ECS waits.").required(),
        row("hookDetails", Kind::Anything, "Data for the function; never shown.").secret(),
        row("timeoutConfiguration", Kind::Structure(&HOOK_TIMEOUT), "How long ECS waits."),
    ],
};

const STAGE: Kind = Kind::Word(&[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]);

static HOOK_TIMEOUT: Structure = Structure {
    name: "DeploymentLifecycleHookTimeoutConfiguration",
    members: &[
        row("timeoutInMinutes", number(1, 20_160), "Longest wait."),
        row("action", Kind::Word(&["CONTINUE", "ROLLBACK"]), "What follows the longest wait.")
            .absent(Absent::Text("ROLLBACK")),
    ],
};

static EARLY_SUCCESS: Structure = Structure {
    name: "DeploymentEarlySuccessCriteria",
    members: &[
        row("enable", Kind::Boolean, "Whether a deployment may succeed early.")
            .required()
            .absent(Absent::Boolean(false)),
        row("healthyPercent", number(0, 100), "Healthy new tasks that are enough, in percent."),
        row(
            "sourceServiceRevisionCleanup",
            Kind::Word(&["BLOCKING", "DEFERRED"]),
            "Whether the deployment waits until the old tasks are gone.",
        ),
    ],
};

/// Tags, by their keys.
pub(super) static TAG: Structure = Structure {
    name: "Tag",
    members: &[
        row("key", text(128), "The key.").required(),
        row("value", LONG_TEXT, "The value.").absent(Absent::Text("")),
    ],
};
