//! What people probably meant: Kubernetes habits, fields of another kind, slips of the pen.

use super::document::MAPPINGS;
use crate::shape::SERVICE;
use crate::yaml::nearest;

/// For a field that does not belong where it stands.
pub(super) fn unknown_field(place: &str, field: &str, known: &[&str]) -> Option<String> {
    let of_aws = if place == "Service.spec" { SERVICE.members } else { &[] };
    let known = known.iter().copied().chain(of_aws.iter().filter(|member| !member.is_output).map(|member| member.name));
    habit(place, field)
        .map(str::to_owned)
        .or_else(|| nearest(field, known).map(|near| format!("did you mean \"{near}\"?")))
        .or_else(|| elsewhere(place, field))
}

/// What other tools call it.
fn habit(place: &str, field: &str) -> Option<&'static str> {
    let hint = match (place, field) {
        ("metadata", "namespace") => "there are no namespaces; use Fleet.spec.cluster and Fleet.spec.vpc",
        ("metadata", "uid" | "generateName" | "finalizers" | "ownerReferences") => {
            "metadata has name, labels and annotations"
        }
        ("the document", "status") => "a manifest has no status; see portolan status",
        ("the document", "replicas") => "write spec.desiredCount, as ECS calls it",
        ("the document", "data" | "stringData") => "put it under spec",
        ("the document", field) if elsewhere("", field).is_some() => "put the object's fields under spec",
        ("Service.spec", "replicas" | "count" | "desired_count") => "write desiredCount, as ECS calls it",
        ("Service.spec", "selector") => "an ECS service owns its tasks; ports name the container",
        ("Service.spec", "type") => "name the load balancer in TargetGroup.spec.loadBalancer",
        ("Service.spec", "image" | "template" | "containers" | "containerDefinitions" | "env" | "environment") => {
            "write it under taskDefinition.containerDefinitions, as ECS calls it"
        }
        ("Service.spec", "loadBalancers" | "targetGroups") => "name target groups in ports.targetGroups",
        ("Service.spec", "serviceName") => "write name",
        ("Service.spec", "minReplicas" | "maxReplicas") => "desiredCount takes {min, max}",
        ("Service.spec", "networkMode") => "write network: {mode: …}",
        ("Service.spec.ports", "port" | "targetPort") => "write containerPort, as ECS calls it",
        ("Service.spec.ports", "nodePort") => "write hostPort, as ECS calls it",
        ("Service.spec.ports", "image") => "write it under taskDefinition.containerDefinitions, as ECS calls it",
        ("Service.spec.ports", "containerName") => "write container",
        ("Service.spec.ports", "targetGroup") => "write a list: targetGroups: [name]",
        ("TargetGroup.spec", "listeners" | "rules") => "put listener rules under routes",
        ("TargetGroup.spec", "vpcId") => "write vpc, with an id or a Name tag",
        ("TargetGroup.spec", "arn") => "write name; it takes an ARN too",
        ("TargetGroup.spec", "tags") => "Portolan does not manage tags",
        ("TargetGroup.spec.healthCheck", "successCodes" | "codes") => "write matcher, as ELBv2 calls it",
        ("TargetGroup.spec.healthCheck", "periodSeconds" | "intervalSeconds") => "write interval: 15s",
        ("TargetGroup.spec.healthCheck", "timeoutSeconds") => "write timeout: 5s",
        ("TargetGroup.spec.healthCheck", "successThreshold") => "write healthyThreshold, as ELBv2 calls it",
        ("TargetGroup.spec.healthCheck", "failureThreshold") => "write unhealthyThreshold, as ELBv2 calls it",
        ("TargetGroup.spec.healthCheck", "initialDelaySeconds") => {
            "write healthCheckGracePeriodSeconds in Service.spec, as ECS calls it"
        }
        ("TargetGroup.spec.routes", "host") => "write a list: hosts: [name]",
        ("TargetGroup.spec.routes", "path" | "pathType") => "write a list: paths: [\"/api/*\"]",
        ("TargetGroup.spec.routes", "method") => "write a list: methods: [GET]",
        ("TargetGroup.spec.routes", "weight") => "Portolan does not manage weights and keeps the live ones",
        ("TargetGroup.spec.routes", "redirect" | "fixedResponse") => "a route manages only the forward action",
        ("TargetGroup.spec.targets", "id" | "ip" | "instance") => "write address",
        _ => return None,
    };
    Some(hint)
}

