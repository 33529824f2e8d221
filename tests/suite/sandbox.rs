//! The sandbox by itself: no SDK, no socket. What it must agree on with AWS is in `tests/contract`.

mod answers;
mod buckets;
mod deployments;
mod fleet;
mod harbour;
mod registrar;
mod scheduler;
mod time;
mod world_file;
mod worlds;
