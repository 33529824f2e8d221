//! The one offline test binary: each extra one would link the SDK again.

mod actions;
mod apply;
mod arrows;
#[cfg(feature = "aws")]
mod aws;
mod cases;
#[cfg(feature = "aws")]
mod cli;
#[cfg(feature = "aws")]
mod contract;
#[cfg(feature = "aws")]
mod controller;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod creation;
mod definitions;
#[cfg(all(unix, feature = "aws", feature = "sandbox"))]
mod deploy;
mod docs;
#[cfg(feature = "aws")]
mod emulator;
mod events;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod faults;
#[cfg(feature = "sandbox")]
mod fleet;
mod folder;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod handover;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod in_process;
mod init;
mod large;
#[cfg(feature = "aws")]
mod main_job;
mod manifest;
mod members;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod misbehaving;
#[cfg(feature = "aws")]
mod moto;
mod observed;
#[cfg(feature = "aws")]
mod pages;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod parking;
mod passable;
mod phrases;
mod properties;
#[cfg(feature = "aws")]
mod proxy;
mod queue;
mod reads;
mod report;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod rollout;
#[cfg(feature = "sandbox")]
mod sandbox;
mod shapes;
#[cfg(all(target_os = "linux", feature = "aws", feature = "sandbox"))]
mod soak;
mod stuck;
mod trace;
#[cfg(feature = "aws")]
mod watching;
#[cfg(feature = "aws")]
mod week;
