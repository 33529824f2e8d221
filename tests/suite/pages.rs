//! The README and the pages say what is true: commands parse, what is shown is what comes out, policies allow what is
//! called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use portolan::cli::args::Cli;
use portolan::model::Operation;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let list = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut found: Vec<_> = list.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    found.sort();
    found
}

/// Lines that start with `$ ` in the code blocks of a page.
fn commands(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

#[test]
fn every_shown_command_is_one_that_portolan_takes() {
    let deploy = fs::read_dir(root().join("docs/deploy")).expect("a folder").flatten();
    let deploy = deploy.filter(|entry| entry.path().is_dir()).map(|entry| entry.path().join("README.md"));
    let pages = ["README.md", "localstack/README.md"].map(|page| root().join(page)).into_iter();
    let pages = pages.chain(files("docs", "md")).chain(deploy.filter(|page| page.exists()));
    let mut seen = 0;
    for page in pages {
        for command in commands(&read(&page)) {
            // Only the last command of a pipe or list is portolan's to parse when it comes first.
            let Some(words) = command.strip_prefix("portolan ") else { continue };
            let words = words.split(['|', '>', '&', ';', '#']).next().unwrap_or_default().split_whitespace();
            let parsed = Cli::try_parse_from(["portolan"].into_iter().chain(words));
            let fine = parsed.as_ref().err().is_none_or(|error| !error.use_stderr());
            assert!(
                fine,
                "{}: $ {command}\n{}",
                page.display(),
                parsed.err().map(|e| e.to_string()).unwrap_or_default()
            );
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} commands are shown");
}

/// The operations of a service that the sandbox serves, off its table of them.
fn served(tree: &str) -> BTreeSet<String> {
    let text = read(&root().join(format!("crates/sandbox/src/{tree}.rs")));
    let rows = text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => "));
    let rows = rows.filter(|(_, what)| ["Read(", "Write(", "Session("].iter().any(|kind| what.contains(kind)));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_page_about_the_sandbox_lists_what_it_serves() {
    let page = read(&root().join("docs/sandbox.md"));
    for (title, tree) in [
        ("ECS", "ecs"),
        ("Elastic Load Balancing", "elbv2"),
        ("EC2", "ec2"),
        ("Application Auto Scaling", "autoscaling"),
        ("STS", "sts"),
    ] {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {title} | ")));
        let row = row.unwrap_or_else(|| panic!("{title} has no row")).trim_end_matches(" |");
        let listed: BTreeSet<String> = row.split(", ").map(str::to_owned).collect();
        assert_eq!(listed, served(tree), "{title}");
    }
}

/// IAM names in a text, such as `ecs:ListTasks`.
fn iam_names(text: &str) -> BTreeSet<String> {
    let prefixes = ["application-autoscaling:", "ec2:", "ecs:", "elasticloadbalancing:", "sqs:", "sts:"];
    let quoted = text.split('"').skip(1).step_by(2);
    let is_name = |word: &&str| {
        let operation = prefixes.iter().find_map(|prefix| word.strip_prefix(prefix));
        operation.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphabetic()))
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn the_policies_allow_what_is_called_and_nothing_else() {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path => {
                    let text = read(&path);
                    // Attributes and character literals hold quotes of their own; names never span lines.
                    found.extend(text.lines().flat_map(iam_names));
                    let is_named = |one: &&Operation| text.contains(&format!("Operation::{one:?}"));
                    let named = Operation::ALL.iter().filter(is_named);
                    found.extend(named.map(|one| one.call().to_owned()));
                }
            }
        }
    }
    let mut called = BTreeSet::new();
    walk(&root().join("src/aws"), &mut called);
    let mut allowed = BTreeSet::new();
    for policy in files("docs/iam", "json") {
        let text = read(&policy);
        serde_json::from_str::<serde_json::Value>(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", policy.display()));
        allowed.extend(iam_names(&text));
    }
    // Marks are written with the call that creates; AWS asks for this as well.
    assert!(allowed.remove("ec2:CreateTags"), "no policy allows ec2:CreateTags");
    // Not actions but condition keys.
    allowed.retain(|name| !name.ends_with(":CreateAction"));
    assert_eq!(called, allowed);
}

/// Plans on a page are those of planning cases, named in a comment above them.
#[test]
fn plans_on_the_page_about_the_command_line_are_what_comes_out() {
    let path = root().join("docs/command-line.md");
    let page = read(&path);
    let mut written = String::new();
    let mut parts = page.split("<!-- case: ");
    written.push_str(parts.next().unwrap_or_default());
    let mut seen = 0;
    for part in parts {
        let (name, rest) = part.split_once(" -->\n```\n").expect("a block after the comment");
        let (_, after) = rest.split_once("```\n").expect("the end of the block");
        let plan = read(&root().join(format!("tests/cases/{name}/plan.txt")));
        let plan = plan.split("\n\nedges:\n").next().unwrap_or_default();
        let plan = plan.rsplit_once("\nverdict: ").map_or(plan, |(plan, _)| plan).trim_end();
        written.push_str(&format!("<!-- case: {name} -->\n```\n{plan}\n```\n{after}"));
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} plans are shown");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &written).expect("the page is written");
    }
    assert_eq!(written, read(&path), "UPDATE_EXPECT=1 writes it");
}

/// Every key of a world file, with the mapping that it belongs to, and whether it must be there: read off the form itself.
fn keys_of_worlds() -> Vec<(String, String, bool)> {
    let shape = root().join("crates/sandbox/src/world_file");
    let files = ["shape.rs", "shape/network.rs", "shape/balancing.rs", "shape/compute.rs"];
    let text: String = files.iter().map(|file| read(&shape.join(file))).collect();
    let (mut mapping, mut keys) = (String::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some((_, rest)) = line.strip_prefix("struct ").and_then(|rest| rest.split_once(" in \"")) {
            mapping = rest.split('"').next().unwrap_or_default().to_owned();
        } else if let Some((key, kind)) = line.split_once(" as \"").and_then(|(_, rest)| rest.split_once("\": ")) {
            keys.push((mapping.clone(), key.to_owned(), kind.starts_with("At<")));
        }
    }
    keys
}

/// Words in code of a text: `{ports: 80, from: lb}` has four.
fn words_in_code(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).flat_map(|code| code.split(|c: char| !c.is_alphanumeric())).collect()
}

#[test]
fn the_page_about_world_files_has_every_key_and_says_which_must_be_there() {
    let page = read(&root().join("docs/sandbox.md"));
    let (_, table) = page.split_once("## World files").expect("its section");
    let keys = keys_of_worlds();
    assert!(keys.len() > 90, "{}", keys.len());
    // The row of a mapping, or of what it is a member of.
    let row = |mapping: &str| {
        let ends = mapping.match_indices('.').map(|(at, _)| at).chain([mapping.len()]);
        let names: Vec<_> = ends.map(|end| format!("| `{}` |", &mapping[..end])).collect();
        table.lines().rfind(|line| names.iter().any(|name| line.starts_with(name)))
    };
    let mut wrong = Vec::new();
    for (mapping, key, is_required) in &keys {
        let row = row(mapping);
        if !words_in_code(row.unwrap_or(table)).contains(key.as_str()) {
            wrong.push(format!("{mapping}: {key} is missing"));
        }
        // A key that stands alone in its code, not within an example.
        let alone = row.filter(|row| row.contains(&format!("`{key}`")));
        if let Some(row) = alone.filter(|row| *is_required && !row.contains(&format!("**`{key}`**"))) {
            wrong.push(format!("{mapping}: {key} is required: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
