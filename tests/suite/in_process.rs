//! A fleet on the sandbox in this process: the real reader, planner and writer, in one-shot passes and as a service.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Mutex;
use std::time::Duration;

use portolan::apply::{DEFAULT_LIMIT, StepResult, apply};
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::controller::tiers::SHARE;
use portolan::controller::{Controller, Declare, Event, PASS_DEADLINE, Settings};
use portolan::manifest::{self, Problem, Source};
use portolan::model::Desired;
use portolan::pass;
use portolan::plan::{Plan, Policy};
use portolan::sandbox::{Shared, world_file};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A world and the manifest that is declared for it.
pub struct InProcess {
    pub shared: Shared,
    pub desired: Desired,
    pub text: String,
}

/// A manifest that does not change.
struct Fixed(Mutex<String>);

impl Declare for Fixed {
    async fn read(&self) -> Result<Vec<Source>, Vec<Problem>> {
        Ok(vec![Source {
            name: "fleet.yaml".to_owned(),
            text: self.0.lock().unwrap().clone(),
            files: Default::default(),
        }])
    }
}

impl InProcess {
    /// A world whose time follows tokio's, or stands still.
    pub fn new(world: &str, text: String, following: bool) -> Self {
        let world = world_file::load("world.yaml", world).unwrap_or_else(|error| panic!("{error}"));
        let shared = if following { Shared::following(world, 1.0) } else { Shared::still(world) };
        Self { shared, desired: load(&text), text }
    }

    pub fn clients(&self) -> Clients {
        let shared = self.shared.clone();
        Clients::new(&in_process::config("eu-west-1", move |request| shared.answer(request))).unwrap()
    }

    pub fn call(&self, call: &str, input: &Value) -> Value {
        self.shared.world().call(call, input).unwrap_or_else(|refusal| panic!("{call}: {refusal}"))
    }

    /// One pass of which only the first steps are carried out.
    pub async fn pass(&self, most: usize) -> Plan {
        self.pass_under(&Policy::default(), most).await
    }

    /// The same; what serves may go.
    pub async fn pass_with_consent(&self, most: usize) -> Plan {
        self.pass_under(&Policy { prune_serving: true, ..Policy::default() }, most).await
    }

    /// Declares something else.
    pub fn declare(&mut self, text: String) {
        self.desired = load(&text);
        self.text = text;
    }

    /// The same by a policy.
    pub async fn pass_under(&self, policy: &Policy, most: usize) -> Plan {
        let clients = self.clients();
        let now = self.shared.world().now();
        let look = Box::pin(pass::look(&self.desired, &Reader::new(&clients), policy, now)).await;
        let mut plan = look.unwrap().plan;
        plan.steps.truncate(most);
        let stop = CancellationToken::new();
        let outcome = Box::pin(apply(&plan, &Writer::new(&clients), DEFAULT_LIMIT, &stop, |_| {})).await;
        for step in &plan.steps {
            assert_eq!(outcome.results.get(&step.id), Some(&StepResult::Done), "{}", step.summary);
        }
        plan
    }

    /// Runs the service for so many times ten seconds, after each of which `ask` is called. What its passes came to.
    pub async fn run(&self, times: usize, ask: impl Fn()) -> Vec<&'static str> {
        let clients = self.clients();
        let (reader, writer) = (Reader::new(&clients), Writer::new(&clients));
        let manifest = Fixed(Mutex::new(self.text.clone()));
        let settings = Settings { interval: Duration::from_secs(30), deadline: PASS_DEADLINE, share: SHARE, seed: 1 };
        let now = || self.shared.world().now();
        let mut controller = Controller::new(&reader, Some(&writer), &manifest, now, settings, self.desired.clone());
        let (reload, stop) = (Notify::new(), CancellationToken::new());
        let mut words = Vec::new();
        let mut hear = |event: Event<'_>| {
            if let Event::Passed(_, pass) = event {
                words.push(pass.ended.word());
            }
        };
        let requests = async {
            for _ in 0..times {
                tokio::time::sleep(Duration::from_secs(10)).await;
                ask();
            }
            stop.cancel();
        };
        tokio::join!(Box::pin(controller.run(&reload, &stop, &mut hear)), Box::pin(requests));
        words.retain(|word| *word != "interrupted");
        words
    }
}

pub fn load(text: &str) -> Desired {
    let source = Source { name: "fleet.yaml".to_owned(), text: text.to_owned(), files: Default::default() };
    manifest::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}
