//! Manifests: accepted examples, refused mistakes.

use portolan::manifest::{Source, find_sources, load};

#[test]
fn fargate() {
    let sources: Vec<Source> = find_sources(&["manifests/fargate-alb".to_owned()], false, None).expect("sources");
    match load(&sources) {
        Ok(desired) => assert_eq!(desired.services.len(), 2),
        Err(problems) => panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()),
    }
}
