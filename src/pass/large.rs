//! What matching routes with rules costs on a large listener: counted, not timed.

use crate::model::{Conditions, Rule, Seen, TargetGroupArn};
use crate::plan::{Policy, count, plan};
use crate::trace::fixture::{Stand, forward, listener_arn, listener_rule, paths};

/// A listener of so many routes, each with its rule and a target group of its own; the rules take another path than declared.
fn of_routes(number: usize) -> Stand {
    let mut stand = Stand::sound();
    let (wanted, group) = (stand.wanted().clone(), stand.group().clone());
    let name = |at: usize| format!("shop-{at}");
    let arn = |at: usize| format!("targetgroup/shop-{at}/1");
    let priority = |at: usize| u32::try_from(at + 100).expect("a priority");
    let rules: Vec<Rule> = (0..number)
        .map(|at| listener_rule(priority(at), paths(&[&format!("/old-{at}/*")]), forward(&arn(at))))
        .collect();
    stand.rules().extend(rules);
    for at in 0..number {
        let mut another = wanted.clone();
        (another.key, another.name) = (name(at), name(at));
        for route in another.routes.iter_mut().flatten() {
            route.conditions = Conditions { paths: [format!("/shop-{at}/*")].into(), ..Conditions::default() };
            route.priority = Some(priority(at));
        }
        stand.desired.target_groups.insert(name(at), another);
        stand.port().target_groups.get_or_insert_default().push(name(at));
        let live = crate::model::TargetGroup { arn: TargetGroupArn::from(arn(at)), name: name(at), ..group.clone() };
        if let Seen::Present(all) = &mut stand.observed.target_groups {
            all.push(live);
        }
    }
    stand
}

/// How often a rule is compared with a route while such a fleet is planned, and while its paths are traced.
fn compared(number: usize) -> (usize, usize) {
    let stand = of_routes(number);
    let rules = stand.observed.rules_of(&listener_arn()).present().map_or(0, Vec::len);
    assert_eq!(rules, number + 1);
    let counted = |work: &dyn Fn()| {
        count::COMPARED.set(0);
        work();
        count::COMPARED.get()
    };
    let planned = counted(&|| {
        _ = plan(&stand.desired, &stand.observed, &Policy::default(), "2026-11-20T12:00:00Z".parse().expect("a time"))
    });
    (planned, counted(&|| _ = stand.trace()))
}

#[test]
fn twice_as_many_routes_are_twice_the_comparisons() {
    let ((planned, traced), (planned_twice, traced_twice)) = (compared(40), compared(80));
    assert!(planned > 0 && traced > 0, "{planned} {traced}");
    // And a few of the first route.
    assert!(planned_twice <= 2 * planned + 50, "{planned} comparisons of 40 routes, {planned_twice} of 80");
    assert!(traced_twice <= 2 * traced + 50, "{traced} comparisons of 40 routes, {traced_twice} of 80");
}
