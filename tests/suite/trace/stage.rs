//! A world of the sandbox with what is declared, read by the real reader through the real SDK.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use portolan::apply::{StepResult, apply};
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::manifest::{self, Source};
use portolan::model::{Desired, Observed};
use portolan::pass::{self, Look};
use portolan::plan::{Plan, Policy};
use portolan::sandbox::{Sent, Shared, World, world_file};
use portolan::trace::{Asked, Trace, trace};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::folder;

/// Requests go round targets and nodes; after so many of them every answer has been seen.
const ROUNDS: usize = 24;

/// What a world's `expect` asks the load balancer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    host: String,
    path: String,
    port: u16,
    load_balancer: Option<String>,
    from: Option<Ipv4Addr>,
    transport: Option<String>,
    private_link: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            host: "www.example.com".to_owned(),
            path: "/".to_owned(),
            port: 80,
            load_balancer: None,
            from: None,
            transport: None,
            private_link: false,
        }
    }
}

/// One code, or those that requests get in turn; null: no answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Codes {
    One(u16),
    Several(Vec<Option<u16>>),
}

impl Codes {
    pub fn set(codes: Option<&Self>) -> BTreeSet<Option<u16>> {
        match codes {
            None => BTreeSet::from([None]),
            Some(Self::One(code)) => BTreeSet::from([Some(*code)]),
            Some(Self::Several(codes)) => codes.iter().copied().collect(),
        }
    }
}

/// What `expect` of a folder says.
pub fn expect<T: DeserializeOwned>(folder: &Path) -> Result<T, String> {
    let text = folder::open(folder).expect.ok_or("it expects nothing")?;
    serde_saphyr::from_str(&text).map_err(|error| format!("expect: {error}"))
}

/// A world with its reader.
pub struct Stage {
    pub shared: Shared,
    pub clients: Clients,
    pub reader: Reader,
    pub desired: Desired,
}

impl Stage {
    /// The world and the manifest of a folder.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let files = folder::open(folder);
        let text = files.world.ok_or("it has no world")?;
        let world = world_file::load("world.yaml", &text).map_err(|error| error.to_string())?;
        Self::of(world, &files.manifest)
    }

    pub fn of(world: World, manifest: &str) -> Result<Self, String> {
        Self::on(Shared::still(world), manifest)
    }

    /// A world whose time is the caller's business.
    pub fn on(shared: Shared, manifest: &str) -> Result<Self, String> {
        let source = Source { name: "manifest.yaml".to_owned(), text: manifest.to_owned(), files: Default::default() };
        let desired = manifest::load(&[source])
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let region = shared.world().region().to_owned();
        let answering = shared.clone();
        let config = in_process::config(&region, move |request| answering.answer(request));
        let clients = Clients::new(&config).map_err(|error| error.to_string())?;
        Ok(Self { reader: Reader::new(&clients), shared, clients, desired })
    }

    pub fn now(&self) -> Timestamp {
        self.shared.world().now()
    }

    pub async fn look(&self, force: bool) -> Result<Look, String> {
        let policy = Policy { force, ..Policy::default() };
        let look = pass::look(&self.desired, &self.reader, &policy, self.now()).await;
        look.map_err(|errors| errors.iter().map(|error| error.message.clone()).collect())
    }

    /// The whole network around, and every path.
    pub async fn trace(&self) -> Result<Trace, String> {
        let looked = pass::look_around(&self.desired, &self.reader, &Policy::default(), self.now()).await;
        let look = looked.map_err(|errors| errors.iter().map(|error| error.message.clone()).collect::<String>())?;
        Ok(trace(&self.desired, &look.observed, &everything(), self.now()))
    }

    /// All that is known once the network around every path was read, too.
    pub async fn around(&self, look: &Look) -> Observed {
        pass::observe_around(&self.desired, &self.reader, look.observed.clone()).await
    }

    /// Carries a plan out; ten minutes later everything has come up.
    pub async fn carry_out(&self, plan: &Plan) -> Result<(), String> {
        let writer = Writer::new(&self.clients);
        let outcome = apply(plan, &writer, NonZeroUsize::MIN, &CancellationToken::new(), |_| {}).await;
        let failed: Vec<String> = outcome.results.iter().map(|(id, result)| format!("{id}: {result:?}")).collect();
        self.shared.world().advance(SignedDuration::from_mins(10));
        let all_done = outcome.results.values().all(|result| *result == StepResult::Done);
        if all_done { Ok(()) } else { Err(failed.join("; ")) }
    }

    /// The answers that requests get in turn.
    pub fn answers(&self, request: &Request) -> BTreeSet<Option<u16>> {
        let mut sent = Sent::get(&request.host, &request.path);
        sent.port = request.port;
        sent.load_balancer.clone_from(&request.load_balancer);
        sent.from = request.from.unwrap_or(sent.from);
        sent.by_udp = request.transport.as_deref() == Some("udp");
        sent.by_private_link = request.private_link;
        let mut world = self.shared.world();
        (0..ROUNDS).map(|_| world.request(&sent).code).collect()
    }
}

pub fn everything() -> Asked {
    Asked { is_manifest: true, ..Asked::default() }
}
