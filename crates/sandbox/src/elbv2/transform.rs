//! Transforms of rules: at most one of the host and one of the URL.

use serde_json::{Value, json};

use super::find;
use crate::input::Input;
use crate::refusal::Refusal;

/// Longest expression, and longest replacement.
const LONGEST: usize = 1024;

/// The transforms of a call.
pub fn read(input: Input) -> Result<Vec<Value>, Refusal> {
    let mut kinds = Vec::new();
    let mut transforms = Vec::new();
    for transform in input.list("Transforms") {
        let kind = find::need(transform, "Type")?;
        if kinds.contains(&kind) {
            return Err(Refusal::validation(format!("A rule can only have one '{kind}' transform")));
        }
        kinds.push(kind);
        transforms.push(read_one(transform, kind)?);
    }
    Ok(transforms)
}

fn read_one(transform: Input, kind: &str) -> Result<Value, Refusal> {
    let config = match kind {
        "host-header-rewrite" => "HostHeaderRewriteConfig",
        "url-rewrite" => "UrlRewriteConfig",
        _ => return Err(Refusal::validation(format!("Transform type '{kind}' is not valid"))),
    };
    let rewrites: Vec<Input> = transform.get(config).into_iter().flat_map(|config| config.list("Rewrites")).collect();
    let [rewrite] = rewrites.as_slice() else {
        return Err(Refusal::validation(format!("A '{kind}' transform must have exactly one rewrite")));
    };
    let (regex, replace) = (find::need(*rewrite, "Regex")?, rewrite.text("Replace").unwrap_or_default());
    if regex.chars().count() > LONGEST || replace.chars().count() > LONGEST {
        return Err(Refusal::validation(format!("A rewrite cannot be longer than '{LONGEST}' characters")));
    }
    Ok(json!({"Type": kind, config: {"Rewrites": [{"Regex": regex, "Replace": replace}]}}))
}
