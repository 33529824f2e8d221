//! The attributes of the account.

use serde_json::{Value, json};

use super::vpc;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

pub fn describe(state: &State, input: Input) -> Answer {
    let default = vpc::default(state).map_or("none", |vpc| &vpc.id);
    let all = [
        ("supported-platforms", "VPC"),
        ("default-vpc", default),
        ("max-instances", "20"),
        ("vpc-max-security-groups-per-interface", "5"),
        ("max-elastic-ips", "5"),
        ("vpc-max-elastic-ips", "5"),
    ];
    let wanted = input.texts("AttributeName");
    if let Some(strange) = wanted.iter().find(|name| all.iter().all(|(known, _)| known != *name)) {
        return Err(Refusal::parameter(format!("Value ({strange}) for parameter attribute is invalid")));
    }
    let told = all.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let told: Vec<Value> = told
        .map(|(name, value)| json!({"attributeName": name, "attributeValueSet": [{"attributeValue": value}]}))
        .collect();
    Ok(json!({"accountAttributeSet": told}))
}
