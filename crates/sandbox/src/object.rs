//! A JSON object out of members that are finished already.

/// `json!` copies what it is given; this moves it. For lists of things that are described, whose text a copy would double.
macro_rules! object {
    ($($name:expr => $value:expr),+ $(,)?) => {
        serde_json::Value::Object(serde_json::Map::from_iter([
            $((String::from($name), serde_json::Value::from($value))),+
        ]))
    };
}

pub(super) use object;
