//! Conditions of rules, as AWS reads them back: values stand in `…Config`, and for host and path at the top too.

use std::str::FromStr;

use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::{find, limit};
use crate::input::Input;
use crate::refusal::Refusal;

/// Fields that a rule may have one condition of.
const ONCE: [&str; 4] = ["host-header", "path-pattern", "http-request-method", "source-ip"];
/// Fields whose values may hold wildcards.
const WILD: [&str; 4] = ["host-header", "path-pattern", "http-header", "query-string"];
/// Longest value.
const LONGEST: usize = 128;

/// The conditions of a call.
pub fn read(input: Input) -> Result<Vec<Value>, Refusal> {
    let given: Vec<Input> = input.list("Conditions").collect();
    if given.is_empty() {
        return Err(Refusal::validation("A condition must be specified"));
    }
    for field in ONCE {
        if given.iter().filter(|condition| condition.text("Field") == Some(field)).count() > 1 {
            return Err(Refusal::validation(format!("A rule can only have one '{field}' condition")));
        }
    }
    let mut conditions = Vec::new();
    let (mut values, mut wildcards) = (0, 0);
    for condition in given {
        let read = Read::new(condition)?;
        values += read.values.len();
        wildcards += read.wildcards();
        conditions.push(read.shape);
    }
    if values > limit::CONDITION_VALUES {
        let message = format!("A rule can only have '{}' condition values", limit::CONDITION_VALUES);
        return Err(Refusal::validation(message));
    }
    if wildcards > limit::CONDITION_WILDCARDS {
        let message = format!("A rule can only have '{}' condition wildcards", limit::CONDITION_WILDCARDS);
        return Err(Refusal::validation(message));
    }
    Ok(conditions)
}

/// One condition with what counts against the quotas.
struct Read {
    field: String,
    values: Vec<String>,
    is_regex: bool,
    shape: Value,
}

impl Read {
    fn new(condition: Input) -> Result<Self, Refusal> {
        let field = find::need(condition, "Field")?;
        check_configs(condition, field)?;
        match field {
            "host-header" => Self::pattern(condition, field, "HostHeaderConfig"),
            "path-pattern" => Self::pattern(condition, field, "PathPatternConfig"),
            "http-header" => Self::header(condition),
            "query-string" => Self::query(condition),
            "http-request-method" => Self::plain(condition, field, "HttpRequestMethodConfig"),
            "source-ip" => Self::plain(condition, field, "SourceIpConfig"),
            _ => Err(Refusal::validation(format!("Condition field '{field}' is not valid"))),
        }
    }

    fn wildcards(&self) -> usize {
        let is_wild = WILD.contains(&self.field.as_str()) && !self.is_regex;
        let count = |value: &String| value.matches(['*', '?']).count();
        if is_wild { self.values.iter().map(count).sum() } else { 0 }
    }

    /// Host or path: written at the top or in the configuration, read back in both.
    fn pattern(condition: Input, field: &str, config: &str) -> Result<Self, Refusal> {
        let inner = condition.get(config);
        let both = |name: &str| {
            let (top, inner) = (condition.texts(name), inner.map(|inner| inner.texts(name)).unwrap_or_default());
            match (top.is_empty(), inner.is_empty()) {
                (false, false) if top != inner => {
                    Err(Refusal::validation(format!("'{name}' and '{config}' of a condition say different things")))
                }
                (true, _) => Ok(inner),
                _ => Ok(top),
            }
        };
        let (values, is_regex) = one_kind(field, both("Values")?, both("RegexValues")?)?;
        let check = if field == "host-header" { check_host } else { check_path };
        if !is_regex {
            values.iter().try_for_each(|value| check(value))?;
        }
        let member = if is_regex { "RegexValues" } else { "Values" };
        let shape = json!({"Field": field, member: values, config: {member: values}});
        Self::of(field, values, is_regex, shape)
    }

