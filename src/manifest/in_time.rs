//! Reading that ends in time. A file system that does not answer, or a pipe without a writer, can hold a read forever, and
//! a thread in such a read cannot be ended. So each reading has a thread of its own, which is left behind when it hangs; it
//! ends with the process at the latest.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::yaml::{Problem, Source};

/// What a text comes from, which says how long its reading may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file or a folder.
    Disk,
    /// A pipe that is to be opened: a named one waits for a writer.
    UnopenedPipe,
    /// An open pipe, whose other end has to be written and closed.
    Pipe,
    /// A terminal: a person writes, and ends it with Ctrl-D or Ctrl-C.
    Terminal,
}

impl Medium {
    fn limit(self) -> Duration {
        match self {
            Self::Disk | Self::UnopenedPipe => Duration::from_secs(10),
            Self::Pipe => Duration::from_secs(30),
            Self::Terminal => Duration::MAX,
        }
    }

    fn timed_out(self, name: &str) -> Problem {
        let seconds = self.limit().as_secs();
        let (message, hint) = match self {
            Self::Disk => (
                format!("cannot be read: the file system did not answer within {seconds} seconds"),
                "check the disk or network share that it is on",
            ),
            Self::UnopenedPipe => (
                format!("cannot be read: nothing opened this pipe for writing within {seconds} seconds"),
                "start the command that writes it, or write the manifest to a file first",
            ),
            Self::Pipe | Self::Terminal => (
                format!("cannot be read: the command that writes it did not end within {seconds} seconds"),
                "check that command, or write the manifest to a file first",
            ),
        };
        Problem::of_file(name, message, Some(hint))
    }
}

/// The texts, or what is wrong with them.
type Read = Result<Vec<Source>, Vec<Problem>>;

/// How a reading ended.
#[derive(Debug)]
pub enum InTime {
    /// It did.
    Ended(Read),
    /// It did not; the thread is still in it.
    Hangs(Problem, JoinHandle<()>),
}

enum News {
    Opens(String, Medium),
    Ended(Read),
}

/// Reads on a thread of its own. `work` says what it opens next, and each has its own time.
pub fn in_time(work: impl FnOnce(&dyn Fn(&str, Medium)) -> Read + Send + 'static) -> InTime {
    let (sender, news) = channel();
    let reading = move || {
        // No receiver is left once the reading has been given up.
        let opens = |name: &str, medium| _ = sender.send(News::Opens(name.to_owned(), medium));
        let read = work(&opens);
        let _ = sender.send(News::Ended(read));
    };
    let failed = |why: String| InTime::Ended(Err(vec![Problem::of_file("the manifest", why, None)]));
    let thread = match Builder::new().name("manifest".to_owned()).spawn(reading) {
        Ok(thread) => thread,
        Err(error) => return failed(format!("cannot be read: no thread could be started: {error}")),
    };
    let (mut name, mut medium) = ("the manifest".to_owned(), Medium::Disk);
    loop {
        match news.recv_timeout(medium.limit()) {
            Ok(News::Opens(next, of)) => (name, medium) = (next, of),
            Ok(News::Ended(read)) => return InTime::Ended(read),
            Err(RecvTimeoutError::Timeout) => return InTime::Hangs(medium.timed_out(&name), thread),
            Err(RecvTimeoutError::Disconnected) => return failed("cannot be read: internal error".to_owned()),
        }
    }
}
