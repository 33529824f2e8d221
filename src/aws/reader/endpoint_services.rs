//! Endpoint services: clients of AWS PrivateLink reach network load balancers through them.

use std::collections::BTreeMap;

use aws_sdk_ec2::types as sdk;

use crate::model::{EndpointServices, LoadBalancerArn, Operation, Seen};

use super::{Reader, unknown};

const CALL: Operation = Operation::DescribeVpcEndpointServiceConfigurations;

impl Reader {
    /// The endpoint services of this account that accept connections. EC2 has no filter for their load balancers.
    pub(super) async fn endpoint_services(&self) -> Seen<EndpointServices> {
        let request = self.clients.reading.ec2.describe_vpc_endpoint_service_configurations();
        let pages = request.set_max_results(CALL.page()).into_paginator().items().send();
        let answer: Result<Vec<_>, _> = self.ask(CALL, pages.try_collect()).await;
        answer.map_or_else(|error| unknown(&error), |list| Seen::Present(by_balancer(&list)))
    }
}

fn by_balancer(all: &[sdk::ServiceConfiguration]) -> EndpointServices {
    let mut found: EndpointServices = BTreeMap::new();
    let is_live = |one: &&sdk::ServiceConfiguration| {
        matches!(one.service_state(), Some(sdk::ServiceState::Available | sdk::ServiceState::Pending) | None)
    };
    for one in all.iter().filter(is_live) {
        let id = one.service_id().unwrap_or_default();
        for arn in one.network_load_balancer_arns() {
            found.entry(LoadBalancerArn::from(arn.as_str())).or_default().insert(id.to_owned());
        }
    }
    found
}
