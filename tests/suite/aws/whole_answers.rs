//! An answer that is not whole, or never ends, is a failed read: sent again, then a gap, and never less than what there is.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use portolan::aws::{Clients, Reader, in_process};
use portolan::model::{Desired, Observed};
use portolan::sandbox::{Shared, world_file};
use serde_json::json;

use super::script::{self, Script};
use crate::folder::{self, Folder};
use crate::moto::seed::desired;

fn read() -> Folder {
    folder::open_named("worlds/m01-task-group-closed")
}

/// `ecs:ListTasks` and the like, without the prefix.
fn operation(request: &Request<Bytes>) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    }
    let body = std::str::from_utf8(request.body()).unwrap();
    body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap().to_owned()
}

/// One reading, the answers of one operation altered.
async fn observe(of: &str, alter: fn(&[u8], &str) -> Vec<u8>) -> (Clients, Observed) {
    let shared = Shared::still(world_file::load("world.yaml", &read().world.unwrap()).unwrap());
    let region = shared.world().region().to_owned();
    let of = of.to_owned();
    let config = in_process::config(&region, move |request| {
        let response: Response<Bytes> = shared.answer(request);
        let name = operation(request);
        if name == of { response.map(|body| Bytes::from(alter(&body, &name))) } else { response }
    });
    let clients = Clients::new(&config).unwrap();
    let wanted: Desired = desired(&read().manifest);
    let observed = portolan::pass::observe(&wanted, &Reader::new(&clients)).await;
    (clients, observed)
}

fn without_end(body: &[u8], _: &str) -> Vec<u8> {
    body[..body.len() - 1].to_vec()
}

fn first_half(body: &[u8], _: &str) -> Vec<u8> {
    body[..body.len() / 2].to_vec()
}

fn nothing(_: &[u8], _: &str) -> Vec<u8> {
    Vec::new()
}

fn no_members(body: &[u8], operation: &str) -> Vec<u8> {
    let is_json = body.starts_with(b"{");
    let xml = format!("<{operation}Response><{operation}Result/></{operation}Response>");
    if is_json { b"{}".to_vec() } else { xml.into_bytes() }
}

#[tokio::test(start_paused = true)]
async fn every_read_that_is_not_whole_is_sent_again_and_then_a_gap() {
    let (clients, observed) = observe("none", without_end).await;
    assert_eq!(observed.gaps, [].into());
    let calls = clients.calls().snapshot();
    assert!(calls.len() > 15, "{calls:?}");
    for (call, sent) in calls {
        let (_, name) = call.split_once(':').unwrap();
        for alter in [without_end, first_half, nothing, no_members] {
            let (clients, observed) = observe(name, alter).await;
            let gaps: Vec<_> = observed.gaps.iter().filter(|(_, gap)| gap.call == call).collect();
            assert!(!gaps.is_empty(), "{call}: {:?}", observed.gaps);
            assert!(gaps.iter().all(|(_, gap)| gap.why.starts_with("IncompleteAnswer: ")), "{gaps:?}");
            assert!(
                gaps.iter().all(|(_, gap)| gap.why.contains(" the response ") || gap.why.contains(" in the response ")),
                "{gaps:?}"
            );
            let again = clients.calls().snapshot()[&call];
            assert!(again >= 3 && (sent > 1 || again == 3), "{call}: sent {again} times, before {sent}");
        }
    }
}

/// A list of tasks whose pages name these tokens, one after the other.
async fn tasks_with(token: fn(usize) -> String) -> (Script, Vec<String>) {
    let pages = AtomicUsize::new(0);
    let script = Script::new(move |request| match request.operation.as_str() {
        "ListTasks" => {
            let page = pages.fetch_add(1, Ordering::SeqCst);
            script::json(json!({"taskArns": [], "nextToken": token(page)}))
        }
        _ => script::empty(request),
    });
    let observed = portolan::pass::observe(&desired(&read().manifest), &Reader::new(&script.clients())).await;
    let gaps = observed.gaps.iter().filter(|(_, gap)| gap.call == "ecs:ListTasks");
    let why = gaps.map(|(_, gap)| gap.why.clone()).collect();
    (script, why)
}

#[tokio::test(start_paused = true)]
async fn a_list_that_leads_back_to_one_of_its_pages_is_a_gap() {
    for (token, pages) in [((|_| "a".to_owned()) as fn(usize) -> String, 2), (|page| (page % 2).to_string(), 3)] {
        let (script, why) = tasks_with(token).await;
        assert!(why.iter().all(|why| why.contains("the list repeats a page")) && !why.is_empty(), "{why:?}");
        assert_eq!(script.sent("ListTasks").len(), pages);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_is_a_gap() {
    let (script, why) = tasks_with(|page| page.to_string()).await;
    assert!(why.iter().all(|why| why.contains("more than 2000 pages")) && !why.is_empty(), "{why:?}");
    assert_eq!(script.sent("ListTasks").len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_hundreds_of_megabytes_is_a_gap_and_not_asked_again() {
    fn large(_: &[u8], _: &str) -> Vec<u8> {
        vec![b' '; 200 << 20]
    }
    let (clients, observed) = observe("DescribeVpcs", large).await;
    let gap = observed.gaps.iter().find(|(_, gap)| gap.call == "ec2:DescribeVpcs").unwrap();
    assert_eq!(gap.1.why, "EndlessAnswer: the response has more than 32 MB");
    assert_eq!(clients.calls().snapshot()["ec2:DescribeVpcs"], 1);
}
