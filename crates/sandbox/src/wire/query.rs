//! The query protocol's requests: a form whose keys are paths into a tree, with numbers for the members of lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Call, Protocol};
use crate::refusal::Refusal;

/// A tree while it grows.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

pub fn read(body: &[u8]) -> Result<Call, Refusal> {
    let mut root = Node::default();
    for (key, text) in form_urlencoded::parse(body) {
        let mut node = &mut root;
        // Elastic Load Balancing and STS put `member` between a list and its numbers; EC2 does not.
        for part in key.split('.').filter(|part| *part != "member") {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(text.into_owned());
    }
    let text = |name: &str| root.children.get(name).and_then(|node| node.text.clone());
    let name = text("Action").ok_or_else(|| Refusal::new("MissingAction", "An action is required."))?;
    let (protocol, service) = match text("Version").as_deref() {
        Some("2015-12-01") => (Protocol::Query, "elasticloadbalancing"),
        Some("2011-06-15") => (Protocol::Query, "sts"),
        Some("2016-11-15") => (Protocol::Ec2, "ec2"),
        other => {
            let message = format!("The version {} is not served here.", other.unwrap_or("(none)"));
            return Err(Refusal::new("InvalidAction", message));
        }
    };
    Ok(Call { protocol, service, name, input: value(root) })
}

fn value(node: Node) -> Value {
    if node.children.is_empty() {
        return Value::String(node.text.unwrap_or_default());
    }
    let numbered: Option<Vec<u64>> = node.children.keys().map(|key| key.parse().ok()).collect();
    match numbered {
        Some(numbers) => {
            let mut members: Vec<_> = numbers.into_iter().zip(node.children.into_values()).collect();
            members.sort_by_key(|(number, _)| *number);
            Value::Array(members.into_iter().map(|(_, child)| value(child)).collect())
        }
        None => Value::Object(Map::from_iter(node.children.into_iter().map(|(key, child)| (key, value(child))))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(form: &str) -> Value {
        read(form.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}")).input
    }

    #[test]
    fn lists_of_both_forms_come_to_the_same_tree_in_the_order_of_their_numbers() {
        let elb = input("Action=X&Version=2015-12-01&A.member.2.B=two&A.member.10.B=ten&A.member.1.B=one");
        let ec2 = input("Action=X&Version=2016-11-15&A.2.B=two&A.10.B=ten&A.1.B=one");
        assert_eq!(elb["A"], json!([{"B": "one"}, {"B": "two"}, {"B": "ten"}]));
        assert_eq!(elb["A"], ec2["A"]);
    }

    #[test]
    fn an_empty_list_is_an_empty_text_and_escapes_are_undone() {
        let input = input("Action=X&Version=2016-11-15&A=&B=a%2Fb+c");
        assert_eq!((&input["A"], &input["B"]), (&json!(""), &json!("a/b c")));
    }
}
