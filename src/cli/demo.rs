//! `portolan demo`: the whole product in a second, on a broken fleet in an AWS in memory.
//!
//! Nothing here is staged: the same pass, the same reader and writer and the same SDK as ever, only that its requests
//! end in [`crate::sandbox`] instead of a socket.

mod chapter;

use std::fmt::Write;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::args::{DemoArgs, DemoChapter, DemoFile, Global, Output};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::reconcile::carry_out;
use super::run::Run;
use super::sandbox::{bind, listen};
use super::signals::Signals;
use super::terminal::Terminal;
use crate::aws::{Clients, in_process};
use crate::columns::pad;
use crate::manifest::{self, Source};
use crate::plan::Policy;
use crate::report::text::Style;
use crate::report::{Report, json as documents, text};
use crate::sandbox::{Answered, Sent, Shared, World, world_file};

use chapter::Chapter;

/// Shows everything, and serves the broken fleet afterwards if a port is given.
pub async fn demo(args: &DemoArgs, global: &Global, terminal: Terminal, signals: &Signals) -> Result<Answer, Failure> {
    let shown = |text: &str| Answer { texts: text.to_owned().into(), headline: None, exit: Exit::Sound };
    let chapter = match args.chapter {
        DemoChapter::Repair => &chapter::REPAIR,
        DemoChapter::Rollout => &chapter::ROLLOUT,
    };
    match args.print {
        Some(DemoFile::Manifest) => return Ok(shown(chapter.manifest)),
        Some(DemoFile::World) => return Ok(shown(chapter.world)),
        None => {}
    }
    let world = world_file::load("the world of the demonstration", chapter.world)
        .map_err(|error| Failure::new(error.to_string(), None))?;
    // First of all: who asks for a port that is taken is told at once, and not behind a long answer.
    let bound = match args.port {
        Some(port) => Some(bind(port, world.clone(), 1.0).await?),
        None => None,
    };
    let stage = Stage::new(chapter, world, global, terminal, signals)?;
    let answer = stage.play().await?;
    let Some(bound) = bound else { return Ok(answer) };
    super::terminal::answer(&answer.texts.stdout).map_err(|why| Failure::new(why, None))?;
    let print = match args.chapter {
        DemoChapter::Repair => "  portolan demo --print manifest > fleet.yaml",
        DemoChapter::Rollout => "  portolan demo --chapter rollout --print manifest > fleet.yaml",
    };
    terminal.progress("\nTry it yourself on the same fleet, as it was before:");
    terminal.progress(print);
    terminal.progress("  portolan reconcile -f fleet.yaml --dry-run\n");
    listen(bound, terminal, signals).await
}

/// The fleet, the manifest and the run.
struct Stage<'a> {
    chapter: &'static Chapter,
    shared: Shared,
    run: Run<'a>,
}

impl<'a> Stage<'a> {
    fn new(
        chapter: &'static Chapter,
        world: World,
        global: &'a Global,
        terminal: Terminal,
        signals: &'a Signals,
    ) -> Result<Self, Failure> {
        let text = chapter.manifest.to_owned();
        let source = Source { name: chapter.path.to_owned(), text, files: Default::default() };
        let desired = manifest::load(&[source]).map_err(|problems| Failure::of_problems(&problems))?;
        let region = world.region().to_owned();
        let shared = Shared::still(world);
        let answering = shared.clone();
        let config = in_process::config(&region, move |request| answering.answer(request));
        let clients = Clients::new(&config).map_err(|error| Failure::new(error.to_string(), None))?;
        // What happens is told in order on standard output.
        let run = Run::on(clients, global, terminal.hushed(), signals, desired, Policy::default());
        Ok(Self { chapter, shared, run })
    }

    async fn play(&self) -> Result<Answer, Failure> {
        let before = self.ask();
        let dry_run = self.run.report(self.run.look().await?, None);
        let repaired = carry_out(&self.run, self.run.look().await?).await;
        self.shared.world().advance(SignedDuration::from_mins(self.chapter.minutes));
        let after = self.ask();
        let second = carry_out(&self.run, self.run.look().await?).await;
        let drift = self.run.report(self.run.look().await?, None);
        let texts = self.run.global.outputs.render(self.run.terminal.answer, |form, style| match form.output() {
            Output::Text => tell(self.chapter, style, [&before, &after], [&dry_run, &repaired, &second, &drift]),
            Output::Json => document(self.chapter, &before, &[&dry_run, &repaired, &second, &drift], &after),
        });
        let is_mended = after.iter().all(|answered| answered.code == Some(200));
        let exit = if is_mended { Exit::Sound } else { Exit::Error };
        Ok(Answer { texts, headline: None, exit })
    }