/// For a field of another mapping.
fn elsewhere(place: &str, field: &str) -> Option<String> {
    const SHARED: [&str; 6] = ["name", "mode", "port", "protocol", "path", "key"];
    let is_of_aws = place.starts_with("Service.spec.") && !MAPPINGS.iter().any(|(home, _)| *home == place);
    if SHARED.contains(&field) || is_of_aws {
        return None;
    }
    let homes = MAPPINGS.iter().filter(|(home, fields)| *home != place && fields.contains(&field));
    let homes: Vec<&str> = homes.map(|(home, _)| *home).filter(|home| home.contains('.')).collect();
    (!homes.is_empty()).then(|| format!("put it in {}", homes.join(" or ")))
}

/// For a required field that is missing.
pub(super) fn missing_field(place: &str, field: &str) -> Option<String> {
    let hint = match (place, field) {
        ("Fleet.spec", "mode") => "enforce repairs differences, observe only reports them; there is no default",
        ("the document", "apiVersion") => "apiVersion: portolan.dev/v1alpha1",
        ("the document", "metadata") => "metadata: {name: …}",
        ("the document", "spec") => "spec: {…}",
        ("Service.spec.suspend", _) => {
            "a pause has an end and a reason: {until: 2026-12-01T08:00:00Z, reason: load test}"
        }
        ("Service.spec.desiredCount", _) => "a band has both ends: {min: 2, max: 10}",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// For a value of the wrong shape.
pub(super) fn shape(name: &str) -> Option<String> {
    let hint = match name {
        "Service.spec.suspend" => "a pause has an end and a reason: {until: 2026-12-01T08:00:00Z, reason: load test}",
        "TargetGroup.spec.healthCheck" => "such as {protocol: HTTP, path: /healthz}",
        "Service.spec.ports" => "such as {name: http, container: app, containerPort: 8080}",
        "TargetGroup.spec.routes" => "such as {listener: 443, priority: 100, hosts: [example.com]}",
        "TargetGroup.spec.targets" => "such as {address: 10.0.40.12, port: 8080}",
        "Service.spec.ports.allowFrom" => "such as {securityGroup: bastion} or {cidr: 10.20.0.0/16}",
        "TargetGroup.spec.routes.headers" => "such as {name: X-Tenant, values: [a]}",
        "TargetGroup.spec.routes.queryStrings" => "such as {key: version, value: \"2\"}",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// For a word outside its closed set.
pub(super) fn wrong_word(name: &str, word: &str, allowed: &[&str]) -> Option<String> {
    let hint = match (name, word) {
        ("apiVersion", _) => "apiVersion: portolan.dev/v1alpha1",
        ("authenticate", _) => "remove it if the rule needs no login",
        ("protocol", "GRPC" | "grpc" | "HTTP2") if allowed.contains(&"TLS") => {
            "write protocol: HTTP or HTTPS, and set protocolVersion: GRPC or HTTP2"
        }
        ("protocol", "UDP" | "TLS" | "TCP_UDP") if !allowed.contains(&word) && allowed.contains(&"TCP") => {
            "AWS checks such target groups with TCP, HTTP or HTTPS"
        }
        ("protocol", "http" | "https" | "HTTP" | "HTTPS") if allowed == ["tcp", "udp"] => {
            "this is the transport, so tcp; set HTTP on the target group"
        }
        ("protocol", "QUIC" | "TCP_QUIC" | "GENEVE") => "Portolan does not manage such target groups",
        ("mode", "none") => "its tasks cannot be reached; remove the service from the manifest",
        ("targetType", "lambda" | "alb") => "Portolan does not manage such target groups",
        _ => return nearest(word, allowed.iter().copied()).map(|near| format!("did you mean {near}?")),
    };
    Some(hint.to_owned())
}

/// For a kind that is not Portolan's.
pub(super) fn unknown_kind(kind: &str) -> String {
    let hint = match kind {
        "Ingress" | "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "UDPRoute" | "Gateway" => {
            "listener rules belong in TargetGroup.spec.routes; kinds are Fleet, Service and TargetGroup"
        }
        "Deployment" | "Pod" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            "write kind: Service; kinds are Fleet, Service and TargetGroup"
        }
        "NetworkPolicy" | "SecurityGroup" => {
            "Portolan derives ingress; allow more in Service.spec.ports.allowFrom; kinds are Fleet, Service and TargetGroup"
        }
        "ConfigMap" | "Secret" | "List" | "Namespace" => "kinds are Fleet, Service and TargetGroup",
        _ => {
            return match nearest(kind, ["Fleet", "Service", "TargetGroup"]) {
                Some(near) => format!("did you mean {near}?"),
                None => "kinds are Fleet, Service and TargetGroup".to_owned(),
            };
        }
    };
    hint.to_owned()
}
