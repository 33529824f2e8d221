//! The words that ECS knows (the enumerations of its API model). What a member of a call may not say is refused.

use serde_json::Value;

use crate::input::Input;
use crate::refusal::Refusal;

/// The calls, a path in their parameters, and the words that may stand there.
type Words = (&'static [&'static str], &'static str, &'static [&'static str]);

/// `networkMode` and `placementConstraints` of task definitions are refused in words of their own, and whatever stands as
/// the protocol of a port mapping is taken.
const WORDS: &[Words] = &[
    (&["RegisterTaskDefinition"], "containerDefinitions.portMappings.appProtocol", &["http", "http2", "grpc"]),
    (&["RegisterTaskDefinition"], "containerDefinitions.environmentFiles.type", &["s3"]),
    (
        &["RegisterTaskDefinition"],
        "containerDefinitions.linuxParameters.devices.permissions",
        &["read", "write", "mknod"],
    ),
    (
        &["RegisterTaskDefinition"],
        "containerDefinitions.dependsOn.condition",
        &["START", "COMPLETE", "SUCCESS", "HEALTHY"],
    ),
    (&["RegisterTaskDefinition"], "containerDefinitions.versionConsistency", &["enabled", "disabled"]),
    (
        &["RegisterTaskDefinition"],
        "containerDefinitions.ulimits.name",
        &[
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
        ],
    ),
    (
        &["RegisterTaskDefinition"],
        "containerDefinitions.logConfiguration.logDriver",
        &["json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens"],
    ),
    (&["RegisterTaskDefinition"], "containerDefinitions.resourceRequirements.type", &["GPU", "InferenceAccelerator"]),
    (&["RegisterTaskDefinition"], "containerDefinitions.firelensConfiguration.type", &["fluentd", "fluentbit"]),
    (&["RegisterTaskDefinition"], "volumes.dockerVolumeConfiguration.scope", &["task", "shared"]),
    (&["RegisterTaskDefinition"], "volumes.efsVolumeConfiguration.transitEncryption", &["ENABLED", "DISABLED"]),
    (&["RegisterTaskDefinition"], "volumes.efsVolumeConfiguration.authorizationConfig.iam", &["ENABLED", "DISABLED"]),
    (&["RegisterTaskDefinition"], "requiresCompatibilities", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]),
    (&["RegisterTaskDefinition"], "pidMode", &["host", "task"]),
    (&["RegisterTaskDefinition"], "ipcMode", &["host", "task", "none"]),
    (&["RegisterTaskDefinition"], "proxyConfiguration.type", &["APPMESH"]),
    (&["RegisterTaskDefinition"], "runtimePlatform.cpuArchitecture", &["X86_64", "ARM64"]),
    (
        &["RegisterTaskDefinition"],
        "runtimePlatform.operatingSystemFamily",
        &[
            "WINDOWS_SERVER_2019_FULL",
            "WINDOWS_SERVER_2019_CORE",
            "WINDOWS_SERVER_2016_FULL",
            "WINDOWS_SERVER_2004_CORE",
            "WINDOWS_SERVER_2022_CORE",
            "WINDOWS_SERVER_2022_FULL",
            "WINDOWS_SERVER_2025_CORE",
            "WINDOWS_SERVER_2025_FULL",
            "WINDOWS_SERVER_20H2_CORE",
            "LINUX",
        ],
    ),
    (&["CreateCluster"], "settings.name", &["containerInsights"]),
    (&["CreateCluster"], "configuration.executeCommandConfiguration.logging", &["NONE", "DEFAULT", "OVERRIDE"]),
    (&["DescribeClusters"], "include", &["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]),
    (&["DescribeContainerInstances"], "include", &["TAGS", "CONTAINER_INSTANCE_HEALTH"]),
    (
        &["DescribeCapacityProviders", "DescribeServices", "DescribeTaskDefinition", "DescribeTasks"],
        "include",
        &["TAGS"],
    ),
    (
        &["ListContainerInstances"],
        "status",
        &["ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"],
    ),
    (&["ListTaskDefinitions"], "status", &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"]),
    (&["ListTaskDefinitions"], "sort", &["ASC", "DESC"]),
    (
        &["CreateService", "RunTask", "ListServices", "ListTasks"],
        "launchType",
        &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
    ),
    (&["CreateService", "ListServices"], "schedulingStrategy", &["REPLICA", "DAEMON"]),
    (&["CreateService", "UpdateService"], "deploymentController.type", &["ECS", "CODE_DEPLOY", "EXTERNAL"]),
    (
        &["CreateService", "UpdateService"],
        "deploymentConfiguration.strategy",
        &["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"],
    ),
    (&["CreateService", "UpdateService"], "availabilityZoneRebalancing", &["ENABLED", "DISABLED"]),
    (&["CreateService", "UpdateService", "RunTask"], "propagateTags", &["TASK_DEFINITION", "SERVICE", "NONE"]),
    (
        &["CreateService", "UpdateService", "RunTask"],
        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        &["ENABLED", "DISABLED"],
    ),
    (&["CreateService", "UpdateService", "RunTask"], "placementConstraints.type", &["distinctInstance", "memberOf"]),
    (&["CreateService", "UpdateService", "RunTask"], "placementStrategy.type", &["random", "spread", "binpack"]),
    (&["ListServices"], "resourceManagementType", &["CUSTOMER", "ECS"]),
    (
        &["ListServiceDeployments"],
        "status",
        &[
            "PENDING",
            "SUCCESSFUL",
            "STOPPED",
            "STOP_REQUESTED",
            "IN_PROGRESS",
            "ROLLBACK_REQUESTED",
            "ROLLBACK_IN_PROGRESS",
            "ROLLBACK_SUCCESSFUL",
            "ROLLBACK_FAILED",
        ],
    ),
    (&["ListTasks"], "desiredStatus", &["RUNNING", "PENDING", "STOPPED"]),
    (
        &["ListAccountSettings"],
        "name",
        &[
            "serviceLongArnFormat",
            "taskLongArnFormat",
            "containerInstanceLongArnFormat",
            "awsvpcTrunking",
            "containerInsights",
            "fargateFIPSMode",
            "tagResourceAuthorization",
            "fargateTaskRetirementWaitPeriod",
            "guardDutyActivate",
            "defaultLogDriverMode",
            "fargateEventWindows",
        ],
    ),
];

/// Holds a call against the words that ECS knows.
pub fn check(call: &str, input: Input) -> Result<(), Refusal> {
    for (_, path, words) in WORDS.iter().filter(|(calls, ..)| calls.contains(&call)) {
        if let Some(strange) = strange(input.0, path.split('.'), words) {
            let message = format!("{path} should be one of [{}], and is '{strange}'", words.join(","));
            let is_definition = call == "RegisterTaskDefinition";
            return Err(if is_definition { Refusal::client(message) } else { Refusal::invalid(message) });
        }
    }
    Ok(())
}

/// The first text at a path that is none of the words; every member of a list on the way is looked at.
fn strange<'a>(value: &'a Value, mut path: std::str::Split<'_, char>, words: &[&str]) -> Option<&'a str> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| strange(item, path.clone(), words)),
        Value::Object(members) => strange(members.get(path.next()?)?, path, words),
        Value::String(text) => Some(text.as_str()).filter(|text| !words.contains(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_looked_for_in_every_member_of_a_list() {
        let good = json!({"containerDefinitions": [{"dependsOn": [{"condition": "START"}]}], "pidMode": null});
        assert_eq!(check("RegisterTaskDefinition", Input(&good)), Ok(()));
        let bad = json!({"containerDefinitions": [{}, {"dependsOn": [{"condition": "START"}, {"condition": "SOON"}]}]});
        let refusal = check("RegisterTaskDefinition", Input(&bad)).expect_err("no such condition");
        assert_eq!(refusal.code, "ClientException");
        assert!(refusal.message.contains("'SOON'"), "{refusal}");
        assert_eq!(check("UntagResource", Input(&bad)), Ok(()));
    }
}
