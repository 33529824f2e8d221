//! Tags of everything that ECS keeps.

use serde_json::json;

use super::tag_list;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, Tags};

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

/// The most tags of a resource.
const MOST: usize = 50;

/// The tags of a call, within the restrictions that botocore tells of each member `tags`.
pub fn read(input: Input) -> Result<Tags, Refusal> {
    let tags = input.small_tags("tags");
    if input.list("tags").count() > tags.len() {
        return no("Each tag has a key, and no key can be there twice.");
    }
    check_count(&tags)?;
    for (key, value) in &tags {
        if !(1..=128).contains(&key.chars().count()) || !key.chars().all(is_sound) {
            return no(format!(
                "The tag key '{key}' is not valid: it has 1 to 128 letters, numbers, spaces or _.:/=+-@"
            ));
        }
        if value.chars().count() > 256 || !value.chars().all(is_sound) {
            return no(format!(
                "The value of the tag '{key}' is not valid: it has up to 256 letters, numbers, spaces or _.:/=+-@"
            ));
        }
        if [key, value].into_iter().any(|text| text.to_lowercase().starts_with("aws:")) {
            return no("aws: prefixed tag key names are not allowed for external use.");
        }
    }
    Ok(tags)
}

fn no<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::invalid(message))
}

fn check_count(tags: &Tags) -> Result<(), Refusal> {
    if tags.len() > MOST { no(format!("The maximum number of tags for a resource is {MOST}.")) } else { Ok(()) }
}

fn is_sound(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

pub fn tag(state: &mut State, input: Input) -> Answer {
    let added = read(input)?;
    let tags = tags_of!(state, arn(input)?, get_mut, mut);
    let mut all = tags.clone();
    all.extend(added);
    check_count(&all)?;
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
