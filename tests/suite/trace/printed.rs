//! Every finding that is printed can be looked up: its codes and its name have an entry on the page.

use portolan::trace::Finding;

use super::stage::Stage;
use crate::folder;

/// The title of each entry that a reader of the finding would look for.
fn titles(finding: &Finding) -> Vec<String> {
    let numbered = finding.codes.iter().map(|code| format!("\n### {code} {}\n", code.entry().name));
    if finding.codes.is_empty() { vec![format!("\n### {}\n", finding.name)] } else { numbered.collect() }
}

#[tokio::test(start_paused = true)]
async fn every_printed_finding_has_a_code_and_an_entry_on_the_page() {
    let page = include_str!("../../../docs/trace.md");
    let mut wrong = Vec::new();
    for folder in folder::all("worlds") {
        let stage = Stage::open(&folder).unwrap_or_else(|why| panic!("{why}"));
        let Ok(traced) = stage.trace().await else { continue };
        for finding in traced.paths.iter().flat_map(|path| path.findings()) {
            let missing = titles(finding).into_iter().filter(|title| !page.contains(title.as_str()));
            wrong.extend(missing.map(|title| format!("{}: {title}", folder.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
