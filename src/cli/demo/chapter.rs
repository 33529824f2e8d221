//! The chapters of the demonstration: a world, a manifest, and what to say about them.

/// One of them.
#[derive(Debug)]
pub struct Chapter {
    /// The live state.
    pub world: &'static str,
    /// The declared state.
    pub manifest: &'static str,
    /// Where the manifest is in the repository.
    pub path: &'static str,
    /// The ways in, and what is the matter with each.
    pub ways: &'static [(&'static str, &'static str)],
    /// What to know before the requests that follow.
    pub introduction: &'static str,
    /// What is done.
    pub repair: &'static str,
    /// Minutes that go by afterwards.
    pub minutes: i64,
    /// What happens in them.
    pub meanwhile: &'static str,
    /// What a second pass comes to.
    pub second: &'static str,
    /// What a check comes to.
    pub check: &'static str,
}

/// A broken fleet is repaired. Two of the services that answer are no sounder than those that fail.
pub static REPAIR: Chapter = Chapter {
    world: include_str!("world.yaml"),
    manifest: include_str!("../../../manifests/harbour/fleet.yaml"),
    path: "manifests/harbour/fleet.yaml",
    ways: &[
        ("cart", "none: it is as declared"),
        ("checkout", "its security group no longer allows the load balancer"),
        ("catalog", "its desired count was set to 0"),
        ("orders", "its listener rule was edited to /order/*"),
        ("search", "its health check requests another path; the load balancer fails open"),
        ("payments", "a stopped task's address is still registered; it gets no requests yet"),
        ("reports", "the instances' security group does not allow dynamic host ports"),
        ("ledger", "its server was never registered"),
    ],
    introduction: "\
Eight services behind one load balancer, in an in-memory AWS. One is as declared, five fail, and two still answer:
search has no working health check, and the next owner of the stopped task's address would get requests for payments.
",
    repair: "The repair:",
    minutes: 5,
    meanwhile: "tasks have started and health checks have passed:",
    second: "A second pass needs no changes:",
    check: "The check that cron or CI would run agrees:",
};

/// One service is created, one gets a new image, and one gets an image that ECS rolls back.
pub static ROLLOUT: Chapter = Chapter {
    world: include_str!("rollout.yaml"),
    manifest: include_str!("../../../manifests/rollout/fleet.yaml"),
    path: "manifests/rollout/fleet.yaml",
    ways: &[
        ("search", "it does not exist yet"),
        ("web", "none; web:1 runs, and the manifest now says web:2"),
        ("api", "none; api:1 runs, and the manifest now says api:2, which does not start"),
    ],
    introduction: "\
Two services behind one load balancer, in an in-memory AWS. The manifest has a third one, and new images for both. The image
of api is broken.
",
    repair: "The rollout:",
    minutes: 20,
    meanwhile: "search answers, web:2 has replaced web:1, and ECS has rolled back api:2. api:1 kept answering throughout:",
    second: "A second pass says what became of api. It does not try the same again:",
    check: "The check that cron or CI would run says it too, with exit code 1:",
};
