//! The world of `portolan demo`.

use portolan::sandbox::{Sent, World, world_file};

const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

fn world() -> World {
    world_file::load("world.yaml", WORLD).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn seven_of_eight_ways_in_are_broken_each_in_its_own_way() {
    let mut world = world();
    for line in world.trace() {
        println!("{line}");
    }
    for name in ["cart", "checkout", "catalog", "orders", "search", "payments", "reports", "ledger"] {
        println!("{name}: {}", world.request(&Sent::get("shop.example.com", &format!("/{name}/1"))));
    }
}
