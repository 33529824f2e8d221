//! Filters of the describing calls: ANDed, their values ORed, `*` and `?` in values.

use serde_json::Value;

use crate::glob::Glob;
use crate::input::Input;
use crate::refusal::Refusal;

/// The name of a filter, and where its values stand in what the call tells: elements from the outside to the inside.
pub type Filter = (&'static str, &'static str);

/// The filters of a describing call.
pub struct Filters {
    pub held: &'static [Filter],
    /// Those that AWS documents too, and that ask for what the sandbox does not hold: who uses one is to know that, and
    /// not to take an empty answer for AWS's.
    pub not_held: &'static [&'static str],
}

/// Most values of all filters of a call.
const VALUES: usize = 200;

/// Those of the things that every filter of the call lets through.
pub fn keep(input: Input, known: &Filters, mut things: Vec<Value>) -> Result<Vec<Value>, Refusal> {
    if input.list("Filter").map(|filter| filter.texts("Value").len()).sum::<usize>() > VALUES {
        let message = format!("The maximum number of filter values specified on a single call is {VALUES}");
        return Err(Refusal::new("FilterLimitExceeded", message));
    }
    for filter in input.list("Filter") {
        let name = filter.need("Name", Refusal::missing)?;
        let reads = reading(name, known)?;
        let patterns: Vec<Glob> = filter.texts("Value").into_iter().map(Glob::escaped).collect();
        things.retain(|thing| {
            let values = reads.values(thing);
            values.iter().any(|value| patterns.iter().any(|pattern| pattern.fits(value)))
        });
    }
    Ok(things)
}

/// What a filter looks at.
enum Reading<'a> {
    Path(&'static str),
    /// The value of the tag of this key.
    Tag(&'a str),
}

/// Only what carries tags knows `tag-key`, and with it `tag:<key>`; so do tags themselves, which have a resource type.
fn reading<'a>(name: &'a str, known: &Filters) -> Result<Reading<'a>, Refusal> {
    let path = |name: &str| known.held.iter().find(|(known, _)| *known == name).map(|(_, path)| *path);
    let has_tags = path("tag-key").or(path("resource-type")).is_some();
    let tag = name.strip_prefix("tag:").filter(|_| has_tags).map(Reading::Tag);
    if let Some(found) = path(name).map(Reading::Path).or(tag) {
        return Ok(found);
    }
    if known.not_held.contains(&name) {
        let message = format!("The filter '{name}' asks for what is not held here");
        return Err(Refusal::new("UnsupportedOperation", message));
    }
    Err(Refusal::parameter(format!("The filter '{name}' is invalid")))
}

impl Reading<'_> {
    fn values(&self, thing: &Value) -> Vec<String> {
        let mut values = Vec::new();
        match self {
            Self::Path(path) => collect(thing, path.split('.'), &mut values),
            Self::Tag(key) => {
                let tags = Input(thing).list("tagSet").chain([Input(thing)]);
                let tags = tags.filter(|tag| tag.text("key") == Some(key));
                values.extend(tags.filter_map(|tag| tag.text("value")).map(str::to_owned));
            }
        }
        values
    }
}

/// Goes down a path; every member of a list on that path is followed.
fn collect<'a>(value: &Value, mut path: impl Iterator<Item = &'a str> + Clone, values: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, path.clone(), values)),
        Value::Object(members) => {
            let Some(member) = path.next().and_then(|name| members.get(name)) else { return };
            collect(member, path, values);
        }
        Value::Null => {}
        Value::Bool(flag) => values.push(flag.to_string()),
        Value::Number(number) => values.push(number.to_string()),
        Value::String(text) => values.push(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_are_anded_and_their_values_ored() {
        let things = vec![
            json!({"id": "1", "set": [{"n": 7}, {"n": 8}], "tagSet": [{"key": "k", "value": "v"}]}),
            json!({"id": "2", "set": [{"n": 9}], "tagSet": []}),
        ];
        let held: &[Filter] = &[("id", "id"), ("number", "set.n"), ("tag-key", "tagSet.key")];
        let known = &Filters { held, not_held: &["colour"] };
        let left = |filters: Value| {
            let input = json!({"Filter": filters});
            keep(Input(&input), known, things.clone()).map(|things| things.len())
        };
        assert_eq!(left(json!([{"Name": "number", "Value": ["8", "9"]}])), Ok(2));
        assert_eq!(left(json!([{"Name": "number", "Value": ["8", "9"]}, {"Name": "tag:k", "Value": ["v"]}])), Ok(1));
        assert_eq!(left(json!([{"Name": "nonsense", "Value": ["8"]}])).expect_err("no").code, "InvalidParameterValue");
        let refusal = left(json!([{"Name": "colour", "Value": ["red"]}])).expect_err("it is not held");
        assert_eq!(refusal.code, "UnsupportedOperation");
        assert!(refusal.message.contains("'colour'"), "{refusal}");
        let none = Filters { held: &[], not_held: &[] };
        assert!(keep(Input(&json!({"Filter": [{"Name": "tag:k"}]})), &none, Vec::new()).is_err());
    }
}
