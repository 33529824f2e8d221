//! The environment of containers goes through the process and must not show.

use std::io::Write;
use std::sync::{Arc, Mutex};

use portolan::apply::{Outputs, Perform};
use portolan::aws::{Reader, Writer};
use portolan::model::Tags;
use portolan::plan::{Action, ServiceBelief};
use tracing_subscriber::fmt::MakeWriter;

use crate::emulator::Emulator;
use crate::moto::Moto;
use crate::moto::seed::{self, SECRET};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_environment_of_containers_is_in_no_log_and_no_value() {
    let moto = Moto::start();
    let fleet = seed::sound_fleet(&moto, &["checkout"]).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("off,portolan=trace")
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // With a single subscriber, tracing lets whatever thread comes first decide for all whether a line is wanted, and
    // the other tests' threads want none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);

    let clients = moto.clients();
    let reader = Reader::new(&clients);
    let observed = portolan::pass::observe(&fleet.desired(), &reader).await;
    let source = fleet.services[0].task_definition.as_str().into();
    let service = fleet.services[0].id();
    let expect = ServiceBelief::of(observed.service(&service).present().expect("it stands"));
    let running = observed.task_definition(&source).present().expect("it is read");
    let (content, tags) = ((*running.content).clone(), Tags::new());
    let (source, expect) = (Some(source), Some(expect));
    let action = Action::RegisterTaskDefinition { service, source, content, tags, expect };
    let done = Writer::new(&clients).perform(&action, &Outputs::new()).await;
    drop(guard);

    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("ecs:DescribeTaskDefinition"), "calls are logged: {written}");
    assert!(written.contains("step done"), "steps are logged: {written}");
    for text in [written, format!("{observed:?}"), format!("{reader:?}"), format!("{done:?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
}
