//! VPCs of one region may use the same addresses.

use portolan::model::Seen;
use portolan::pass;
use portolan::plan::Policy;
use portolan::sandbox::world_file;
use portolan::trace::{self, Verdict};

use super::stage::{Stage, everything};
use crate::fleet::Fleet;

/// Another VPC of the same range, whose tasks have the same addresses and let nobody in.
const TWIN: &str = "  - name: twin
    cidr: 10.0.0.0/16
    subnets:
      - {name: twin-a, cidr: 10.0.16.0/20, zone: a}
      - {name: twin-b, cidr: 10.0.32.0/20, zone: b}
    securityGroups:
      - {name: shut}
";

#[tokio::test(start_paused = true)]
async fn a_task_is_traced_by_its_own_interface_and_not_by_its_twin_in_another_vpc() {
    let fleet = Fleet::of(4);
    let mut world = fleet.world();
    world.security_groups += TWIN;
    world.services += "  - {name: twins, cluster: prod, taskDefinition: s000, desiredCount: 8, subnets: [twin-a, twin-b], \
                       securityGroups: [shut]}\n";
    let world =
        world_file::load("world.yaml", &format!("{world}settle: 600\n")).unwrap_or_else(|error| panic!("{error}"));
    let stage = Stage::of(world, &fleet.manifest("")).unwrap_or_else(|why| panic!("{why}"));
    let looked = pass::look_around(&stage.desired, &stage.reader, &Policy::default(), stage.now()).await;
    let look = looked.unwrap_or_else(|errors| panic!("{errors:?}"));

    let vpcs = look.observed.vpcs.as_ref().present().expect("the VPCs");
    let main = vpcs.iter().find(|vpc| vpc.name.as_deref() == Some("main")).expect("the VPC of the fleet");
    let subnets = look.observed.subnets.as_ref().present().expect("the subnets");
    let ours: Vec<_> = subnets.iter().filter(|subnet| subnet.vpc == main.id).map(|subnet| &subnet.id).collect();
    assert_eq!(look.observed.interfaces.len(), 8, "two tasks of four services");
    for (address, seen) in &look.observed.interfaces {
        let Seen::Present(interface) = seen else { panic!("{address}: {seen:?}") };
        assert!(ours.contains(&&interface.subnet), "{address}: {interface:?}");
    }
    let traced = trace::trace(&stage.desired, &look.observed, &everything(), stage.now());
    assert_eq!(traced.verdict(), Verdict::Reachable);
}