    /// A request to each way in.
    fn ask(&self) -> Vec<Answered> {
        let mut world = self.shared.world();
        self.chapter.ways.iter().map(|(name, _)| world.request(&Sent::get("shop.example.com", &way(name)))).collect()
    }
}

/// The whole tour.
fn tell(
    chapter: &Chapter,
    style: Style,
    [before, after]: [&[Answered]; 2],
    [dry_run, repaired, second, drift]: [&Report; 4],
) -> String {
    let Chapter { path, introduction, repair, minutes, meanwhile, second: words_of_second, check, .. } = chapter;
    let Style { paint, width } = style;
    // A tour is read, also where it is kept in a file.
    let style = Style { width: width.or(Style::from(paint).width), paint };
    let mut told = String::new();
    let mut say = |text: &str| {
        // Writing to a text does not fail.
        let _ = writeln!(told, "{text}");
    };
    say(introduction);
    say(&table(chapter, before, true));
    say(&format!("The manifest compared with the live state:\n\n$ portolan reconcile -f {path} --dry-run"));
    say(&text::render(dry_run, style));
    say(&format!("{repair}\n\n$ portolan reconcile -f {path} --yes"));
    say(&results(repaired, paint));
    say(&format!("{minutes} minutes later, {meanwhile}\n"));
    say(&table(chapter, after, false));
    say(&format!("{words_of_second}\n\n$ portolan reconcile -f {path} --yes"));
    say(&text::render(second, style));
    say(&format!("{check}\n\n$ portolan drift -f {path}"));
    told.push_str(&text::render(drift, style));
    told
}

/// A line for each step, as they ended, and the sum.
fn results(report: &Report, paint: text::Paint) -> String {
    let ended = report.outcome.as_ref().map(|outcome| &outcome.results);
    let mut lines = String::new();
    for step in &report.plan.steps {
        if let Some(result) = ended.and_then(|results| results.get(&step.id)) {
            lines.push_str(&text::render_result(step, result, paint));
            lines.push('\n');
        }
    }
    lines + &text::render_summary(report) + "\n"
}

fn way(name: &str) -> String {
    format!("/{name}/1")
}

/// What a client sees, a line for each way in; with what is the matter, before it is mended.
fn table(chapter: &Chapter, answers: &[Answered], with_cause: bool) -> String {
    let mut table = String::new();
    for ((name, cause), answered) in chapter.ways.iter().zip(answers) {
        let request = format!("GET {}", way(name));
        let seen = seen(answered);
        let request = pad(&request, 17);
        let line =
            if with_cause { format!("  {request} {} {cause}", pad(&seen, 25)) } else { format!("  {request} {seen}") };
        table.push_str(&line);
        table.push('\n');
    }
    table
}

/// The code with the words that HTTP has for it.
fn seen(answered: &Answered) -> String {
    match answered.code {
        Some(code @ 200) => format!("{code} OK"),
        Some(code @ 404) => format!("{code} Not Found"),
        Some(code @ 502) => format!("{code} Bad Gateway"),
        Some(code @ 503) => format!("{code} Service Unavailable"),
        Some(code @ 504) => format!("{code} Gateway Timeout"),
        Some(code) => code.to_string(),
        None => "no answer".to_owned(),
    }
}

/// The same for programs, as one document.
fn document(chapter: &Chapter, before: &[Answered], reports: &[&Report; 4], after: &[Answered]) -> String {
    let requests = |answers: &[Answered]| -> Value {
        let request =
            |((name, _), answered): (&(&str, &str), &Answered)| json!({"path": way(name), "code": answered.code});
        chapter.ways.iter().zip(answers).map(request).collect()
    };
    let passes = reports.map(|report| serde_json::from_str::<Value>(&documents::render(report)).unwrap_or_default());
    let [dry_run, reconcile, second, drift] = passes;
    let document = json!({
        "schemaVersion": 1,
        "before": requests(before),
        "dryRun": dry_run,
        "reconcile": reconcile,
        "after": requests(after),
        "second": second,
        "drift": drift,
    });
    format!("{document:#}\n")
}
