//! Portolan keeps every declared port of an Amazon ECS fleet reachable.
//!
//! It compares a manifest with the live state and plans AWS calls, each with its reason. `reconcile`, `drift` and `run` share one
//! pass: **load → observe → plan → check → apply → report**. They differ in how far it goes and how often.
//!
//! ```text
//! manifests/*/*.yaml ─ manifest ─▶ Desired ─┐
//!                                           ├─ plan ─▶ Plan ─ pass ─▶ apply ─▶ Outcome ─ report ─▶ text, JSON, …
//! ECS, ELBv2, EC2 ──── aws ────▶ Observed ──┤                │
//!        ▲                                  └─ trace ─▶ Trace┘
//!        └──── Query ── needs of plan and trace, until every question is answered
//! ```
//!
//! In reading order; each layer uses only layers before it (`tests/suite/arrows.rs` checks which); those that are
//! packages of their own are in `crates/`:
//!
//! - [`shape`]: AWS's own blocks, such as a task definition, as trees with a row for each member.
//! - [`model`]: what a manifest declares and what AWS answers. No SDK, no serde, no I/O.
//! - `yaml` (package `portolan-yaml`): YAML to trees in which every node knows its place; all problems of a text together.
//! - [`manifest`]: YAML to [`model::Desired`], checked offline.
//! - [`plan`]: desired and observed to a [`plan::Plan`]. Total and pure: no clock, no I/O, no `Result`.
//! - [`trace`]: the path of every declared port from listener to container, and what is wrong at which hop. Total and pure.
//! - [`survey`]: a cluster to a [`model::Desired`] that manages nothing, for commands without a manifest.
//! - [`init`]: an observation to the text of a manifest that describes it.
//! - [`apply`]: runs the steps of a plan along its edges; defines the two ports to AWS: `Read` and `Perform`.
//! - `sanitize`: makes text that others wrote safe to print.
//! - `columns` (package `portolan-columns`): how wide text is on a terminal; pads, wraps and cuts it.
//! - [`report`]: a pass as text, JSON, JUnit, SARIF, GitHub annotations and Markdown.
//! - [`status`]: an observation to a table with one line for each service.
//! - [`events`]: messages of EventBridge to hints about what to read first, and the port to a queue of them.
//! - `aws` (feature `aws`): the only module that names the SDK.
//! - [`pass`]: the loop that reads AWS, and one pass, without printing; checks a plan against the paths that it touches.
//! - [`queue`]: which key is worked on when, and how long a failed one waits.
//! - [`controller`]: passes in a loop, with a memory.
//! - `http` (feature `http`): the service's HTTP endpoint for Prometheus, probes and people.
//! - `sandbox` (package `portolan-sandbox`, feature `sandbox`): AWS in memory, strict about what AWS rejects. Uses `yaml` alone.
//! - `cli` (feature `aws`): the only module that prints, reads the environment and the clock, and knows exit codes.
//!
//! `docs/architecture.md` has the invariants, `docs/rules.md` the rules (R1 to R16) that comments cite, and `docs/aws-facts.md` the
//! facts about AWS.
//!
//! What is deliberately absent: a state file (what Portolan creates is tagged), a dry-run flag (a dry run has no writer), a decision
//! in the executor, and an *unknown* that is taken for *absent*.

#[warn(clippy::wildcard_enum_match_arm)]
pub mod apply;
#[cfg(feature = "aws")]
#[warn(clippy::wildcard_enum_match_arm)]
pub mod aws;
#[cfg(feature = "aws")]
#[warn(clippy::wildcard_enum_match_arm)]
pub mod cli;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod controller;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod events;
#[cfg(feature = "http")]
#[warn(clippy::wildcard_enum_match_arm)]
pub mod http;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod init;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod manifest;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod model;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod pass;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod plan;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod queue;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod report;
mod sanitize;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod shape;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod status;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod survey;
#[warn(clippy::wildcard_enum_match_arm)]
pub mod trace;

use portolan_columns as columns;
#[cfg(feature = "sandbox")]
pub use portolan_sandbox as sandbox;
use portolan_yaml as yaml;
