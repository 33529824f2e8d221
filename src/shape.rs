//! AWS's own blocks as trees. One row for a member says its type and range, how a list is compared, what AWS reads back where it is
//! left out, whether it may be shown, and when a change of it takes effect.
//!
//! From the rows come reading, the JSON Schema and the table in the documentation (`manifest`), comparing ([`differences`]), and laying
//! declared members over a live block ([`overlay`]). A live member that no row knows is carried over and never compared. Rules that span
//! members are code beside the manifest's other rules.

mod compare;
mod container;
mod deployment;
mod fold;
mod member;
mod overlay;
mod path;
mod service;
mod task_definition;
mod tree;
mod volume;

pub use compare::{Difference, differences};
pub use fold::{Secrets, declarable, folded, is_equal, size};
pub use member::{Absent, Controllers, Effect, Kind, Member, Order, Same, Structure, Text};
pub use overlay::{overlay, without, without_outputs};
pub use path::{Path, Segment};
pub use service::SERVICE;
pub use task_definition::{NetworkMapping, TASK_DEFINITION, fold_host_ports};
pub use tree::Tree;
