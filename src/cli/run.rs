//! What `reconcile`, `drift` and `run` share: the manifest, the clients, and one look at AWS.

use jiff::Timestamp;

use super::args::{Global, Inputs};
use super::exit::Exit;
use super::failure::{Answer, Failure, show_error};
use super::inputs::Loaded;
use super::profile::{self, Profiles};
use super::progress::{self, Needed};
use super::signals::Signals;
use super::terminal::{Terminal, note};
use super::{environment, form, inputs, only, region};
use crate::apply::Outcome;
use crate::aws::{Clients, Reader, Settings, connect};
use crate::manifest::{self, Source};
use crate::model::{Desired, Fleet};
use crate::pass::{self, Look};
use crate::plan::{Policy, ScopeError};
use crate::report::{Error, Report, locate};

/// One run of a verb against AWS.
pub struct Run<'a> {
    /// The options of every verb.
    pub global: &'a Global,
    /// Where people look.
    pub terminal: Terminal,
    /// Whether to stop.
    pub signals: &'a Signals,
    /// What should be.
    pub desired: Desired,
    /// The files that say so.
    pub sources: Vec<Source>,
    /// How to plan.
    pub policy: Policy,
    /// AWS.
    pub clients: Clients,
    /// The reader of AWS; remembers what never changes.
    pub reader: Reader,
}

/// The clients that the options of every verb ask for. Sends nothing yet.
pub async fn clients(fleet: Option<&Fleet>, global: &Global) -> Result<Clients, Failure> {
    let (profiles, named) = (Profiles::read(), profile::named(global.profile.as_deref()));
    profiles.check(named.as_ref())?;
    let profile = named.as_ref().map_or("default", |named| &named.name);
    let region = match fleet {
        Some(fleet) => region::choose(fleet, global, &profiles, profile)?,
        None => global.region.clone(),
    };
    environment::check_endpoints(global.endpoint_url.as_deref())?;
    let network = environment::network(&profiles, profile)?;
    for source in environment::plain_endpoints(global.endpoint_url.as_deref()) {
        note(&format!(
            "warning: {source} uses plain http to another host: signed requests and answers can be read and changed in transit; \
             use https"
        ));
    }
    let settings = Settings {
        region,
        network,
        profile: global.profile.clone(),
        endpoint_url: global.endpoint_url.clone(),
        assume_role_arn: global.assume_role_arn.clone(),
    };
    let clients = connect(&settings).await.map_err(|error| Failure::new(error.to_string(), None))?;
    region::check(clients.region())?;
    Ok(clients)
}

/// Fetches the credentials before anything is read with them: what is wrong with them is said once, and as what it is.
pub async fn check_credentials(clients: &Clients, global: &Global) -> Result<(), Failure> {
    let Err(cause) = clients.check_credentials().await else { return Ok(()) };
    let (message, hint) = match &global.assume_role_arn {
        Some(role) => (
            format!("cannot assume role {role} (--assume-role-arn): {cause}"),
            "check that the role exists, that its trust policy allows your identity (aws sts get-caller-identity), and that your \
             identity may call sts:AssumeRole",
        ),
        None => (
            format!("no usable AWS credentials: {cause}"),
            "sign in again (for example `aws sso login`), or check --profile, AWS_PROFILE and the environment",
        ),
    };
    Err(Failure::of_errors(vec![Error::new(message, Some(hint.to_owned()))], "failed: no usable AWS credentials"))
}

impl<'a> Run<'a> {
    /// Loads the manifest, settles the region and makes the clients. Sends nothing yet.
    pub async fn open(
        global: &'a Global,
        terminal: Terminal,
        signals: &'a Signals,
        given: &Inputs,
        force: bool,
        chosen: &[String],
    ) -> Result<Self, Failure> {
        inputs::require(given)?;
        let Loaded { desired, sources } = load(given, signals).await?;
        let policy = Policy { force, only: only::parse(chosen, &desired)?, ..Policy::default() };
        let clients = clients(Some(&desired.fleet), global).await?;
        Ok(Self { sources, ..Self::on(clients, global, terminal, signals, desired, policy) })
    }

