//! Over the folders of `tests/cases`, and over random worlds.

use portolan::model::{
    Conditions, Forward, Matcher, Rule, RuleActions, RuleArn, Seen, Serve, Target, TargetHealth, TargetKey, TargetState,
};
use proptest::prelude::*;

use crate::cases::{folders, load};
use crate::observed::build;
use crate::properties::world::{self, FLEET};

use super::{all_options, enforced, left, read_back, reloaded, written, written_with};

/// What is not in sync by itself in a case, whatever a manifest says: the reason is in the observation. Without the sandbox
/// there are fewer cases.
#[cfg(feature = "sandbox")]
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
        for options in all_options() {
            let written = written_with(&case.observed, options);
            let plan = enforced(reloaded(&written), &case.observed);
            assert_eq!(plan, written.plan, "{} {options:?}", folder.display());
            let of_definition = self::left(&plan).into_iter().filter(|line| line.contains("taskDefinition"));
            // A port that the definition does not map is a difference of the ports, whatever form it has.
            let of_definition = of_definition.filter(|line| !line.contains("].portMappings["));
            assert_eq!(of_definition.collect::<Vec<_>>(), [""; 0], "{} {options:?}", folder.display());
        }
        if !left.is_empty() {
            assert!(written.text().contains("# Not in sync: "), "{name}\n{}", written.text());
        }
    }
    insta::assert_snapshot!(shown);
}

/// A world with everything that the format has no words for.
#[test]
fn what_the_format_does_not_take_is_a_comment_at_its_place() {
    let mut observed = load(&folders().into_iter().find(|path| path.ends_with("in-sync")).expect("a case")).observed;
    let Seen::Present(groups) = &mut observed.target_groups else { panic!("target groups") };
    let group = groups.iter_mut().find(|group| group.name == "checkout-http").expect("it stands");
    group.health_check.path = Some("/health z?\u{202e}\n".to_owned());
    group.health_check.matcher = Some(Matcher::Http("200-299".to_owned()));
    let arn = group.arn.clone();
    let key = |id: &str| TargetKey { id: id.to_owned(), port: 80 };
    let health = TargetHealth { state: TargetState::Healthy, reason: None, description: None };
    let Some(Seen::Present(targets)) = observed.targets.get_mut(&arn) else { panic!("targets") };
    for id in ["8.8.8.8", "10.0.40.12"] {
        targets.push(Target { key: key(id), zone: Some("all".to_owned()), health: health.clone() });
    }
    for rules in observed.rules.values_mut() {
        let Seen::Present(rules) = rules else { continue };
        let own = rules.iter().find(|rule| rule.actions.serve == Serve::Forward(Forward::to(arn.clone())));
        let Some(own) = own.cloned() else { continue };
        let other = |number: u32, conditions: Conditions, serve: Serve| Rule {
            arn: RuleArn::from(format!("{}{number}", own.arn)),
            priority: number,
            conditions,
            actions: RuleActions { serve, ..own.actions.clone() },
            transforms: own.transforms.clone(),
            tags: own.tags.clone(),
        };
        let paths = |paths: &[&str]| Conditions {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            ..Conditions::default()
        };
        let here = || Serve::Forward(Forward::to(arn.clone()));
        let regex =
            Conditions { unsayable: vec!["path-pattern by regular expression ^/v[0-9]+\n".into()], ..paths(&[]) };
        let half = Forward { weights: [(arn.clone(), 1), ("arn:x:targetgroup/other/1".into(), 1)].into() };
        rules.extend([
            other(901, regex, here()),
            other(902, paths(&["/a", "/b", "/c", "/d", "/e", "/f"]), here()),
            other(903, paths(&["no slash: *"]), here()),
            other(904, paths(&["/half"]), Serve::Forward(half)),
            other(905, paths(&["/fine"]), here()),
        ]);
    }
    let written = written(&observed);
    read_back(&written.text());
    insta::assert_snapshot!(written.text());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sound_world_needs_nothing_of_what_is_written_about_it(
        spec in world::any_sound_spec(),
        options in proptest::sample::select(all_options()),
    ) {
        let observed = build(&spec.observed(), FLEET);
        let written = written(&observed);
        let text = written.text();
        let plan = enforced(read_back(&text), &observed);
        prop_assert_eq!(left(&plan), Vec::<String>::new(), "{}", text);
        prop_assert_eq!(plan.gaps, Vec::new());
        let written = written_with(&observed, options);
        let plan = enforced(reloaded(&written), &observed);
        prop_assert_eq!(left(&plan), Vec::<String>::new(), "{:?}\n{}", options, written.text());
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
        let named = format!("Could not be read: {call}");
        prop_assert!(written.text().contains(&named), "{}", written.text());
    }
}
