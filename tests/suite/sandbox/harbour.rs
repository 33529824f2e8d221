//! The world of `portolan demo`.

use jiff::SignedDuration;
use portolan::sandbox::{Answered, Sent, World};

use super::fleet::world;

const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");
const WAYS: [&str; 8] = ["cart", "checkout", "catalog", "orders", "search", "payments", "reports", "ledger"];

fn ask(world: &mut World) -> Vec<Answered> {
    WAYS.iter().map(|name| world.request(&Sent::get("shop.example.com", &format!("/{name}/1")))).collect()
}

#[test]
fn every_way_in_is_broken_in_its_own_way_and_stays_so() {
    let mut world = world(WORLD);
    let codes = |world: &mut World| ask(world).into_iter().map(|answered| answered.code).collect::<Vec<_>>();
    let broken = [200, 504, 503, 404, 200, 200, 504, 503].map(Some);
    assert_eq!(codes(&mut world), broken);
    world.advance(SignedDuration::from_hours(24));
    assert_eq!(codes(&mut world), broken);
}

#[test]
fn a_request_tells_the_way_that_it_took() {
    let mut world = world(WORLD);
    let told: Vec<String> = ask(&mut world).iter().take(4).map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}
