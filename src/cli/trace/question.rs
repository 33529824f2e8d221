//! The client and the request to trace.

use std::collections::BTreeMap;

use super::super::args::TraceArgs;
use super::super::failure::Failure;
use crate::model::Request;
use crate::trace::Asked;

pub fn asked(args: &TraceArgs) -> Result<Asked, Failure> {
    let mut asked = Asked { client: args.client, ..Asked::default() };
    if let Some(text) = &args.request {
        let (request, listener) = request(text).ok_or_else(|| {
            let hint = "write it like --request 'GET https://shop.example.com/cart/1'";
            Failure::new(format!("{text:?} is not a valid request"), Some(hint.to_owned()))
        })?;
        asked.request = Some(request);
        asked.listener = Some(listener);
    }
    Ok(asked)
}

/// Parses an optional method and a URL; the port is the listener's.
fn request(text: &str) -> Option<(Request, u16)> {
    let (method, url) = text.trim().rsplit_once(' ').unwrap_or(("GET", text.trim()));
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(at);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, usual),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    };
    let request = Request {
        method: method.trim().to_owned(),
        host: host.to_owned(),
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        query: pairs.map(pair).collect(),
        headers: BTreeMap::new(),
        from: None,
    };
    (!host.is_empty()).then_some((request, port))
}

#[cfg(test)]
mod tests {
    use super::request;

    #[test]
    fn a_request_is_a_method_and_a_url() {
        let (asked, port) = request("POST https://shop.example.com/cart/1?a=1&b").expect("a request");
        assert_eq!((asked.method.as_str(), asked.host.as_str(), port), ("POST", "shop.example.com", 443));
        assert_eq!(asked.to_string(), "POST shop.example.com/cart/1?a=1&b=");
        assert_eq!(request("http://a.b:8080").map(|(asked, port)| (asked.path, port)), Some(("/".to_owned(), 8080)));
        assert_eq!(request("ftp://a.b/"), None);
        assert_eq!(request("shop.example.com"), None);
    }
}
