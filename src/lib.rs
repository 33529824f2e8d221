//! Portolan keeps every declared port of an Amazon ECS fleet reachable.
//!
//! One data path: **load → observe → plan → apply**, then report.
//!
//! ```text
//! manifests/*/*.yaml ─ manifest ─▶ Desired ─┐
//!                                           ├─ plan ─▶ Plan ─ apply ─▶ Outcome ─ report ─▶ text, JSON
//! ECS, ELBv2, EC2 ──── aws ────▶ Observed ──┘
//! ```

pub mod apply;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod cli;
pub mod manifest;
pub mod model;
pub mod pass;
pub mod plan;
pub mod report;
