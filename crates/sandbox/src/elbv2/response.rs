//! Answers that a load balancer gives by itself: redirects and fixed responses.

use serde_json::{Map, Value, json};

use super::action::Front;
use super::find;
use crate::input::Input;
use crate::refusal::Refusal;

/// The configuration of a redirect, with what stays as it was in AWS's words for it.
pub fn redirect(action: Input, front: Front) -> Result<Value, Refusal> {
    let config = action
        .get("RedirectConfig")
        .ok_or_else(|| Refusal::validation("A redirect configuration must be specified"))?;
    let code = find::need(config, "StatusCode")?;
    if !matches!(code, "HTTP_301" | "HTTP_302") {
        return Err(Refusal::validation(format!("Redirect status code '{code}' must be one of 'HTTP_301, HTTP_302'")));
    }
    let part = |name: &str, default: &'static str| config.text(name).unwrap_or(default).to_owned();
    let protocol = part("Protocol", "#{protocol}");
    let port = part("Port", "#{port}");
    let host = part("Host", "#{host}");
    let path = part("Path", "/#{path}");
    let query = part("Query", "#{query}");
    check_parts(&protocol, &port, &host, &path, &query)?;
    if protocol == "HTTP" && front.protocol == "HTTPS" {
        return Err(Refusal::new("InvalidLoadBalancerAction", "You cannot redirect HTTPS to HTTP"));
    }
    let keeps_protocol = protocol == "#{protocol}" || protocol == front.protocol;
    let keeps_port = port == "#{port}" || port == front.port.to_string();
    if keeps_protocol && keeps_port && host == "#{host}" && path == "/#{path}" {
        let message = "The redirect configuration is not valid because it creates a loop";
        return Err(Refusal::new("InvalidLoadBalancerAction", message));
    }
    Ok(json!({
        "Protocol": protocol, "Port": port, "Host": host, "Path": path, "Query": query, "StatusCode": code,
    }))
}

fn check_parts(protocol: &str, port: &str, host: &str, path: &str, query: &str) -> Result<(), Refusal> {
    let refused = |name: &str, value: &str| Err(Refusal::validation(format!("Redirect {name} '{value}' is not valid")));
    let is_length = |text: &str| (1..=128).contains(&text.chars().count());
    if !matches!(protocol, "HTTP" | "HTTPS" | "#{protocol}") {
        return refused("protocol", protocol);
    }
    if port != "#{port}" && !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return refused("port", port);
    }
    if !is_length(host) {
        return refused("host", host);
    }
    if !path.starts_with('/') || !is_length(path) {
        return refused("path", path);
    }
    if query.starts_with('?') || query.chars().count() > 128 {
        return refused("query", query);
    }
    Ok(())
}

const CONTENT_TYPES: [&str; 5] = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];

/// The configuration of a fixed response.
pub fn fixed(action: Input) -> Result<Value, Refusal> {
    let config = action
        .get("FixedResponseConfig")
        .ok_or_else(|| Refusal::validation("A fixed response configuration must be specified"))?;
    let code = find::need(config, "StatusCode")?;
    let is_code = code.len() == 3 && code.starts_with(['2', '4', '5']) && code.chars().all(|c| c.is_ascii_digit());
    if !is_code {
        return Err(Refusal::validation(format!("Fixed response status code '{code}' must be 2XX, 4XX or 5XX")));
    }
    let mut shape = Map::from_iter([("StatusCode".to_owned(), json!(code))]);
    if let Some(kind) = config.text("ContentType").filter(|kind| !kind.is_empty()) {
        if !CONTENT_TYPES.contains(&kind) {
            let message = format!("Fixed response content type '{kind}' must be one of '{}'", CONTENT_TYPES.join(", "));
            return Err(Refusal::validation(message));
        }
        shape.insert("ContentType".to_owned(), json!(kind));
    }
    if let Some(body) = config.text("MessageBody").filter(|body| !body.is_empty()) {
        if body.chars().count() > 1024 {
            return Err(Refusal::validation("Fixed response message body cannot be longer than '1024' characters"));
        }
        shape.insert("MessageBody".to_owned(), json!(body));
    }
    Ok(Value::Object(shape))
}
