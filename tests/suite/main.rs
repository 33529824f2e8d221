//! The one offline test binary: each extra one would link the SDK again.

mod apply;
#[cfg(feature = "aws")]
mod cli;
mod arrows;
mod cases;
mod manifest;
mod observed;
mod properties;
mod report;
