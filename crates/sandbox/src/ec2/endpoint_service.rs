//! Endpoint services: what lets clients of AWS PrivateLink reach network load balancers.

use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{Listing, PAGE};
use super::tag;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{EndpointService, State};

const LISTING: Listing<EndpointService> = Listing {
    set: "serviceConfigurationSet",
    ids: "ServiceId",
    things: |state| &state.endpoint_services,
    show,
    absent,
    filters: FILTERS,
    page: PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("service-id", "serviceId"),
        ("service-name", "serviceName"),
        ("service-state", "serviceState"),
        ("supported-ip-address-types", "supportedIpAddressTypeSet"),
        ("tag-key", "tagSet.key"),
    ],
    not_held: &[],
};

/// `CreateVpcEndpointServiceConfiguration`, for network load balancers.
pub fn create(state: &mut State, input: Input) -> Answer {
    if input.has("GatewayLoadBalancerArn") {
        return Err(Refusal::new("UnsupportedOperation", "The sandbox has no gateway load balancers"));
    }
    let load_balancers: Vec<String> = input.texts("NetworkLoadBalancerArn").into_iter().map(str::to_owned).collect();
    if load_balancers.is_empty() {
        return Err(Refusal::missing("NetworkLoadBalancerArn"));
    }
    for arn in &load_balancers {
        let is_network = |arn: &String| state.load_balancers.get(arn).is_some_and(|one| !one.is_application());
        if !is_network(arn) {
            return Err(Refusal::parameter(format!("The network load balancer '{arn}' does not exist")));
        }
    }
    let tags = tag::on_creation(input, "vpc-endpoint-service")?;
    let id = state.ids.ec2("vpce-svc");
    let acceptance_required = input.flag("AcceptanceRequired").unwrap_or(true);
    let service = EndpointService { id: id.clone(), load_balancers, acceptance_required, tags };
    let shown = show(state, &service);
    state.endpoint_services.insert(id, service);
    Ok(json!({"serviceConfiguration": shown}))
}

/// `DescribeVpcEndpointServiceConfigurations`.
pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

/// `DeleteVpcEndpointServiceConfigurations`: what could not be deleted is in the answer.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let ids = input.texts("ServiceId");
    if ids.is_empty() {
        return Err(Refusal::missing("ServiceId"));
    }
    let gone = |id: &&str| state.endpoint_services.remove(*id).is_none();
    let unsuccessful = ids.into_iter().filter(gone).map(|id| {
        let Refusal { code, message, .. } = absent(id);
        json!({"resourceId": id, "error": {"code": code, "message": message}})
    });
    Ok(json!({"unsuccessful": unsuccessful.collect::<Vec<_>>()}))
}

fn absent(id: &str) -> Refusal {
    let message = format!("The VpcEndpointService Id '{id}' does not exist");
    Refusal::new("InvalidVpcEndpointServiceId.NotFound", message)
}

fn show(state: &State, service: &EndpointService) -> Value {
    let name = format!("com.amazonaws.vpce.{}.{}", state.region, service.id);
    let balancers = service.load_balancers.iter().filter_map(|arn| state.load_balancers.get(arn));
    let subnets = balancers.flat_map(|balancer| balancer.interfaces.keys());
    let mut zones: Vec<&str> =
        subnets.filter_map(|id| state.subnets.get(id)).map(|subnet| subnet.zone.as_str()).collect();
    zones.sort_unstable();
    zones.dedup();
    json!({
        "serviceType": [{"serviceType": "Interface"}],
        "serviceId": service.id,
        "serviceName": name,
        "serviceState": "Available",
        "availabilityZoneSet": zones,
        "acceptanceRequired": service.acceptance_required,
        "managesVpcEndpoints": false,
        "networkLoadBalancerArnSet": service.load_balancers,
        "supportedIpAddressTypeSet": ["ipv4"],
        "baseEndpointDnsNameSet": [format!("{}.{}.vpce.amazonaws.com", service.id, state.region)],
        "payerResponsibility": "ServiceOwner",
        "tagSet": tag::show(&service.tags),
    })
}
