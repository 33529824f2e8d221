//! The one offline test binary: each extra one would link the SDK again.

mod apply;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod cli;
mod arrows;
mod cases;
mod manifest;
#[cfg(feature = "aws")]
mod moto;
mod observed;
mod properties;
mod report;
