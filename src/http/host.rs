//! Which names in a `Host` header are answered.
//!
//! A page of another origin can make a browser ask an address that only the browser's user reaches: its name first resolves
//! to the attacker's server, then to this one (DNS rebinding). The request then carries that name, so names are refused
//! unless they are loopback names or were allowed. An IP literal needs no name and can't be rebound.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

/// Names that are answered in addition to loopback names and IP literals; lower case, without a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

impl AllowedHosts {
    /// These names, as [`parse_name`] returns them.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether a `Host` header (`name`, `name:port`, `address:port`, `[address]:port`) may be answered.
    pub fn allows(&self, header: &str) -> bool {
        let Some(name) = name_of(header) else { return false };
        let name = name.strip_suffix('.').unwrap_or(&name);
        is_address(name) || name == "localhost" || name.ends_with(".localhost") || self.0.contains(name)
    }
}

/// A host name for `--allowed-hosts`: letters, digits, `-`, `_` and dots, without a port. Returned in lower case.
pub fn parse_name(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= 253 && name.split('.').all(is_label) {
        return Ok(name.to_ascii_lowercase());
    }
    Err("a host name without scheme, port and path, such as portolan.example.com".to_owned())
}

/// The header's name in lower case, its port left out. `None` if its form is not that of a `Host` header.
fn name_of(header: &str) -> Option<String> {
    let (name, port) = match header.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, rest)
        }
        None => header.split_at(header.find(':').unwrap_or(header.len())),
    };
    let is_port = port.is_empty() || port.strip_prefix(':')?.chars().all(|c| c.is_ascii_digit());
    (is_port && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_addresses_are_answered_and_other_names_are_not() {
        let none = AllowedHosts::default();
        for host in [
            "localhost",
            "LocalHost:9797",
            "localhost.",
            "portolan.localhost:80",
            "127.0.0.1:9797",
            "10.1.2.3",
            "[::1]:9797",
            "[fd00::1]",
            "192.0.2.1:",
        ] {
            assert!(none.allows(host), "{host}");
        }
        for host in [
            "",
            ":9797",
            "evil.example",
            "evil.example:9797",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "[::1",
            "[evil.example]",
            "::1",
            "127.0.0.1:80:80",
            "localhost:http",
            "user@localhost",
            "localhost/x",
            "0x7f.1",
        ] {
            assert!(!none.allows(host), "{host}");
        }
    }

    #[test]
    fn an_allowed_name_is_answered_in_any_case_and_alone() {
        let allowed = AllowedHosts::new([parse_name("Portolan.Example.com.").expect("a name")]);
        assert!(allowed.allows("portolan.example.COM:443") && allowed.allows("portolan.example.com."));
        assert!(!allowed.allows("a.portolan.example.com") && !allowed.allows("example.com"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".", "a..b", "http://a", "a:80", "a/b", "*.example.com", "a b"] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }
}
