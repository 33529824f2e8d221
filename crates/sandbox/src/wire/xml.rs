//! The query protocol's answers. Names of members are the caller's; the members of lists are `member` in Elastic Load
//! Balancing and STS, `item` in EC2.

use std::borrow::Cow;
use std::io;

use bytes::Bytes;
use http::Response;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde_json::{Value, json};

use super::respond;
use crate::refusal::Refusal;

const KIND: &str = "text/xml;charset=utf-8";
type Xml = Writer<Vec<u8>>;

/// An answer of Elastic Load Balancing or STS.
pub fn accept(service: &str, name: &str, value: &Value, id: &str) -> Response<Bytes> {
    let (root, result) = (format!("{name}Response"), format!("{name}Result"));
    // The SDK for Rust wants the result to come first.
    let body = [(result.as_str(), value), ("ResponseMetadata", &json!({"RequestId": id}))];
    respond(200, KIND, document(&root, namespace(service), "member", &body), id)
}

/// A refusal of Elastic Load Balancing or STS.
pub fn refuse(service: &str, refusal: &Refusal, id: &str) -> Response<Bytes> {
    let side = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let error = json!({"Type": side, "Code": refusal.code, "Message": refusal.message});
    let body = [("Error", &error), ("RequestId", &json!(id))];
    respond(refusal.status, KIND, document("ErrorResponse", namespace(service), "member", &body), id)
}

/// An answer of EC2.
pub fn accept_ec2(name: &str, value: &Value, id: &str) -> Response<Bytes> {
    let id_member = json!(id);
    let members = value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member));
    let body: Vec<(&str, &Value)> = [("requestId", &id_member)].into_iter().chain(members).collect();
    let root = format!("{name}Response");
    respond(200, KIND, document(&root, Some("http://ec2.amazonaws.com/doc/2016-11-15/"), "item", &body), id)
}

/// A refusal of EC2.
pub fn refuse_ec2(refusal: &Refusal, id: &str) -> Response<Bytes> {
    let errors = json!({"Error": {"Code": refusal.code, "Message": refusal.message}});
    let body = [("Errors", &errors), ("RequestID", &json!(id))];
    respond(refusal.status, KIND, document("Response", None, "item", &body), id)
}

fn namespace(service: &str) -> Option<&'static str> {
    match service {
        "elasticloadbalancing" => Some("http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"),
        _ => Some("https://sts.amazonaws.com/doc/2011-06-15/"),
    }
}

fn document(root: &str, namespace: Option<&str>, member: &str, body: &[(&str, &Value)]) -> Vec<u8> {
    let mut xml = Writer::new(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec());
    let element = xml.create_element(root).with_attributes(namespace.map(|name| ("xmlns", name)));
    // Writing to memory does not fail.
    let _ = element
        .write_inner_content(|xml| body.iter().try_for_each(|(name, value)| self::element(xml, name, member, value)));
    xml.into_inner()
}

fn inner(xml: &mut Xml, member: &str, value: &Value) -> io::Result<()> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| element(xml, name, member, value)),
        Value::Array(items) => items.iter().try_for_each(|item| element(xml, member, member, item)),
        Value::Null => Ok(()),
        Value::Bool(flag) => text(xml, if *flag { "true" } else { "false" }),
        Value::Number(number) => text(xml, &number.to_string()),
        Value::String(string) => text(xml, string),
    }
}

fn element(xml: &mut Xml, name: &str, member: &str, value: &Value) -> io::Result<()> {
    if value.is_null() {
        return Ok(());
    }
    xml.create_element(name).write_inner_content(|xml| inner(xml, member, value))?;
    Ok(())
}

fn text(xml: &mut Xml, text: &str) -> io::Result<()> {
    // XML 1.0 has no way to write the other control characters at all.
    let is_writable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let text: Cow<str> =
        if text.chars().all(is_writable) { text.into() } else { text.chars().filter(|c| is_writable(*c)).collect() };
    xml.write_event(quick_xml::events::Event::Text(BytesText::new(&text)))
}