    fn header(condition: Input) -> Result<Self, Refusal> {
        let field = "http-header";
        let config = configured(condition, "HttpHeaderConfig")?;
        let name = find::need(config, "HttpHeaderName")?;
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.len() > 40 || !name.chars().all(is_token) || name.eq_ignore_ascii_case("host") {
            return Err(Refusal::validation(format!("HTTP header name '{name}' is not valid")));
        }
        let (values, is_regex) = one_kind(field, config.texts("Values"), config.texts("RegexValues"))?;
        let member = if is_regex { "RegexValues" } else { "Values" };
        let shape = json!({"Field": field, "HttpHeaderConfig": {"HttpHeaderName": name, member: values}});
        Self::of(field, values, is_regex, shape)
    }

    /// A key counts as part of its value.
    fn query(condition: Input) -> Result<Self, Refusal> {
        let config = configured(condition, "QueryStringConfig")?;
        let mut texts = Vec::new();
        let mut pairs = Vec::new();
        for pair in config.list("Values") {
            let (key, value) = (pair.text("Key").filter(|key| !key.is_empty()), find::need(pair, "Value")?);
            check_length(key.unwrap_or_default())?;
            check_length(value)?;
            let mut shape = Map::from_iter([("Value".to_owned(), json!(value))]);
            shape.extend(key.map(|key| ("Key".to_owned(), json!(key))));
            pairs.push(Value::Object(shape));
            texts.push(format!("{}{value}", key.unwrap_or_default()));
        }
        if texts.is_empty() {
            return Err(no_values("query-string"));
        }
        let shape = json!({"Field": "query-string", "QueryStringConfig": {"Values": pairs}});
        Ok(Self { field: "query-string".to_owned(), values: texts, is_regex: false, shape })
    }

    fn plain(condition: Input, field: &str, config: &str) -> Result<Self, Refusal> {
        let inner = configured(condition, config)?;
        if inner.has("IpAddressType") {
            let message = "IpAddressType is supported on Network Load Balancers alone";
            return Err(Refusal::validation(message));
        }
        let (values, _) = one_kind(field, inner.texts("Values"), Vec::new())?;
        let check = if field == "source-ip" { check_source } else { check_method };
        values.iter().try_for_each(|value| check(value))?;
        let shape = json!({"Field": field, config: {"Values": values}});
        Self::of(field, values, false, shape)
    }

    fn of(field: &str, values: Vec<&str>, is_regex: bool, shape: Value) -> Result<Self, Refusal> {
        values.iter().try_for_each(|value| check_length(value))?;
        let values = values.into_iter().map(str::to_owned).collect();
        Ok(Self { field: field.to_owned(), values, is_regex, shape })
    }
}

/// A condition has the configuration of its own field alone, and only host and path have values at the top.
fn check_configs(condition: Input, field: &str) -> Result<(), Refusal> {
    let configs = [
        ("host-header", "HostHeaderConfig"),
        ("path-pattern", "PathPatternConfig"),
        ("http-header", "HttpHeaderConfig"),
        ("query-string", "QueryStringConfig"),
        ("http-request-method", "HttpRequestMethodConfig"),
        ("source-ip", "SourceIpConfig"),
    ];
    let strange = configs.iter().find(|(other, config)| *other != field && condition.has(config));
    if let Some((_, config)) = strange {
        return Err(Refusal::validation(format!("'{config}' cannot be specified for a '{field}' condition")));
    }
    let has_top = !condition.texts("Values").is_empty() || !condition.texts("RegexValues").is_empty();
    if has_top && !matches!(field, "host-header" | "path-pattern") {
        return Err(Refusal::validation(format!("'Values' cannot be specified for a '{field}' condition")));
    }
    Ok(())
}

fn configured<'a>(condition: Input<'a>, config: &str) -> Result<Input<'a>, Refusal> {
    condition.get(config).ok_or_else(|| Refusal::validation(format!("A value for '{config}' must be specified")))
}

