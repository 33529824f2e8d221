//! What a difference means, and what is refused.

use std::fs;

use super::{Folder, all, compose, read, tests};

const MANIFEST: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: prod}
spec: {mode: enforce, redeploy: deny}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 8080}, {name: admin, port: 9000}], subnets: [a, b]}
";

const OBSERVED: &str = "services:
  - {name: shop, taskDefinition: 'shop:7', tasks: [{address: 10.0.0.5}, {address: 10.0.0.6}]}
listeners:
  - {port: 443, rules: [{priority: 10, hosts: [shop.example.com], does: {forward: {shop-http: 1}}}]}
ingress: [{allow: tcp 80}, {allow: tcp 81}]
instances: []
";

/// What `case.yaml` composes on a fleet `web`, or the problems without the path of the file.
fn composed(case: &str) -> Result<Folder, Vec<String>> {
    let home = tempfile::tempdir().expect("a folder");
    let (fleet, folder) = (home.path().join("fleets/web"), home.path().join("one"));
    fs::create_dir_all(&fleet).expect("a folder");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(fleet.join("manifest.yaml"), MANIFEST).expect("a file");
    fs::write(fleet.join("observed.yaml"), OBSERVED).expect("a file");
    fs::write(folder.join("case.yaml"), case).expect("a file");
    let path = format!("{}/case.yaml: ", folder.display());
    read(&folder, &home.path().join("fleets"))
        .map_err(|problems| problems.iter().map(|problem| problem.replace(&path, "")).collect())
}

