//! Tags of everything that has an ARN here.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::find::{self, FoundRule, Kind};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, Tags};

/// Most tags of one thing.
const MOST: usize = 50;

/// The tags of a call, once they are found to be in order.
pub fn read(input: Input) -> Result<Tags, Refusal> {
    let mut keys = BTreeSet::new();
    for tag in input.list("Tags") {
        let key = find::need(tag, "Key")?;
        check(key, tag.text("Value").unwrap_or_default())?;
        if !keys.insert(key) {
            return Err(Refusal::new("DuplicateTagKeys", format!("The tag key '{key}' was specified more than once")));
        }
    }
    if keys.len() > MOST {
        return Err(too_many());
    }
    Ok(input.tags("Tags"))
}

fn check(key: &str, value: &str) -> Result<(), Refusal> {
    if key.starts_with("aws:") {
        return Err(Refusal::validation(format!("The tag key '{key}' begins with 'aws:', which is reserved")));
    }
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    if key.chars().count() > 128 || value.chars().count() > 256 || !plain(key) || !plain(value) {
        return Err(Refusal::validation(format!("The tag '{key}' with value '{value}' is not valid")));
    }
    Ok(())
}

fn too_many() -> Refusal {
    Refusal::new("TooManyTags", format!("A resource can have at most '{MOST}' tags"))
}

/// `AddTags`: all of it, or nothing.
pub fn add(state: &mut State, input: Input) -> Answer {
    let arns = resources(input)?;
    let added = read(input)?;
    if added.is_empty() {
        return Err(Refusal::validation("At least one tag must be specified"));
    }
    for arn in &arns {
        let mut merged = tags(state, arn)?.cloned().unwrap_or_default();
        merged.extend(added.clone());
        if merged.len() > MOST {
            return Err(too_many());
        }
        if tags(state, arn)?.is_none() {
            return Err(Refusal::new("OperationNotPermitted", format!("Default rule '{arn}' cannot be tagged")));
        }
    }
    for arn in &arns {
        if let Some(tags) = tags_mut(state, arn) {
            tags.extend(added.clone());
        }
    }
    Ok(json!({}))
}

/// `RemoveTags`. Keys that are not there are gone already.
pub fn remove(state: &mut State, input: Input) -> Answer {
    let arns = resources(input)?;
    let keys = input.texts("TagKeys");
    if keys.is_empty() {
        return Err(Refusal::validation("At least one tag key must be specified"));
    }
    for arn in &arns {
        tags(state, arn)?;
    }
    for arn in &arns {
        if let Some(tags) = tags_mut(state, arn) {
            tags.retain(|key, _| !keys.contains(&key.as_str()));
        }
    }
    Ok(json!({}))
}

/// `DescribeTags`.
pub fn describe(state: &State, input: Input) -> Answer {
    let arns = resources(input)?;
    if arns.len() > 20 {
        return Err(Refusal::validation("The maximum number of resources for DescribeTags is '20'"));
    }
    let described = |arn: &String| {
        let tags = tags(state, arn)?.into_iter().flatten();
        let tags: Vec<Value> = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Ok(object! {"ResourceArn" => arn.as_str(), "Tags" => tags})
    };
    let descriptions: Vec<Value> = arns.iter().map(described).collect::<Result<_, Refusal>>()?;
    Ok(object! {"TagDescriptions" => descriptions})
}

fn resources(input: Input) -> Result<Vec<String>, Refusal> {
    let arns: Vec<String> = input.texts("ResourceArns").into_iter().map(str::to_owned).collect();
    if arns.is_empty() {
        return Err(Refusal::validation("At least one resource ARN must be specified"));
    }
    Ok(arns)
}

/// The tags of the thing with an ARN; none for a default rule, which has none of its own here.
fn tags<'a>(state: &'a State, arn: &str) -> Result<Option<&'a Tags>, Refusal> {
    Ok(match Kind::of(arn) {
        Some(Kind::LoadBalancer) => Some(&find::load_balancer(state, arn)?.tags),
        Some(Kind::Listener) => Some(&find::listener(state, arn)?.tags),
        Some(Kind::TargetGroup) => Some(&find::target_group(state, arn)?.tags),
        Some(Kind::Rule) => match find::rule(state, arn)? {
            FoundRule::Rule(rule) => Some(&rule.tags),
            FoundRule::Default(_) => None,
        },
        None => return Err(Refusal::validation(format!("'{arn}' is not a valid ARN"))),
    })
}

fn tags_mut<'a>(state: &'a mut State, arn: &str) -> Option<&'a mut Tags> {
    match Kind::of(arn)? {
        Kind::LoadBalancer => state.load_balancers.get_mut(arn).map(|balancer| &mut balancer.tags),
        Kind::Listener => state.listeners.get_mut(arn).map(|listener| &mut listener.tags),
        Kind::Rule => state.rules.get_mut(arn).map(|rule| &mut rule.tags),
        Kind::TargetGroup => state.target_groups.get_mut(arn).map(|group| &mut group.tags),
    }
}
