//! Portolan keeps every declared port of an Amazon ECS fleet reachable.
//!
//! One data path, four verbs: **load → observe → plan → apply**, then report. `reconcile`, `drift` and `run` call the same
//! pass; they differ in how far it goes and how often.
//!
//! ```text
//! manifests/*/*.yaml ─ manifest ─▶ Desired ─┐
//!                                           ├─ plan ─▶ Plan ─ apply ─▶ Outcome ─ report ─▶ text, JSON
//! ECS, ELBv2, EC2 ──── aws ────▶ Observed ──┘
//! ```
//!
//! In reading order, each layer using only those before it:
//!
//! - [`model`]: what is declared and what AWS answers. No SDK, no serde, no I/O.
//! - `yaml`: what people write, as positioned trees; every problem with its place.
//! - [`manifest`]: YAML to [`model::Desired`], every problem with its place, offline.
//! - [`plan`]: desired and observed to a [`plan::Plan`]. Total and pure: no clock, no I/O, no `Result`.
//! - [`survey`]: what stands to a bare desired, for those who have no manifest yet.
//! - [`init`]: a reading to the manifest that says the same.
//! - [`status`]: a reading to a table.
//! - [`apply`]: a walk of the plan's graph, and the two ports to the world that it and observing need.
//! - `plain`: text of others as people may see it.
//! - [`report`]: a pass as text for people and as JSON for programs.
//! - `aws` (feature `aws`): the only tree that names the SDK.
//! - [`events`]: what AWS tells of changes to hints where to look first, and the port to a queue of them.
//! - [`pass`]: one pass, without printing and without a loop.
//! - [`queue`]: when which key is worked on, and how long what failed waits.
//! - [`controller`]: passes again and again, with a memory.
//! - `door` (feature `door`): what the service tells Prometheus, probes and people over HTTP.
//! - `sandbox` (feature `sandbox`): AWS in memory, strict about what AWS refuses. Knows `yaml` alone.
//! - `cli` (feature `aws`): the only part that prints, reads the environment and the clock, and knows exit codes.
//!
//! What is deliberately absent: a state file (what Portolan made bears its tag), a dry-run flag (a dry run has no writer),
//! a decision in the executor, and an *unknown* that is read as *absent*.

pub mod apply;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod cli;
pub mod controller;
#[cfg(feature = "door")]
pub mod door;
pub mod events;
pub mod init;
pub mod manifest;
pub mod model;
pub mod pass;
mod plain;
pub mod plan;
pub mod queue;
pub mod report;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod status;
pub mod survey;
pub mod trace;
mod yaml;