fn on_web(case: &str) -> Folder {
    composed(&format!("about: a test\nbase: web\n{case}")).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn problems(case: &str) -> Vec<String> {
    composed(&format!("about: a test\nbase: web\n{case}")).expect_err("it is refused")
}

/// Only the lines that differ from the base's.
fn changed(case: &str) -> (Vec<String>, Vec<String>) {
    let (base, new) = (on_web(""), on_web(case));
    let lines = |folder: &Folder| -> Vec<String> {
        let text = folder.manifest.clone() + folder.observed.as_deref().unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    let (before, after) = (lines(&base), lines(&new));
    let only =
        |these: &[String], those: &[String]| these.iter().filter(|line| !those.contains(line)).cloned().collect();
    (only(&before, &after), only(&after, &before))
}

fn is_changed(case: &str, gone: &[&str], new: &[&str]) {
    let (found_gone, found_new) = changed(case);
    assert_eq!(
        (found_gone, found_new),
        (gone.iter().map(ToString::to_string).collect(), new.iter().map(ToString::to_string).collect())
    );
}

#[test]
fn a_base_alone_is_written_out_whole() {
    let folder = on_web("");
    let manifest = "apiVersion: \"portolan.dev/v1alpha1\"
kind: \"Fleet\"
metadata:
  name: \"prod\"
spec:
  mode: \"enforce\"
  redeploy: \"deny\"
---
apiVersion: \"portolan.dev/v1alpha1\"
kind: \"Service\"
metadata:
  name: \"shop\"
spec:
  ports:
    - name: \"http\"
      port: 8080
    - name: \"admin\"
      port: 9000
  subnets: [\"a\", \"b\"]
";
    assert_eq!(folder.manifest, manifest);
    assert_eq!((folder.world, folder.policy, folder.expect), (None, None, None));
}

#[test]
fn a_map_changes_what_it_names() {
    is_changed("manifest: {Fleet: {mode: observe}}", &["mode: \"enforce\""], &["mode: \"observe\""]);
    is_changed("manifest: {Fleet: {account: 1}}", &[], &["account: 1"]);
}

#[test]
fn null_removes() {
    is_changed("manifest: {Fleet: {redeploy: null}}", &["redeploy: \"deny\""], &[]);
    is_changed("manifest: {Service: {shop: {ports: {admin: null}}}}", &["- name: \"admin\"", "port: 9000"], &[]);
}

#[test]
fn items_are_found_by_what_tells_them_apart() {
    is_changed(
        "observed: {listeners: {443: {rules: {10: {hosts: [b]}}}}}",
        &["hosts: [\"shop.example.com\"]"],
        &["hosts: [\"b\"]"],
    );
    is_changed("observed: {services: {shop: {tasks: {10.0.0.6: {status: PENDING}}}}}", &[], &["status: \"PENDING\""]);
}

#[test]
fn a_new_item_comes_last_with_its_name_written_as_the_others_write_theirs() {
    is_changed("observed: {listeners: {443: {rules: {20: {}}}}}", &[], &["- priority: 20"]);
    is_changed(
        "observed: {services: {cart: {taskDefinition: 'cart:1'}}}",
        &[],
        &["- name: \"cart\"", "taskDefinition: \"cart:1\""],
    );
}

#[test]
fn a_list_replaces_the_whole_list() {
    is_changed("manifest: {Service: {shop: {subnets: [c]}}}", &["subnets: [\"a\", \"b\"]"], &["subnets: [\"c\"]"]);
    is_changed("observed: {instances: [{id: i-1}]}", &["instances: []"], &["instances:", "- id: \"i-1\""]);
}

#[test]
fn a_path_is_short_for_maps_and_a_key_that_only_looks_like_one_is_not() {
    let path = "observed: {listeners/443/rules/10: {hosts: [b]}}";
    let maps = "observed: {listeners: {443: {rules: {10: {hosts: [b]}}}}}";
    assert_eq!(on_web(path), on_web(maps));
    assert_eq!(on_web("observed: {listeners: {443/rules: {10/hosts: [b]}}}"), on_web(maps));
    is_changed(
        "manifest: {Fleet: {tags: {portolan.dev/fleet: x, /healthz: y}}}",
        &[],
        &["tags:", "\"portolan.dev/fleet\": \"x\"", "\"/healthz\": \"y\""],
    );
}

#[test]
fn documents_are_added_and_removed_by_kind_and_name() {
    let folder = on_web("manifest: {Service/shop: null, TargetGroup/web: {loadBalancer: public}}");
    assert!(!folder.manifest.contains("kind: \"Service\""), "{}", folder.manifest);
    assert!(
        folder
            .manifest
            .ends_with("kind: \"TargetGroup\"\nmetadata:\n  name: \"web\"\nspec:\n  loadBalancer: \"public\"\n")
    );
}

#[test]
fn whole_words_are_renamed_before_the_difference_is_laid_over() {
    let folder = on_web("rename: {shop: cart, prod: test}\nobserved: {services/cart/desired: 3}");
    let observed = folder.observed.expect("it is composed");
    assert!(
        folder.manifest.contains("name: \"cart\"") && folder.manifest.contains("name: \"test\""),
        "{}",
        folder.manifest
    );
    assert!(observed.contains("\"cart:7\"") && observed.contains("\"cart.example.com\""), "{observed}");
    assert!(observed.contains("shop-http"), "a part of a word stays: {observed}");
    is_changed("rename: {8080: 9090}", &["port: 8080"], &["port: 9090"]);
}

#[test]
fn what_a_case_alone_has_is_taken_as_it_is() {
    let folder = on_web("policy: {passes: 2}\nexpect: {before: null, after: [200, null]}");
    assert_eq!(folder.policy.as_deref(), Some("passes: 2\n"));
    assert_eq!(folder.expect.as_deref(), Some("about: \"a test\"\nbefore: null\nafter: [200, null]\n"));
}

#[test]
fn a_line_that_changes_nothing_is_refused() {
    let told = "is the same in the base, so this line changes nothing";
    assert_eq!(problems("manifest: {Fleet: {mode: enforce}}"), [format!("manifest/Fleet/mode: {told}")]);
    assert_eq!(
        problems("manifest: {Service/shop/subnets: [a, b]}"),
        [format!("manifest/Service/shop/subnets: {told}")]
    );
    assert_eq!(problems("manifest: {Service: {shop: {}}}"), ["manifest/Service/shop: changes nothing"]);
}

#[test]
fn what_the_base_does_not_have_cannot_be_removed() {
    let told = "cannot be removed, because the base does not have it";
    let all = problems("manifest: {Service: {cart: null}, Fleet: {account: null}}\nobserved: {listeners/80: null}");
    assert_eq!(
        all,
        ["manifest/Service/cart", "manifest/Fleet/account", "observed/listeners/80"]
            .map(|place| format!("{place}: {told}"))
    );
    assert_eq!(problems("observed: {services/cart/tasks: null}"), [format!("observed/services/cart/tasks: {told}")]);
}

#[test]
fn a_list_without_names_can_only_be_replaced() {
    let told = "nothing tells the items of this list apart; write the whole list";
    assert_eq!(problems("observed: {ingress: {tcp: null}}"), [format!("observed/ingress: {told}")]);
    assert_eq!(problems("observed: {instances: {i-1: {}}}"), [format!("observed/instances: {told}")]);
    let told = "is a new item of this list, so it must be a map of its fields beside name";
    assert_eq!(problems("observed: {services/cart: 3}"), [format!("observed/services/cart: {told}")]);
}

#[test]
fn words_and_sections_that_the_base_does_not_have_are_refused() {
    assert_eq!(problems("rename: {cart: shop}"), ["rename/cart: is no word of the base"]);
    assert_eq!(problems("world: {seed: 1}"), ["world: base \"web\" has no world.yaml"]);
    let unknown = composed("about: a test\nbase: wbe").expect_err("it is refused");
    assert_eq!(unknown, ["base: there is no fleet \"wbe\"; there are web"]);
    assert!(problems("observe: {}").join("").contains("observe"), "an unknown section");
    assert!(composed("base: web").expect_err("it is refused").join("").contains("about"), "no sentence");
}

/// Whole files stay as they are: their text matters.
#[test]
fn a_folder_of_whole_files_is_read_as_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("manifest.yaml"), MANIFEST).expect("a file");
    let folder = read(home.path(), &tests().join("fleets")).expect("a folder");
    assert_eq!(folder, Folder { manifest: MANIFEST.to_owned(), ..Folder::default() });
}

#[test]
fn a_folder_with_both_is_refused_for_one_of_them_would_be_read_by_nobody() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("case.yaml"), "about: a test\nbase: web\n").expect("a file");
    fs::write(home.path().join("expect.yaml"), "sound: true\n").expect("a file");
    let told = read(home.path(), &tests().join("fleets")).expect_err("it is refused");
    let path = home.path().display();
    assert_eq!(told, [format!("{path}: both case.yaml and expect.yaml; write its content into case.yaml")]);
}

#[test]
fn the_example_of_the_page_is_a_difference_from_its_base() {
    let page = include_str!("../../README.md");
    let (_, example) = page.split_once("```yaml\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let composed = compose(example, &tests().join("fleets")).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(composed.observed.is_some_and(|text| text.contains("gone.example.com")));
}

#[test]
fn every_base_has_a_case_or_a_world() {
    let folders = ["breaking", "cases", "worlds"].into_iter().flat_map(all);
    let cases: Vec<String> = folders.filter_map(|folder| fs::read_to_string(folder.join("case.yaml")).ok()).collect();
    for fleet in all("fleets") {
        let line = format!("\nbase: {}\n", fleet.file_name().unwrap_or_default().to_string_lossy());
        assert!(cases.iter().any(|case| case.contains(&line)), "nothing has the{line}");
    }
}
