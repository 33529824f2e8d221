//! What stands, read without a manifest: for `init`, and for `status` by cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::progress::{self, Needed};
use super::run::{check_credentials, clients};
use super::signals::Signals;
use super::terminal::Terminal;
use crate::aws::{Clients, Reader};
use crate::model::arn::last_part;
use crate::model::{Desired, Observed, Scope};
use crate::pass;
use crate::plan::ScopeError;
use crate::report::Error;
use crate::survey::Depth;

/// A bare fleet and its reading.
pub struct ClusterReading {
    /// The services and target groups, with nothing managed.
    pub outline: Desired,
    /// The reading.
    pub observed: Observed,
    /// The reader of AWS.
    pub reader: Reader,
    clients: Clients,
}

/// What the options name.
pub fn scope(clusters: &[String], services: &[String]) -> Result<Scope, Failure> {
    // A cluster may be given by its ARN.
    let clusters: BTreeSet<String> = clusters.iter().map(|name| last_part(name).to_owned()).collect();
    let services: BTreeSet<String> = services.iter().cloned().collect();
    let stray = services.iter().find(|name| name.split_once('/').is_some_and(|(of, _)| !clusters.contains(of)));
    match stray {
        Some(name) => Err(Failure::new(format!("--service {name} is in a cluster that no --cluster names"), None)),
        None => Ok(Scope { clusters, services }),
    }
}

impl ClusterReading {
    /// Reads everything, unless a signal comes first.
    pub async fn take(
        scope: &Scope,
        depth: Depth,
        global: &Global,
        terminal: Terminal,
        signals: &Signals,
    ) -> Result<Self, Failure> {
        let clients = clients(None, global).await?;
        terminal.progress(&format!("portolan: reading {} …", clients.region()));
        let reader = Reader::new(&clients);
        let read = tokio::select! {
            biased;
            () = signals.token().cancelled() => {
                return Err(Failure::interrupted(signals.exit().unwrap_or(Exit::Interrupted)));
            }
            read = read(&clients, &reader, scope, depth, global) => read?,
            never = progress::show(terminal, Needed::default(), clients.region(), clients.calls()) => match never {},
        };
        let (outline, observed) = read.map_err(failure)?;
        Ok(Self { outline, observed, reader, clients })
    }

    /// AWS's clock.
    pub fn aws_now(&self) -> jiff::Timestamp {
        super::run::aws_now(&self.clients)
    }

    /// What was sent so far.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.clients.calls().snapshot()
    }
}

async fn read(
    clients: &Clients,
    reader: &Reader,
    scope: &Scope,
    depth: Depth,
    global: &Global,
) -> Result<Result<(Desired, Observed), Vec<ScopeError>>, Failure> {
    check_credentials(clients, global).await?;
    Ok(pass::take_stock(reader, scope, clients.region(), depth).await)
}

/// The cluster or the services do not exist, or could not be listed.
pub fn failure(errors: Vec<ScopeError>) -> Failure {
    let errors = errors.into_iter().map(|error| Error::new(error.message, Some(error.hint))).collect();
    Failure::of_errors(errors, "failed: nothing to read")
}