/// Values or regular expressions; the flag tells that it is the latter.
fn one_kind<'a>(field: &str, values: Vec<&'a str>, regexes: Vec<&'a str>) -> Result<(Vec<&'a str>, bool), Refusal> {
    match (values.is_empty(), regexes.is_empty()) {
        (true, true) => Err(no_values(field)),
        (false, false) => {
            Err(Refusal::validation(format!("A '{field}' condition cannot have both values and regular expressions")))
        }
        (false, true) => Ok((values, false)),
        (true, false) => Ok((regexes, true)),
    }
}

fn no_values(field: &str) -> Refusal {
    Refusal::validation(format!("A '{field}' condition must have at least one value"))
}

fn check_length(value: &str) -> Result<(), Refusal> {
    if value.chars().count() > LONGEST {
        return Err(Refusal::validation(format!("Condition value '{value}' is longer than '{LONGEST}' characters")));
    }
    Ok(())
}

fn invalid(what: &str, value: &str) -> Result<(), Refusal> {
    Err(Refusal::validation(format!("The {what} '{value}' of a condition is not valid")))
}

/// A host has a dot, and letters behind the last one.
fn check_host(value: &str) -> Result<(), Refusal> {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-.*?".contains(c));
    let is_letters = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic());
    let ends_well = value.rsplit_once('.').is_some_and(|(_, top)| is_letters(top));
    if is_plain && ends_well { Ok(()) } else { invalid("host name", value) }
}

fn check_path(value: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) { Ok(()) } else { invalid("path pattern", value) }
}

fn check_source(value: &str) -> Result<(), Refusal> {
    if IpNet::from_str(value).is_ok() { Ok(()) } else { invalid("source IP range", value) }
}

fn check_method(value: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_uppercase() || c == '-' || c == '_';
    let is_good = (1..=40).contains(&value.len()) && value.chars().all(is_plain);
    if is_good { Ok(()) } else { invalid("HTTP request method", value) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{balancer, done, group, listener, refused, rule_input, world};

    #[test]
    fn conditions_read_back_in_full_whichever_form_they_were_written_in() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let mut input = rule_input(&listener, 1, "/a", &group);
        input["Conditions"] = json!([
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com"]}},
            {"Field": "path-pattern", "RegexValues": ["^/a+$"]},
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v"}, {"Value": "w"}]}},
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        ]);
        let made = done(&mut world, "CreateRule", input);
        let expected = json!([
            {"Field": "host-header", "Values": ["a.example.com"], "HostHeaderConfig": {"Values": ["a.example.com"]}},
            {"Field": "path-pattern", "RegexValues": ["^/a+$"], "PathPatternConfig": {"RegexValues": ["^/a+$"]}},
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v"}, {"Value": "w"}]}},
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        ]);
        assert_eq!(made["Rules"][0]["Conditions"], expected);
    }

    #[test]
    fn conditions_that_aws_does_not_take_are_refused() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let host = |value: &str| json!({"Field": "host-header", "Values": [value]});
        let path = |values: Value| json!({"Field": "path-pattern", "PathPatternConfig": {"Values": values}});
        for conditions in [
            json!([]),
            json!([{"Field": "color", "Values": ["red"]}]),
            json!([host("a.com"), host("b.com")]),
            json!([host("localhost")]),
            json!([host("a.com1")]),
            json!([path(json!(["/1", "/2", "/3", "/4", "/5", "/6"]))]),
            json!([path(json!(["/*/*/*", "/*/?/?"]))]),
            json!([path(json!(["/a b"]))]),
            json!([path(json!([format!("/{}", "a".repeat(128))]))]),
            json!([path(json!([]))]),
            json!([{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/b"]}}]),
            json!([{"Field": "path-pattern", "HostHeaderConfig": {"Values": ["a.com"]}}]),
            json!([{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["a"]}}]),
            json!([{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}]),
            json!([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}}]),
        ] {
            let mut input = rule_input(&listener, 1, "/a", &group);
            input["Conditions"] = conditions.clone();
            assert_eq!(refused(&mut world, "CreateRule", input), "ValidationError", "{conditions}");
        }
    }
}
