//! `load` never panics, whatever it is given, and what it refuses it can show.

use proptest::prelude::*;

use super::{examples, load_text, render, yaml_files};

fn manifests() -> Vec<String> {
    let bad = yaml_files("tests/manifests/bad");
    let good = yaml_files("tests/manifests/good");
    let examples = examples().into_iter().flat_map(|example| {
        let listed = std::fs::read_dir(example).expect("an example");
        listed
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
    });
    let mut paths: Vec<_> = bad.into_iter().chain(good).chain(examples).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read_to_string(path).expect("a manifest")).collect()
}

fn check(text: &str) {
    if let Err(problems) = load_text(text) {
        assert!(!problems.is_empty(), "refused without a problem");
        let shown = render(&problems);
        assert!(shown.chars().all(|char| char == '\n' || !char.is_control()), "control characters in {shown:?}");
        for problem in &problems {
            let lines = text.lines().count().max(1) + 1;
            assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem} is beyond line {lines}");
        }
    }
}

/// One small injury.
#[derive(Clone, Debug)]
enum Injury {
    Cut(usize),
    Remove(usize),
    Insert(usize, String),
    RepeatLine(usize),
    SwapLines(usize, usize),
    Indent(usize),
}

impl Injury {
    fn apply(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let lines: Vec<&str> = text.lines().collect();
        let at = |index: &usize, length: usize| index % length.max(1);
        match self {
            Self::Cut(index) => chars[..at(index, chars.len())].iter().collect(),
            Self::Remove(index) => {
                let index = at(index, chars.len());
                chars.iter().enumerate().filter(|(here, _)| *here != index).map(|(_, char)| char).collect()
            }
            Self::Insert(index, insert) => {
                let (before, after) = chars.split_at(at(index, chars.len()));
                before.iter().copied().chain(insert.chars()).chain(after.iter().copied()).collect()
            }
            Self::RepeatLine(index) => {
                let index = at(index, lines.len());
                let repeated = lines.iter().enumerate();
                repeated.map(|(here, line)| line.to_string().repeat(1 + usize::from(here == index)) + "\n").collect()
            }
            Self::SwapLines(first, second) => {
                let mut lines = lines.clone();
                if !lines.is_empty() {
                    lines.swap(at(first, text.lines().count()), at(second, text.lines().count()));
                }
                lines.join("\n")
            }
            Self::Indent(index) => {
                let index = at(index, lines.len());
                let indented = lines.iter().enumerate();
                indented.map(|(here, line)| format!("{}{line}\n", if here == index { "  " } else { "" })).collect()
            }
        }
    }
}

fn injury() -> impl Strategy<Value = Injury> {
    let insert = prop_oneof![
        Just("- ".to_owned()),
        Just(": ".to_owned()),
        Just("\n---\n".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("<<".to_owned()),
        Just("!t ".to_owned()),
        Just("[".to_owned()),
        Just("}".to_owned()),
        Just("\"".to_owned()),
        Just("null".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("0x1F".to_owned()),
        Just("${X}".to_owned()),
        Just("\t".to_owned()),
        "\\PC{1,4}",
        any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        any::<usize>().prop_map(Injury::Cut),
        any::<usize>().prop_map(Injury::Remove),
        (any::<usize>(), insert).prop_map(|(index, text)| Injury::Insert(index, text)),
        any::<usize>().prop_map(Injury::RepeatLine),
        (any::<usize>(), any::<usize>()).prop_map(|(first, second)| Injury::SwapLines(first, second)),
        any::<usize>().prop_map(Injury::Indent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn yaml_like_text(text in "([a-zA-Z-]{0,6}(: |:\n|\n|- |\\[|\\]|\\{|\\}|, |\"|'|&a|\\*a|!!|<<|\\||>|#|%|---|  ){1,3}){0,20}") {
        check(&text);
    }

    #[test]
    fn injured_manifests(which in any::<prop::sample::Index>(), injuries in prop::collection::vec(injury(), 1..6)) {
        let manifests = manifests();
        let mut text = which.get(&manifests).clone();
        for injury in injuries {
            text = injury.apply(&text);
        }
        check(&text);
    }
}
