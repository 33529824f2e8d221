//! Tags of everything that ECS keeps.

use serde_json::json;

use super::tag_list;
use crate::sandbox::input::Input;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::state::State;

/// The tags of the thing that an ARN names, by whichever kind of look-up is given.
macro_rules! tags_of {
    ($state:expr, $arn:expr, $get:ident $(, $mutable:tt)?) => {{
        let (state, arn): (_, &str) = ($state, $arn);
        let kind = arn.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next()).unwrap_or_default();
        let found = match kind {
            "cluster" => state.clusters.$get(arn).map(|one| &$($mutable)? one.tags),
            "container-instance" => state.container_instances.$get(arn).map(|one| &$($mutable)? one.tags),
            "service" => state.services.$get(arn).map(|one| &$($mutable)? one.tags),
            "task" => state.tasks.$get(arn).map(|one| &$($mutable)? one.tags),
            "task-definition" => state.task_definitions.$get(arn).map(|one| &$($mutable)? one.tags),
            _ => return Err(Refusal::invalid("Unexpected ARN format.")),
        };
        found.ok_or_else(|| Refusal::invalid("The specified resource was not found."))?
    }};
}

fn arn(input: Input<'_>) -> Result<&str, Refusal> {
    input.need("resourceArn", |name| Refusal::invalid(format!("{name} can not be empty.")))
}

pub fn tag(state: &mut State, input: Input) -> Answer {
    let added = input.small_tags("tags");
    let tags = tags_of!(state, arn(input)?, get_mut, mut);
    let mut all = tags.clone();
    all.extend(added);
    if all.len() > 50 {
        return Err(Refusal::invalid("The maximum number of tags for a resource is 50."));
    }
    *tags = all;
    Ok(json!({}))
}

pub fn untag(state: &mut State, input: Input) -> Answer {
    let tags = tags_of!(state, arn(input)?, get_mut, mut);
    for key in input.texts("tagKeys") {
        tags.remove(key);
    }
    Ok(json!({}))
}

pub fn list(state: &State, input: Input) -> Answer {
    Ok(json!({"tags": tag_list(tags_of!(state, arn(input)?, get))}))
}