    /// A run on clients that stand already, with a manifest that no file holds.
    pub fn on(
        clients: Clients,
        global: &'a Global,
        terminal: Terminal,
        signals: &'a Signals,
        desired: Desired,
        policy: Policy,
    ) -> Self {
        let reader = Reader::new(&clients);
        Self { global, terminal, signals, desired, sources: Vec::new(), policy, clients, reader }
    }

    /// Observes and plans, unless a signal comes first: reading can be dropped at any point. What is counted from one run to the
    /// next is counted by AWS's clock, whichever host each of them is on.
    pub async fn look(&self) -> Result<Look, Failure> {
        let needed = Needed::of(&self.desired, false);
        let clock = || aws_now(&self.clients);
        self.unless_stopped(needed, pass::look_by(&self.desired, &self.reader, &self.policy, clock)).await
    }

    /// As [`Self::look`], with the network around every path.
    pub async fn look_around(&self) -> Result<Look, Failure> {
        let needed = Needed::of(&self.desired, true);
        let clock = || aws_now(&self.clients);
        self.unless_stopped(needed, pass::look_around_by(&self.desired, &self.reader, &self.policy, clock)).await
    }

    async fn unless_stopped<T>(
        &self,
        needed: Needed,
        looking: impl Future<Output = Result<T, Vec<ScopeError>>>,
    ) -> Result<T, Failure> {
        self.terminal.progress(&format!("portolan: reading {} …", self.clients.region()));
        let looked = tokio::select! {
            biased;
            () = self.signals.token().cancelled() => {
                return Err(Failure::interrupted(self.signals.exit().unwrap_or(Exit::Interrupted)));
            }
            looked = self.with_credentials(looking) => looked?,
            never = progress::show(self.terminal, needed, self.clients.region(), self.clients.calls()) => match never {},
        };
        looked.map_err(|errors| {
            let errors = errors.into_iter().map(|error| Error::new(error.message, Some(error.hint))).collect();
            Failure::of_errors(errors, "failed: no pass over this fleet was possible")
        })
    }

    async fn with_credentials<T>(&self, looking: impl Future<Output = T>) -> Result<T, Failure> {
        check_credentials(&self.clients, self.global).await?;
        Ok(looking.await)
    }

    /// The report of a pass, with the lines of the manifest for the forms that have them.
    pub fn report(&self, look: Look, outcome: Option<Outcome>) -> Report {
        let mut report = look.into_report(&self.desired, outcome, self.clients.calls().snapshot());
        if !self.global.outputs.has_documents() {
            return report;
        }
        let places = manifest::places(&self.sources);
        report.places = locate(&report.plan, &self.desired, &places);
        report.locate_paths(&self.desired, &places);
        report
    }

    /// The answer of a pass, in the forms that were asked for.
    pub fn answer(&self, report: &Report) -> Answer {
        for error in &report.errors {
            note(&show_error(error));
        }
        let shown = |form, style| form::render(report, form, style);
        let texts = self.global.outputs.render(self.terminal.answer, shown);
        match self.signals.exit() {
            Some(exit) => Answer { texts, headline: Some(format!("interrupted: {}", report.progress())), exit },
            None => Answer {
                texts,
                headline: Some(report.headline()),
                exit: Exit::of(report.verdict(), self.global.strict),
            },
        }
    }
}

/// AWS's clock as its newest answer has it, or this host's.
pub fn aws_now(clients: &Clients) -> Timestamp {
    clients.calls().aws_time().unwrap_or_else(now)
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "cli reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Reads the manifest where a signal still gets through: standard input may never end.
async fn load(given: &Inputs, signals: &Signals) -> Result<Loaded, Failure> {
    let given = given.clone();
    let reading = tokio::task::spawn_blocking(move || inputs::read(&given));
    let read = tokio::select! {
        biased;
        () = signals.token().cancelled() => {
            return Err(Failure::interrupted(signals.exit().unwrap_or(Exit::Interrupted)));
        }
        read = reading => read,
    };
    let read = read.map_err(|error| Failure::new(format!("cannot read the manifest: {error}"), None))?;
    // Not over there: glibc keeps a heap for each thread, and what checking needs for a moment would stay in that one.
    read.and_then(inputs::check).map_err(|problems| Failure::of_problems(&problems))
}
