//! Over the folders of `tests/cases`, and over random worlds.

use portolan::model::Seen;
use proptest::prelude::*;

use crate::cases::{folders, load};
use crate::observed::build;
use crate::properties::world::{self, FLEET};

use super::{enforced, left, read_back, written};

/// What is not in sync by itself in a case, whatever a manifest says: the reason is in the observation.
#[test]
fn every_case_is_written_as_it_stands_and_what_is_left_is_named() {
    let mut shown = String::new();
    for folder in folders() {
        let case = load(&folder);
        if case.observed.services.values().all(|seen| *seen == Seen::Absent) {
            continue;
        }
        let written = written(&case.observed);
        let plan = enforced(read_back(&written.text()), &case.observed);
        assert_eq!(plan, written.plan, "{}", folder.display());
        let left = left(&plan);
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for line in &left {
            shown.push_str(&format!("{name}: {line}\n"));
        }
        if !left.is_empty() {
            assert!(written.text().contains("# Not in sync as it stands"), "{name}\n{}", written.text());
        }
    }
    insta::assert_snapshot!(shown);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sound_world_needs_nothing_of_what_is_written_about_it(spec in world::any_sound_spec()) {
        let observed = build(&spec.observed(), FLEET);
        let written = written(&observed);
        let text = written.text();
        let plan = enforced(read_back(&text), &observed);
        prop_assert_eq!(left(&plan), Vec::<String>::new(), "{}", text);
        prop_assert_eq!(plan.gaps, Vec::new());
    }

    #[test]
    fn whatever_stands_a_manifest_can_be_read_back_and_what_it_would_change_is_named(spec in world::any_spec()) {
        let observed = build(&spec.observed(), FLEET);
        let written = written(&observed);
        let plan = enforced(read_back(&written.text()), &observed);
        prop_assert_eq!(&plan, &written.plan);
        prop_assert!(plan.steps.iter().all(|step| !step.removes || written.text().contains("Not in sync")));
        let documents = written.documents.iter().map(|document| document.object.to_string());
        let mut sorted: Vec<String> = documents.collect();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), written.documents.len(), "each object once");
    }

    #[test]
    fn a_call_that_was_refused_is_named_and_never_read_as_absent(
        spec in world::any_sound_spec(),
        gap in world::any_gap(),
    ) {
        let mut file = spec.observed();
        let call = gap.call.clone();
        file.gaps.push(gap);
        let observed = build(&file, FLEET);
        let written = written(&observed);
        let plan = enforced(read_back(&written.text()), &observed);
        prop_assert!(plan.steps.is_empty(), "{}\n{:#?}", written.text(), plan.steps);
        let named = format!("Not read: {call}");
        prop_assert!(written.text().contains(&named), "{}", written.text());
    }
}
