//! The same passes through the library, in this process and without a wire, as who embeds Portolan makes them: a look, its plan
//! carried out by the executor with a writer, and the report. Time is virtual, the sandbox's and Tokio's.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::SdkConfig;
use bytes::Bytes;
use clap::Parser;
use http::{Request, Response};
use jiff::Timestamp;
use portolan::apply::{DEFAULT_LIMIT, Outcome, apply};
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::cli::args::{Cli, Form, TraceArgs, Verb};
use portolan::cli::exit::{Exit, Habit};
use portolan::cli::failure::of_problem;
use portolan::manifest::{Source, load};
use portolan::model::{Desired, ObjectRef};
use portolan::pass;
use portolan::plan::{Policy, ScopeError};
use portolan::report::text::{self, Paint};
use portolan::report::{Error, Report, json};
use portolan::sandbox::Shared;
use portolan::trace::{Asked, Verdict, trace};
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Place};
use super::run::Run;
use crate::emulator::InProcess;
use crate::moto::REGION;
use crate::proxy;

type Answer = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// The library, with an AWS that is a function.
pub struct Embedded {
    manifest: String,
    world: Shared,
    answer: Arc<Answer>,
}

impl Place for InProcess {
    type Desk = Embedded;

    fn desk(&self, manifest: &str) -> Embedded {
        let world = self.0.clone();
        Embedded {
            manifest: manifest.to_owned(),
            world: self.0.clone(),
            answer: Arc::new(move |request| world.answer(request)),
        }
    }

    fn refusing(&self, operation: &'static str, manifest: &str) -> Embedded {
        let Embedded { answer, .. } = self.desk(manifest);
        let refusing = move |request: &Request<Bytes>| refusal(request, operation).unwrap_or_else(|| answer(request));
        Embedded { manifest: manifest.to_owned(), world: self.0.clone(), answer: Arc::new(refusing) }
    }
}

/// What AWS says to whom it refuses the operation.
fn refusal(request: &Request<Bytes>, operation: &str) -> Option<Response<Bytes>> {
    // JSON protocols name the operation in a header, query protocols in the body.
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let in_head = target.ends_with(&format!(".{operation}"));
    let in_body = String::from_utf8_lossy(request.body()).contains(&format!("Action={operation}&"));
    (in_head || in_body).then(|| {
        let (code, kind, body) = proxy::refusal(in_head);
        let response = Response::builder().status(code).header("content-type", kind);
        response.body(Bytes::from_static(body.as_bytes())).expect("an answer")
    })
}

/// How a verb ends before there is a report.
type Ended<T> = Result<T, Vec<Error>>;

impl Desk for Embedded {
    fn write(&mut self, manifest: &str) {
        manifest.clone_into(&mut self.manifest);
    }

    async fn portolan(&self, words: &str) -> Run {
        let cli = Cli::try_parse_from(std::iter::once("portolan").chain(words.split_whitespace()));
        let cli = cli.unwrap_or_else(|error| panic!("{error}"));
        let (exit, answer) = self.run(&cli).await.unwrap_or_else(|errors| {
            let answer = if cli.global.form() == Form::Json { json::render_errors(&errors) } else { String::new() };
            (Exit::Error, answer)
        });
        Run::new(exit.code(Habit::Own).into(), answer, String::new())
    }
}

impl Embedded {
    /// An embedder has its own idea of a region; everything else is the emulator's.
    fn config(&self, cli: &Cli) -> SdkConfig {
        let answer = Arc::clone(&self.answer);
        let region = cli.global.region.as_deref().unwrap_or(REGION);
        in_process::config(region, move |request| answer(request))
    }

    async fn run(&self, cli: &Cli) -> Ended<(Exit, String)> {
        let source = Source { name: "fleet.yaml".to_owned(), text: self.manifest.clone(), files: Default::default() };
        let desired = load(&[source]).map_err(|problems| problems.iter().map(of_problem).collect::<Vec<_>>())?;
        let clients = Clients::new(&self.config(cli)).expect("a region");
        let now = self.world.world().now();
        let work = Work { desired, clients, now };
        let (applies, only) = match &cli.verb {
            Verb::Reconcile(args) => (args.yes, args.only.as_slice()),
            Verb::Drift(_) => (false, [].as_slice()),
            Verb::Trace(args) => return work.trace(args).await,
            verb => panic!("no story has {verb:?}"),
        };
        let report = work.pass(&Policy { only: chosen(only), ..Policy::default() }, applies).await?;
        let answer = match cli.global.form() {
            Form::Text => text::render(&report, Paint::Off),
            _ => json::render(&report),
        };
        Ok((Exit::of(report.verdict(), cli.global.strict), answer))
    }
}

fn chosen(only: &[String]) -> Option<BTreeSet<ObjectRef>> {
    let object = |word: &String| {
        let key = word.strip_prefix("targetgroup/").unwrap_or_else(|| panic!("no story chooses {word}"));
        ObjectRef::target_group(key)
    };
    (!only.is_empty()).then(|| only.iter().map(object).collect())
}

fn errors(of_scope: Vec<ScopeError>) -> Vec<Error> {
    of_scope.into_iter().map(|error| Error::new(error.message, Some(error.hint))).collect()
}

/// One run's manifest and clients.
struct Work {
    desired: Desired,
    clients: Clients,
    now: Timestamp,
}

impl Work {
    async fn pass(&self, policy: &Policy, applies: bool) -> Ended<Report> {
        let reader = Reader::new(&self.clients);
        let look = pass::look(&self.desired, &reader, policy, self.now).await.map_err(errors)?;
        let outcome = if applies { Some(self.apply(&look.plan).await) } else { None };
        Ok(look.into_report(&self.desired, outcome, self.clients.calls().snapshot()))
    }

    async fn apply(&self, plan: &portolan::plan::Plan) -> Outcome {
        apply(plan, &Writer::new(&self.clients), DEFAULT_LIMIT, &CancellationToken::new(), |_| {}).await
    }

    async fn trace(&self, args: &TraceArgs) -> Ended<(Exit, String)> {
        let mut names = args.path.iter().flat_map(|path| path.split('/')).map(str::to_owned);
        let asked = Asked { is_manifest: true, service: names.next(), port: names.next(), ..Asked::default() };
        let reader = Reader::new(&self.clients);
        let looked = pass::look_around(&self.desired, &reader, &Policy::default(), self.now).await;
        let look = looked.map_err(errors)?;
        let mut traced = trace(&self.desired, &look.observed, &asked, self.now);
        pass::link(&self.desired, &look.observed, &look.plan, &asked, self.now, &mut traced);
        let gaps = look.observed.gaps.iter().chain(&look.observed.gaps_around).cloned().collect();
        let exit = if traced.verdict() == Verdict::Broken { Exit::Difference } else { Exit::Sound };
        Ok((exit, json::render_trace(&traced, &gaps, self.clients.calls().snapshot())))
    }
}
