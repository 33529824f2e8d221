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
mod secret;
mod source;
mod word;

pub use decode::{At, Decode, Fields, Must, Slot, TEXT, TextMap, any_text, items, text_of, unknown_field, wrong_type};
pub use format::{Format, Limits, nearest};
pub use node::{Entry, Node, Scalar, Sort, Value};
pub use number::{Number, Port};
pub use problem::{Excerpt, Position, Problem, Problems, quoted};
pub use read::{Read, read};
pub use source::{STDIN, Source};
pub use word::Word;
