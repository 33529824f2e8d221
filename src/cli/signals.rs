//! SIGINT and SIGTERM: the first one ends the run in order, the second one at once.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Habit};
use super::terminal::note;

/// Whether the run is to end, and why.
#[derive(Debug, Default)]
pub struct Signals {
    token: CancellationToken,
    first: Cell<Option<Exit>>,
}

impl Signals {
    /// Cancelled by the first signal.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The exit that the first signal asks for.
    pub fn exit(&self) -> Option<Exit> {
        self.first.get()
    }

    /// Drives `work` to its end and listens meanwhile.
    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            // Listening comes first, so that no signal finds the process without ears once work has begun.
            biased;
            never = self.listen() => match never {},
            result = work => result,
        }
    }

    async fn listen(&self) -> Infallible {
        let mut incoming = Incoming::new();
        loop {
            let exit = incoming.next().await;
            if let Some(first) = self.first.get() {
                end_now(first);
            }
            self.first.set(Some(exit));
            self.token.cancel();
            note("portolan: stopping: waiting for calls in flight; press Ctrl-C again to quit now");
        }
    }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "a second signal does not wait for anything")]
fn end_now(exit: Exit) -> ! {
    note(&format!("portolan: interrupted: the outcome of the last call is unknown (exit {})", exit.code(Habit::Own)));
    std::process::exit(exit.code(Habit::Own).into())
}

#[cfg(unix)]
struct Incoming {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Incoming {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    async fn next(&mut self) -> Exit {
        async fn wait(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = wait(&mut self.interrupt) => Exit::Interrupted,
            () = wait(&mut self.terminate) => Exit::Terminated,
        }
    }
}

/// Passes every SIGHUP on; where there is none, waits for ever.
pub async fn hang_ups(notify: &Notify) -> Infallible {
    #[cfg(unix)]
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        while signal.recv().await.is_some() {
            notify.notify_one();
        }
    }
    std::future::pending().await
}

#[cfg(not(unix))]
struct Incoming;

#[cfg(not(unix))]
impl Incoming {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
