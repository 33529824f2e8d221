//! One world for many callers, and how its time goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jiff::SignedDuration;
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
#[derive(Clone, Debug)]
struct Clock {
    /// Virtual seconds in a second.
    speed: f64,
    /// When a caller last looked; the time since then is still to be lived through.
    last: Arc<Mutex<Instant>>,
}

impl Shared {
    /// Time does not move until a caller uses [`World::advance`].
    pub fn still(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), clock: None }
    }

    /// Time follows Tokio's clock, a paused one too, at a multiple of its speed; it moves on at every access.
    pub fn following(world: World, speed: f64) -> Self {
        let clock = Clock { speed, last: Arc::new(Mutex::new(Instant::now())) };
        Self { world: Arc::new(Mutex::new(world)), clock: Some(clock) }
    }

    /// Answers a request of an AWS client.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        wire::answer(&mut self.world(), request)
    }

    /// The world, at its present time.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = locked(&self.world);
        if let Some(clock) = &self.clock {
            world.advance(clock.passed());
        }
        world
    }
}

impl Clock {
    fn passed(&self) -> SignedDuration {
        let now = Instant::now();
        let since = now.duration_since(std::mem::replace(&mut *locked(&self.last), now));
        SignedDuration::try_from_secs_f64(since.as_secs_f64() * self.speed).unwrap_or(SignedDuration::ZERO)
    }
}

/// A thread that panicked while it held the lock has left the world as it was between two calls, or the panic is worth
/// seeing in what the world does next.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
