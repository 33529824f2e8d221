//! What runs in a container or on a host, as far as a request can tell.

use std::collections::BTreeMap;

/// A program and the ports that it listens on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    pub listens: Vec<Listen>,
    /// Seconds from the start of its container until it listens.
    pub starts_after: i64,
    /// Seconds after which it ends by itself with a code that is not 0; never, where absent.
    pub crashes_after: Option<i64>,
    /// Ends before it ever runs, as a container does whose image cannot be pulled.
    pub cannot_start: bool,
}

/// One port that an app listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub port: u16,
    /// On the loopback interface alone: nothing from outside of the task reaches it.
    pub loopback: bool,
    pub speaks: Speaks,
    /// Codes by exact path; a path may hold `*` at its end.
    pub paths: BTreeMap<String, u16>,
    /// The code of every other path. For gRPC the status code.
    pub code: u16,
    /// Milliseconds until it answers.
    pub latency: i64,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Http,
    Https,
    Grpc,
    /// Takes connections and says nothing that HTTP could read.
    Tcp,
}

impl Listen {
    /// Answers 200 to everything on this port.
    pub fn ok(port: u16) -> Self {
        Self { port, loopback: false, speaks: Speaks::Http, paths: BTreeMap::new(), code: 200, latency: 5 }
    }

    /// What it answers to a path.
    pub fn code_of(&self, path: &str) -> u16 {
        let path = path.split('?').next().unwrap_or_default();
        let exact = self.paths.get(path);
        let prefix = || {
            let fits = |pattern: &str| pattern.strip_suffix('*').is_some_and(|stem| path.starts_with(stem));
            self.paths.iter().filter(|(pattern, _)| fits(pattern)).max_by_key(|(pattern, _)| pattern.len())
        };
        exact.copied().or_else(|| prefix().map(|(_, code)| *code)).unwrap_or(self.code)
    }
}

impl App {
    /// What listens on a port.
    pub fn on(&self, port: u16) -> Option<&Listen> {
        self.listens.iter().find(|listen| listen.port == port)
    }
}
