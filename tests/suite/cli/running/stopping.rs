//! How the service stops while AWS keeps it waiting.

use super::{MANIFEST, Service, WORLD};
use crate::emulator::{OverHttp, Served};
use crate::proxy::{Held, Proxy};

/// The broken harbour, in which an operation waits for the test.
fn harbour(operation: &'static str) -> (Served, Proxy, Held) {
    let aws = Served::serve(portolan::sandbox::world_file::load("world.yaml", WORLD).expect("a world"));
    let (proxy, held) = Proxy::holding(aws.endpoint(), operation);
    (aws, proxy, held)
}

#[test]
fn what_was_sent_is_awaited_and_nothing_else_starts() {
    let (_aws, proxy, held) = harbour("ModifyTargetGroup");
    let mut service = Service::on(proxy.endpoint(), MANIFEST, &["--log-format", "json"]);
    held.wait();
    service.signal("-TERM");
    service.wait_for("portolan: stopping");
    held.release();
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    let done = said.lines().find(|line| line.contains("\"message\":\"done\"") && line.contains("ModifyTargetGroup"));
    assert!(done.is_some_and(|line| line.contains("\"id\":1")), "{said}");
    assert!(!said.contains("\"message\":\"sending\""), "{said}");
    assert!(said.ends_with("portolan: stopped (exit 143)\n"), "{said}");
}

#[test]
fn a_second_signal_does_not_wait() {
    let (_aws, proxy, held) = harbour("ModifyTargetGroup");
    let mut service = Service::on(proxy.endpoint(), MANIFEST, &[]);
    held.wait();
    service.signal("-TERM");
    service.wait_for("portolan: stopping");
    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.ends_with("portolan: interrupted: the outcome of the last call is unknown (exit 143)\n"), "{said}");
    drop(held);
}

#[test]
fn a_call_that_never_returns_ends_by_its_time_limits_and_then_the_service() {
    let (_aws, proxy, held) = harbour("ModifyTargetGroup");
    let service = Service::on(proxy.endpoint(), MANIFEST, &[]);
    held.wait();
    service.signal("-INT");
    let (said, code) = service.end();
    assert_eq!(code, Some(130), "{said}");
    let failed = said.lines().find(|line| line.contains("ModifyTargetGroup") && line.contains("Timeout"));
    assert!(failed.is_some(), "{said}");
    assert!(said.ends_with("portolan: stopped (exit 130)\n"), "{said}");
    drop(held);
}

#[test]
fn reading_is_given_up_at_once() {
    let (_aws, proxy, held) = harbour("DescribeServices");
    let service = Service::on(proxy.endpoint(), MANIFEST, &[]);
    held.wait();
    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("pass interrupted") && !said.contains("read failed"), "{said}");
    drop(held);
}
