//! AWS in memory: strict about what AWS rejects, with a scheduler, with target health that comes from the path that a
//! request would really take, and with a time of its own.
//!
//! Emulators take much that AWS does not, start no tasks, and find every target healthy. The [`World`] is the opposite:
//! one deterministic state machine with a seed and virtual time. The same seed and the same calls make the same world,
//! byte for byte.
//!
//! ```text
//! HTTP (server), SDK in this process ─ wire ─▶ operation ─▶ ec2, ecs, elbv2, autoscaling, sts ─▶ state
//!                       time (World::advance) ─▶ due ─▶ scheduler, health ────────────────────────▶ state
//!                     World::request ─▶ routing ─▶ path (groups, ACLs, ports, apps) ──────────────▶ state
//! ```
//!
//! What it knows is written in `docs/sandbox.md`, and compared with another client and another emulator by
//! `tests/contract`. It knows nothing of the planner or of the SDK, and the planner nothing of it.

mod autoscaling;
mod buckets;
mod due;
mod ec2;
mod ecs;
mod elbv2;
mod filter;
mod glob;
mod health;
mod id;
mod input;
mod object;
mod operation;
mod page;
mod path;
mod refusal;
mod registration;
mod request;
mod routing;
mod scheduler;
pub mod server;
mod shared;
mod state;
mod sts;
mod wire;
mod world;
pub mod world_file;

pub use refusal::Refusal;
pub use request::{Answered, Sent};
pub use shared::Shared;
pub use wire::answer;
pub use world::{Settings, World};
