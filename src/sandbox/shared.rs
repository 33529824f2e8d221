//! One world for many callers, and how its time goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::wire;
use super::world::World;

/// A world behind a lock. Clones share it.
#[derive(Clone, Debug)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    clock: Option<Clock>,
}

/// Virtual time that follows Tokio's.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Instant,
    /// The world's time at that moment.
    from: Timestamp,
    /// Virtual seconds in a second.
    speed: f64,
}

impl Shared {
    /// Time stands still until somebody calls [`World::advance`].
    pub fn still(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), clock: None }
    }

    /// Time follows Tokio's clock, a paused one too, at a multiple of its speed; it moves on whenever somebody looks.
    pub fn following(world: World, speed: f64) -> Self {
        let clock = Clock { began: Instant::now(), from: world.now(), speed };
        Self { world: Arc::new(Mutex::new(world)), clock: Some(clock) }
    }

    /// Answers a request of an AWS client.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        wire::answer(&mut self.world(), request)
    }

    /// The world, at its present time.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clock) = self.clock {
            let seconds = clock.began.elapsed().as_secs_f64() * clock.speed;
            let passed = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
            world.advance_to(clock.from + passed);
        }
        world
    }
}
