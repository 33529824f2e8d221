//! Internet gateways.

use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{self, Listing};
use super::{tag, vpc};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{Gateway, State};

const LISTING: Listing<Gateway> = Listing {
    set: "internetGatewaySet",
    ids: "InternetGatewayId",
    things: |state| &state.gateways,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("attachment.state", "attachmentSet.state"),
        ("attachment.vpc-id", "attachmentSet.vpcId"),
        ("internet-gateway-id", "internetGatewayId"),
        ("owner-id", "ownerId"),
        ("tag-key", "tagSet.key"),
    ],
    not_held: &[],
};

pub fn create(state: &mut State, input: Input) -> Answer {
    let tags = tag::on_creation(input, "internet-gateway")?;
    let id = state.ids.ec2("igw");
    let gateway = Gateway { id: id.clone(), vpc: None, tags };
    let shown = show(state, &gateway);
    state.gateways.insert(id, gateway);
    Ok(json!({"internetGateway": shown}))
}

pub fn attach(state: &mut State, input: Input) -> Answer {
    let gateway = find(state, input.need("InternetGatewayId", Refusal::missing)?)?;
    let vpc = vpc::find(state, input.need("VpcId", Refusal::missing)?)?.id.clone();
    let id = gateway.id.clone();
    if let Some(other) = &gateway.vpc {
        let message = format!("resource {id} is already attached to network {other}");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    if state.gateways.values().any(|other| other.vpc.as_ref() == Some(&vpc)) {
        return Err(Refusal::parameter(format!("Network {vpc} already has an internet gateway attached")));
    }
    if let Some(gateway) = state.gateways.get_mut(&id) {
        gateway.vpc = Some(vpc);
    }
    Ok(json!({"return": true}))
}

pub fn detach(state: &mut State, input: Input) -> Answer {
    let gateway = find(state, input.need("InternetGatewayId", Refusal::missing)?)?;
    let vpc = vpc::find(state, input.need("VpcId", Refusal::missing)?)?.id.clone();
    let id = gateway.id.clone();
    if gateway.vpc.as_ref() != Some(&vpc) {
        let message = format!("resource {id} is not attached to network {vpc}");
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    if state.interfaces.values().any(|interface| interface.vpc == vpc && interface.public_address.is_some()) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching \
             the gateway."
        );
        return Err(Refusal::new("DependencyViolation", message));
    }
    if let Some(gateway) = state.gateways.get_mut(&id) {
        gateway.vpc = None;
    }
    Ok(json!({"return": true}))
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let gateway = find(state, input.need("InternetGatewayId", Refusal::missing)?)?;
    let id = gateway.id.clone();
    if gateway.vpc.is_some() {
        let message = format!("The internetGateway '{id}' has dependencies and cannot be deleted.");
        return Err(Refusal::new("DependencyViolation", message));
    }
    state.gateways.remove(&id);
    Ok(json!({"return": true}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

/// A gateway that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a Gateway, Refusal> {
    state.gateways.get(id).ok_or_else(|| absent(id))
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidInternetGatewayID.NotFound", format!("The internetGateway ID '{id}' does not exist"))
}

fn show(state: &State, gateway: &Gateway) -> Value {
    let attachments: Vec<_> = gateway.vpc.iter().map(|vpc| json!({"vpcId": vpc, "state": "available"})).collect();
    json!({
        "internetGatewayId": gateway.id,
        "ownerId": state.account,
        "attachmentSet": attachments,
        "tagSet": tag::show(&gateway.tags),
    })
}
