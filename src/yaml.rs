//! What people write in YAML: text to positioned trees, trees to typed documents, and everything that is wrong with them at
//! once. Manifests and the sandbox's worlds are read by it; what is said differently of each is its [`Format`].
//!
//! ```text
//! text ─ read ─▶ Node ─ decode ─▶ a format's documents
//!                   └─────────────┴▶ Problems
//! ```

mod decode;
mod format;
mod node;
mod number;
mod problem;
mod read;
mod source;
mod word;

pub(crate) use decode::{
    At, Decode, Fields, Must, Slot, TEXT, TextMap, any_text, document, items, mapping, text_of, wrong_type,
};
pub(crate) use format::{Format, Limits, nearest};
pub(crate) use node::{Entry, Node, Sort, Value};
pub(crate) use number::{Number, Port};
pub use problem::{Excerpt, Problem};
pub(crate) use problem::{Position, Problems, quoted};
pub(crate) use read::read;
pub use source::{STDIN, Source};
pub(crate) use word::{Word, words};
