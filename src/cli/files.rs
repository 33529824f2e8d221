//! The files of `-f` for the service, which reads them again and again.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::args::Inputs;
use super::inputs;
use crate::controller::Declare;
use crate::manifest::{InTime, Problem, Source};

/// The files that `-f` names.
#[derive(Debug)]
pub struct Files(Arc<Mutex<Rereading>>);

impl Files {
    /// Nothing is read yet.
    pub fn new(inputs: Inputs) -> Self {
        Self(Arc::new(Mutex::new(Rereading { inputs, hanging: Vec::new(), last: None, pause: 0 })))
    }
}

impl Declare for Files {
    async fn read(&self) -> Result<Vec<Source>, Vec<Problem>> {
        let files = Arc::clone(&self.0);
        // The signals and the HTTP endpoint are not to wait for a file system.
        let reading = tokio::task::spawn_blocking(move || {
            files.lock().unwrap_or_else(PoisonError::into_inner).read(inputs::read_in_time)
        });
        let failed = |error| vec![Problem::of_file("the manifest", format!("cannot be read: {error}"), None)];
        reading.await.unwrap_or_else(|error| Err(failed(error)))
    }
}

/// A thread in a read that hangs cannot be ended, and the next reading may hang as well. So the pauses between attempts double
/// with each thread that still hangs, and a few threads last for the life of the service. What hung and ends is tried again
/// immediately.
#[derive(Debug)]
struct Rereading {
    inputs: Inputs,
    hanging: Vec<JoinHandle<()>>,
    /// What the last attempt that hung came to.
    last: Option<Problem>,
    /// Readings that are answered from `last` before the next attempt.
    pause: u32,
}

impl Rereading {
    fn read(&mut self, attempt: impl FnOnce(&Inputs) -> InTime) -> Result<Vec<Source>, Vec<Problem>> {
        let before = self.hanging.len();
        self.hanging.retain(|thread| !thread.is_finished());
        if self.hanging.len() < before {
            self.pause = 0;
        }
        if let (Some(problem), Some(left)) = (&self.last, self.pause.checked_sub(1)) {
            self.pause = left;
            return Err(vec![problem.clone()]);
        }
        match attempt(&self.inputs) {
            InTime::Ended(read) => read,
            InTime::Hangs(problem, thread) => {
                self.hanging.push(thread);
                self.pause = 1 << self.hanging.len().min(20);
                self.last = Some(problem.clone());
                Err(vec![problem])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_read_that_hangs_is_attempted_again_ever_more_rarely_and_immediately_once_it_has_ended() {
        let files = Inputs::default();
        let mut rereading = Rereading { inputs: files, hanging: Vec::new(), last: None, pause: 0 };
        let (ends, attempts) = (Cell::new(Vec::new()), Cell::new(0));
        let hangs = |_: &Inputs| {
            attempts.set(attempts.get() + 1);
            let (end, ended) = channel::<()>();
            let mut all = ends.take();
            all.push(end);
            ends.set(all);
            let thread = std::thread::spawn(move || _ = ended.recv());
            InTime::Hangs(Problem::of_file("fleet.yaml", "hangs", None), thread)
        };
        let refused = Err(vec![Problem::of_file("fleet.yaml", "hangs", None)]);
        for reading in 1..=1_000 {
            assert_eq!(rereading.read(hangs), refused, "{reading}");
        }
        assert_eq!(attempts.get(), 9, "2, 4, 8 … readings lie between");
        let good = |_: &Inputs| InTime::Ended(Ok(Vec::new()));
        assert_eq!(rereading.read(good), refused, "it waits for its turn");
        // A thread that has ended says that the file system answers again.
        ends.take();
        while !rereading.hanging.iter().all(JoinHandle::is_finished) {
            std::thread::yield_now();
        }
        assert_eq!(rereading.read(good), Ok(Vec::new()));
        assert!(rereading.hanging.is_empty());
    }
}
