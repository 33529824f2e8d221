//! Values out of a closed set.

use super::decode::{Decode, text_of};
use super::node::Node;
use super::problem::{Problems, quoted};

/// A value out of a closed set, as it is written.
pub trait Word: Clone + 'static {
    /// The set: spelling and meaning.
    fn words() -> Vec<(&'static str, Self)>;
}

impl<T: Word> Decode for T {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let words = T::words();
        let spellings: Vec<&str> = words.iter().map(|(spelling, _)| *spelling).collect();
        let text = text_of(node, name, &spellings.join(" or "), problems)?;
        let found = words.iter().find(|(spelling, _)| *spelling == text).map(|(_, word)| word.clone());
        if found.is_none() {
            let message = match spellings.as_slice() {
                [only] => format!("{name} must be {only}, found {}", quoted(text)),
                several => format!("{name} must be one of {}, found {}", several.join(", "), quoted(text)),
            };
            problems.push_hint(node.at, message, problems.format().wrong_word(name, text, &spellings));
        }
        found
    }
}

/// Declares closed sets: the type, and the spelling and meaning of each word. The package that uses it depends on `schemars`.
#[macro_export]
macro_rules! words {
    ($($type:ty { $($spelling:literal => $word:expr),* $(,)? })*) => {$(
        impl $crate::Word for $type {
            fn words() -> Vec<(&'static str, Self)> {
                vec![$(($spelling, $word)),*]
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": [$($spelling),*]})
            }
        }
    )*};
}
