//! A YAML document as a tree in which everything knows its place.

use super::problem::{Position, quoted};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it is.
    pub at: Position,
    /// What is there.
    pub value: Value,
}

/// The value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, a number, a boolean, or nothing.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order in which it is written.
    Mapping(Vec<Entry>),
    /// A problem that was reported already; it is not reported again.
    Broken,
}

/// One line of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub key_at: Position,
    /// What the key has.
    pub value: Node,
}

/// A scalar before anyone decided what it should be.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text, without quotes.
    pub text: String,
    /// Written without quotes, so it may be a number, a boolean or nothing.
    pub plain: bool,
}

/// What YAML 1.2 makes of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// `key:` alone, `~` or `null`.
    Nothing,
    /// `true` or `false`.
    Boolean(bool),
    /// A decimal integer; the value itself may still be out of range.
    Integer,
    /// A number that no field takes: a fraction, a hexadecimal or octal one.
    OtherNumber,
    /// Anything else, and everything in quotes.
    Text,
}

impl Scalar {
    /// What the scalar is, by YAML 1.2's core schema. Numbers with a leading zero are not integers here: YAML 1.1
    /// reads them as octal.
    pub fn sort(&self) -> Sort {
        if !self.plain {
            return Sort::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Sort::Nothing,
            "true" | "True" | "TRUE" => Sort::Boolean(true),
            "false" | "False" | "FALSE" => Sort::Boolean(false),
            text if is_decimal(text) => Sort::Integer,
            text if is_number(text) => Sort::OtherNumber,
            _ => Sort::Text,
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixed = ["0x", "0o"].iter().any(|prefix| unsigned.starts_with(prefix));
    let special = matches!(unsigned.to_ascii_lowercase().as_str(), ".inf" | ".nan");
    prefixed
        || special
        || (unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok())
}

impl Node {
    /// What kind of value it is, for a sentence: `expected a list, found …`.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) => match scalar.sort() {
                Sort::Nothing => "nothing".to_owned(),
                Sort::Boolean(value) => format!("the boolean {value}"),
                Sort::Integer | Sort::OtherNumber => format!("the number {}", quoted(&scalar.text).trim_matches('"')),
                Sort::Text => format!("the text {}", quoted(&scalar.text)),
            },
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Broken => "something broken".to_owned(),
        }
    }

    /// As [`Self::found`], without the value itself.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => match scalar.sort() {
                Sort::Nothing => "nothing",
                Sort::Boolean(_) => "a boolean",
                Sort::Integer | Sort::OtherNumber => "a number",
                Sort::Text => "text",
            },
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Broken => "something broken",
        }
    }

    /// Whether nothing stands there (`key:` alone, or `null`).
    pub fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.sort() == Sort::Nothing)
    }
}
