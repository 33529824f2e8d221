//! Tracing: pure functions on small built worlds, and whole worlds of the sandbox.

mod catalogue;
mod properties;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod worlds;
