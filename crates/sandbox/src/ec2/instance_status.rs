//! How instances do. Those that run do well.

use serde_json::{Value, json};

use super::instance::{self, RUNNING};
use super::instance_filter::STATUS;
use super::listing::{self, Listing};
use super::{filter, subnet};
use crate::input::Input;
use crate::refusal::Answer;
use crate::state::{Instance, State};

const LISTING: Listing<Instance> = Listing {
    set: "instanceStatusSet",
    ids: "InstanceId",
    things: |state| &state.instances,
    show,
    absent: instance::absent,
    filters: STATUS,
    page: listing::PAGE,
};

/// Instances that do not run are in the answer only if the call asks for all.
pub fn describe(state: &State, input: Input) -> Answer {
    let ids = input.texts(LISTING.ids);
    ids.iter().try_for_each(|id| instance::check_id(id))?;
    let is_told = |shown: &Value| {
        input.flag("IncludeAllInstances") == Some(true) || shown["instanceState"]["name"] == json!(RUNNING)
    };
    if ids.is_empty() {
        let told = state.instances.values().map(|instance| show(state, instance)).filter(is_told).collect();
        let page = listing::cut(state, input, filter::keep(input, STATUS, told)?, &LISTING.page)?;
        return Ok(json!({LISTING.set: page.items, "nextToken": page.next}));
    }
    let told: Vec<Value> = LISTING.select(state, input, ids)?.items.into_iter().filter(is_told).collect();
    Ok(json!({LISTING.set: told}))
}

fn show(state: &State, instance: &Instance) -> Value {
    let zone = state.subnets.get(&instance.subnet).map(|subnet| &subnet.zone);
    let health = if instance.status == RUNNING {
        json!({"status": "ok", "details": [{"name": "reachability", "status": "passed"}]})
    } else {
        json!({"status": "not-applicable"})
    };
    json!({
        "instanceId": instance.id,
        "availabilityZone": zone,
        "availabilityZoneId": zone.map(|zone| subnet::zone_id(&state.region, zone)),
        "instanceState": instance::show_status(&instance.status),
        "instanceStatus": health,
        "systemStatus": health,
    })
}
