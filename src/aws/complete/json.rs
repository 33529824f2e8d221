//! Answers in JSON.

use serde_json::{Map, Value};

use super::Contents;
use super::members::{Kind, Read};

/// The contents of a body that is one whole object with the members that it must have.
pub(super) fn read(body: &[u8], read: Option<&Read>) -> Result<Contents, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("the response is not complete JSON: {error}"))?;
    let Value::Object(members) = value else { return Err("the response is not a JSON object".to_owned()) };
    if let Some(read) = read {
        check(&members, read)?;
    }
    let next = members.get("nextToken").or_else(|| members.get("NextToken"));
    let next = next.and_then(Value::as_str).filter(|token| !token.is_empty());
    Ok(Contents { next_page: next.map(str::to_owned) })
}

fn check(members: &Map<String, Value>, read: &Read) -> Result<(), String> {
    let name = read.member;
    let missing = || Err(format!("the response has no {name}"));
    match (read.kind, members.get(name)) {
        (Kind::Nothing, _) => Ok(()),
        (Kind::List(of), Some(Value::Array(things))) => {
            let is_whole = |thing: &Value| match of {
                None => thing.is_string(),
                Some(inner) => thing.get(inner).is_some_and(|value| !value.is_null()),
            };
            match (things.iter().all(is_whole), of) {
                (true, _) => Ok(()),
                (false, Some(inner)) => Err(format!("an entry of {name} in the response has no {inner}")),
                (false, None) => Err(format!("an entry of {name} in the response is not text")),
            }
        }
        (Kind::Object(inner), Some(Value::Object(thing))) if !thing.contains_key(inner) => {
            Err(format!("{name} in the response has no {inner}"))
        }
        (Kind::Object(_), Some(Value::Object(_))) => Ok(()),
        (Kind::Text, Some(Value::String(text))) if !text.is_empty() => Ok(()),
        (Kind::List(_) | Kind::Object(_) | Kind::Text, _) => missing(),
    }
}
