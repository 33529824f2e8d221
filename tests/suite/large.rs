//! Planning and tracing large fleets. Not a test of speed: it prints figures, and is left out unless asked for.
//! `LARGE=250,500,1000 cargo test --release --no-default-features --test suite -- --ignored --nocapture large`

#![expect(clippy::print_stdout, reason = "its figures are there to be read")]
#![expect(clippy::disallowed_methods, reason = "who asks for the figures says how large, and they are times")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use portolan::manifest::{self, Source};
use portolan::model::{Desired, Observed};
use portolan::plan::{Policy, plan};
use portolan::trace::{Asked, trace};

use crate::observed::{ObservedFile, build};

/// What differs from the manifest in every service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drift {
    Nothing,
    /// No rule of the listener is there, and its default action serves.
    Rules,
    /// Every rule has another path.
    Conditions,
    /// No port is open.
    Ingress,
    /// Nothing is declared any more but one service, with prune.
    Gone,
}

const DRIFTS: [Drift; 5] = [Drift::Nothing, Drift::Rules, Drift::Conditions, Drift::Ingress, Drift::Gone];

/// So many rules are in every security group besides.
const INGRESS: usize = 60;

fn declared(number: usize, drift: Drift) -> Desired {
    let mut text = "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {name: payments-prod}\nspec: {region: \
                    eu-west-1, account: \"123456789012\", cluster: prod, vpc: main, mode: enforce, redeploy: allow, \
                    removal: {prune: true}}\n"
        .to_owned();
    let number = if drift == Drift::Gone { 1 } else { number };
    for at in 0..number {
        let _ = write!(
            text,
            "---\napiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: s{at}}}\nspec:\n  network: {{mode: \
             awsvpc, subnets: [private-a, private-b], securityGroups: [g{at}]}}\n  ports: [{{name: http, container: app, \
             containerPort: 8080, targetGroups: [s{at}]}}]\n---\napiVersion: portolan.dev/v1alpha1\nkind: \
             TargetGroup\nmetadata: {{name: s{at}}}\nspec:\n  loadBalancer: public\n  protocol: HTTP\n  routes: [{{listener: \
             443, priority: {}, hosts: [s{at}.example.com], paths: [\"/s{at}/*\"]}}]\n",
            at + 1
        );
    }
    manifest::load(&[Source { name: "fleet.yaml".to_owned(), text, files: Default::default() }])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn standing(number: usize, drift: Drift) -> Observed {
    let all = |line: &dyn Fn(usize) -> String| (0..number).map(line).collect::<String>();
    let ingress = |at: usize| -> String {
        let others: Vec<String> =
            (0..INGRESS).map(|port| format!("{{allow: tcp {}, from: 10.9.0.0/16}}", 20_000 + port)).collect();
        let open = if drift == Drift::Ingress { "" } else { "{allow: tcp 8080, from: sg-lb}, " };
        format!("  - {{id: sg-{at}, name: g{at}, ingress: [{open}{}]}}\n", others.join(", "))
    };
    let rule = |at: usize| -> String {
        let path = if drift == Drift::Conditions { "other" } else { "s" };
        format!(
            "          - {{priority: {}, hosts: [s{at}.example.com], paths: [\"/{path}{at}/*\"], does: {{forward: {{s{at}: 1}}}}, \
             mark: {{object: TargetGroup/s{at}}}}}\n",
            at + 1
        )
    };
    let address = |at: usize| format!("10.{}.{}.{}", 1 + at / 60_000, at / 250 % 240, at % 250 + 2);
    let rules = if drift == Drift::Rules { String::new() } else { format!("        rules:\n{}", all(&rule)) };
    let text = format!(
        "securityGroups:\n  - {{id: sg-lb, name: public-lb}}\n{}loadBalancers:\n  - name: public\n    securityGroups: \
         [sg-lb]\n    listeners:\n      - port: 443\n        default: {{forward: {{s0: 1}}}}\n{rules}targetGroups:\n{}taskDefinitions:\n  - \
         {{name: \"app:7\", containers: {{app: [\"8080\"]}}}}\nservices:\n{}",
        all(&ingress),
        all(&|at| format!(
            "  - {{name: s{at}, targets: [\"{}:8080\"], mark: {{object: TargetGroup/s{at}}}}}\n",
            address(at)
        )),
        all(&|at| format!(
            "  - {{name: s{at}, taskDefinition: \"app:7\", securityGroups: [sg-{at}], loadBalancers: [{{targetGroup: s{at}, \
             container: app, port: 8080}}], tasks: [{{address: {}}}]}}\n",
            address(at)
        )),
    );
    let file: ObservedFile = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    build(&file, "payments-prod")
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

#[test]
#[ignore = "prints figures, and fails only where nothing is planned"]
fn large() {
    let sizes = std::env::var("LARGE").unwrap_or_else(|_| "125,250,500".to_owned());
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    for drift in DRIFTS {
        for number in sizes.split(',').map(|size| size.parse().expect("a number")) {
            let (desired, observed) = (declared(number, drift), standing(number, drift));
            let (planned, planning) = timed(|| plan(&desired, &observed, &Policy::default(), now));
            let (traced, tracing) = timed(|| trace(&desired, &observed, &Asked::default(), now));
            println!(
                "{drift:?}, {number} services: {} steps, {} blocked, {} later, planned in {planning:?}; {} paths traced in {tracing:?}",
                planned.steps.len(),
                planned.blocked.len(),
                planned.planned.len(),
                traced.paths.len()
            );
            assert!(!traced.paths.is_empty());
        }
    }
}
