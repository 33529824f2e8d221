//! What speaks like AWS: moto over HTTP, and the sandbox over HTTP and without a wire. The same tests run on all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::mpsc;
use std::thread::JoinHandle;

use aws_config::SdkConfig;
use jiff::SignedDuration;
use portolan::aws::{Clients, Reader, in_process};
use portolan::model::{Desired, Observed};
use portolan::sandbox::server::Server;
use portolan::sandbox::{Shared, World};
use tokio_util::sync::CancellationToken;

use crate::moto::{Moto, REGION, config_at};

/// Makes two tests of each function: one on moto, one on a sandbox that is reached in the given way. With
/// `and_without_a_wire` a third one: on a sandbox in this process, under a clock that moves on only when everybody waits.
macro_rules! on_each_emulator {
    ($place:ident: $start:path; and_without_a_wire; $($name:ident,)*) => {
        crate::emulator::on_each_emulator! { $place: $start; $($name,)* }
        mod without_a_wire {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name(&crate::emulator::InProcess::start()).await;
            })*
        }
    };
    ($place:ident: $start:path; $($name:ident,)*) => {
        mod on_moto {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&crate::moto::Moto::start()).await;
            })*
        }
        mod $place {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$start()).await;
            })*
        }
    };
}
pub(crate) use on_each_emulator;

/// An AWS for a test.
pub trait Emulator {
    /// For clients of the SDK.
    fn config(&self) -> SdkConfig;

    /// Whether services start tasks and register them, as on AWS.
    fn starts_tasks(&self) -> bool;

    /// Lets pass what time it takes until everything has come up.
    fn settle(&self);

    /// Portolan's clients.
    fn clients(&self) -> Clients {
        Clients::new(&self.config()).unwrap()
    }
}

/// One that other processes reach.
pub trait OverHttp: Emulator {
    /// `http://127.0.0.1:…`
    fn endpoint(&self) -> &str;
}

impl Emulator for Moto {
    fn config(&self) -> SdkConfig {
        config_at(self.endpoint())
    }

    fn starts_tasks(&self) -> bool {
        false
    }

    fn settle(&self) {}
}

impl OverHttp for Moto {
    fn endpoint(&self) -> &str {
        self.endpoint()
    }
}

/// Long enough for load balancers to come up, tasks to start and old targets to drain.
const SETTLED: SignedDuration = SignedDuration::from_mins(20);

/// The sandbox without a wire. Its time stands still between [`Emulator::settle`]s.
pub struct InProcess(pub Shared);

impl InProcess {
    /// An empty account.
    pub fn start() -> Self {
        Self(Shared::still(World::new(1)))
    }
}

impl Emulator for InProcess {
    fn config(&self) -> SdkConfig {
        let shared = self.0.clone();
        in_process::config(REGION, move |request| shared.answer(request))
    }

    fn starts_tasks(&self) -> bool {
        true
    }

    fn settle(&self) {
        self.0.world().advance(SETTLED);
    }
}

/// What the reader sees of a world. Waits for calls to be paced cost no time.
pub fn observe(world: World, desired: &Desired) -> Observed {
    let emulator = InProcess(Shared::still(world));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { portolan::pass::observe(desired, &Reader::new(&emulator.clients())).await })
}

/// The sandbox on a free loopback port; it ends with this value. A thread of its own serves it, for tests block theirs
/// while they wait for the binary.
pub struct Served {
    endpoint: String,
    shared: Shared,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves an empty account.
    pub fn start() -> Self {
        Self::serve(World::new(1))
    }

    /// Serves a world.
    pub fn serve(world: World) -> Self {
        Self::serve_at(world, 1.0)
    }

    /// Serves a world in which so many seconds pass in each.
    pub fn serve_at(world: World, speed: f64) -> Self {
        let stop = CancellationToken::new();
        let (tell, told) = mpsc::channel();
        let until = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(0, world, speed).await.unwrap();
                tell.send((server.address().unwrap(), server.shared())).unwrap();
                server.serve(async move { until.cancelled().await }).await.unwrap();
            });
            // Connections that clients keep open are nobody's business any more.
            runtime.shutdown_background();
        });
        let (address, shared) = told.recv().unwrap();
        Self { endpoint: format!("http://{address}"), shared, stop, thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        // Waiting for it would wait for the clients' idle connections.
        drop(self.thread.take());
    }
}

impl Emulator for Served {
    fn config(&self) -> SdkConfig {
        config_at(&self.endpoint)
    }

    fn starts_tasks(&self) -> bool {
        true
    }

    fn settle(&self) {
        self.shared.world().advance(SETTLED);
    }
}

impl OverHttp for Served {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
