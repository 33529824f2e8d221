//! IPv6 addressing, of which the sandbox holds none. A call that asks for it is refused by the name of the parameter, for
//! an answer that leaves it out would say that it was taken. (Rules of security groups may name IPv6 networks.)

use serde_json::Value;

use crate::input::Input;
use crate::refusal::Refusal;

/// Refuses a call that asks for IPv6 addresses, for itself or for one of its network interfaces.
pub fn refuse(input: Input) -> Result<(), Refusal> {
    let own = input.0.as_object().into_iter().flatten();
    let of_interfaces = input.list("NetworkInterface").filter_map(|one| one.0.as_object()).flatten();
    match own.chain(of_interfaces).find(|(name, value)| is_about_ipv6(name) && asks(value)) {
        Some((name, _)) => {
            let message = format!("The sandbox holds no IPv6 addresses: the parameter {name} is not taken");
            Err(Refusal::new("UnsupportedOperation", message))
        }
        None => Ok(()),
    }
}

fn is_about_ipv6(name: &str) -> bool {
    name.contains("Ipv6") || name == "EnableDns64"
}

/// What says no, or nothing, asks for nothing.
fn asks(value: &Value) -> bool {
    match value {
        Value::Object(attribute) => attribute.get("Value").is_some_and(asks),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "false"),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Null => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_asks_for_ipv6_is_refused_by_its_name_wherever_it_stands() {
        for (input, name) in [
            (json!({"AmazonProvidedIpv6CidrBlock": "true"}), "AmazonProvidedIpv6CidrBlock"),
            (json!({"Ipv6CidrBlock": "2001:db8::/64"}), "Ipv6CidrBlock"),
            (json!({"AssignIpv6AddressOnCreation": {"Value": "true"}}), "AssignIpv6AddressOnCreation"),
            (json!({"NetworkInterface": [{"DeviceIndex": "0"}, {"Ipv6AddressCount": "1"}]}), "Ipv6AddressCount"),
            (json!({"EnableDns64": {"Value": "true"}}), "EnableDns64"),
        ] {
            let refusal = refuse(Input(&input)).expect_err(name);
            assert!(refusal.message.contains(name), "{refusal}");
        }
        for input in [
            json!({"AmazonProvidedIpv6CidrBlock": "false", "CidrBlock": "10.0.0.0/16"}),
            json!({"AssignIpv6AddressOnCreation": {"Value": "false"}}),
            json!({"NetworkInterface": [{"Ipv6AddressCount": "0"}]}),
        ] {
            assert_eq!(refuse(Input(&input)), Ok(()), "{input}");
        }
    }
}
