//! Tracing: pure functions on small built worlds, and whole worlds of the sandbox.

#[cfg(all(feature = "aws", feature = "sandbox"))]
mod breaking;
mod catalogue;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod effects;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod fleet;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod printed;
mod properties;
#[cfg(all(feature = "aws", feature = "sandbox"))]
pub mod stage;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod twins;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod unread;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod worlds;
