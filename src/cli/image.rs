//! `--image SERVICE[/CONTAINER]=IMAGE`: the image of a container for this run, where the manifest leaves it to a pipeline.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::failure::Failure;
use crate::manifest::wrong_image;
use crate::model::{Definition, Desired, DesiredService, ObjectRef, OtherContainers};
use crate::report::Error;
use crate::shape::Tree;

const CONTAINERS: &str = "containerDefinitions";
const EXAMPLE: &str = "such as --image checkout=shop:1.5";

/// Sets the images in what shall be. `only` are the objects of this run, if not all; every option that is wrong is reported.
pub fn set(desired: &mut Desired, images: &[String], only: Option<&BTreeSet<ObjectRef>>) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let mut given: BTreeMap<(String, String), (&str, &str)> = BTreeMap::new();
    for text in images {
        match one(desired, text, only) {
            Err(found) => errors.extend(found.into_iter().map(|(why, hint)| {
                let shown: String =
                    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect();
                Error::new(format!("--image {shown}: {why}"), hint)
            })),
            Ok((place, image)) => match given.insert(place, (text, image)) {
                Some((before, other)) if other != image => {
                    let message = format!("--image {before} and --image {text} contradict each other");
                    errors.push(Error::new(message, Some("give each container one image".to_owned())));
                }
                Some(_) | None => {}
            },
        }
    }
    if !errors.is_empty() {
        let headline = match errors.len() {
            1 => "failed: 1 error".to_owned(),
            number => format!("failed: {number} errors"),
        };
        return Err(Failure::of_errors(errors, &headline));
    }
    for ((key, container), (_, image)) in given {
        if let Some(service) = desired.services.get_mut(&key) {
            set_one(service, &container, image);
        }
    }
    Ok(())
}

/// What is wrong with an option, and what to do about it.
type Wrong = (String, Option<String>);

/// The service and the container that an option means, and the image.
fn one<'t>(
    desired: &Desired,
    text: &'t str,
    only: Option<&BTreeSet<ObjectRef>>,
) -> Result<((String, String), &'t str), Vec<Wrong>> {
    let wrong = |why: String, hint: String| vec![(why, Some(hint))];
    let form = || wrong("must have the form SERVICE[/CONTAINER]=IMAGE".to_owned(), EXAMPLE.to_owned());
    let (target, image) = text.split_once('=').filter(|(_, image)| !image.is_empty()).ok_or_else(form)?;
    let target = without_kind(desired, target);
    let (key, container) = target.split_once('/').map_or((target, None), |(key, name)| (key, Some(name)));
    if container == Some("") {
        return Err(form());
    }
    let Some(service) = desired.services.get(key) else {
        let keys = desired.services.keys().take(10).cloned().collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("no service is called {key:?}"), format!("the manifest has {keys}")));
    };
    let object = ObjectRef::service(key);
    if only.is_some_and(|only| !only.contains(&object)) {
        return Err(wrong(
            format!("--only leaves {object} out of this run"),
            format!("add --only service/{key}, or remove this --image"),
        ));
    }
    let bad = wrong_image(image);
    if !bad.is_empty() {
        return Err(bad.into_iter().map(|why| (why, None)).collect());
    }
    let name = meant(service, key, container, image)?;
    check(service, &name, image).map_err(|(why, hint)| wrong(why, hint.to_owned()))?;
    Ok(((key.to_owned(), name), image))
}

/// `Service/KEY` as reports name objects, too.
fn without_kind<'t>(desired: &Desired, target: &'t str) -> &'t str {
    let Some((kind, rest)) = target.split_once('/') else { return target };
    let is_kind = kind.eq_ignore_ascii_case("service") && !desired.services.contains_key(kind);
    if is_kind { rest } else { target }
}

/// The containers that a manifest names, in its task definition or in its ports, each with its image.
fn named(service: &DesiredService) -> BTreeMap<&str, Option<&str>> {
    let of_ports = service.ports.iter().flatten().map(|port| (port.container.as_str(), None));
    let declared = declared(service).filter_map(|container| {
        Some((container.get("name")?.as_str()?, container.get("image").and_then(Value::as_str)))
    });
    of_ports.chain(declared).collect()
}

fn declared(service: &DesiredService) -> impl Iterator<Item = &Value> {
    let list = match &service.task_definition {
        Some(Definition::Content { members, .. }) => members.get(CONTAINERS).and_then(Value::as_array),
        Some(Definition::Reference { .. }) | None => None,
    };
    list.into_iter().flatten()
}

/// Whether a manifest names all containers of its task definition.
fn names_all(service: &DesiredService) -> bool {
    match &service.task_definition {
        Some(Definition::Content { other_containers, .. }) => *other_containers == OtherContainers::Remove,
        Some(Definition::Reference { .. }) | None => false,
    }
}

/// The container that an option means: the one that it names, the only one, or the only one that has no image.
fn meant(service: &DesiredService, key: &str, container: Option<&str>, image: &str) -> Result<String, Vec<Wrong>> {
    let named = named(service);
    let names = || named.keys().copied().collect::<Vec<_>>().join(", ");
    if let Some(name) = container {
        let is_missing = names_all(service) && !declared(service).any(|one| one.get("name") == Some(&json!(name)));
        let why =
            || vec![(format!("the task definition has no container {name:?}"), Some(format!("it has {}", names())))];
        return if is_missing { Err(why()) } else { Ok(name.to_owned()) };
    }
    let without: Vec<&str> = named.iter().filter(|(_, image)| image.is_none()).map(|(name, _)| *name).collect();
    match (named.len(), without.as_slice()) {
        (1, _) => Ok(names()),
        (_, [only]) => Ok((*only).to_owned()),
        _ => {
            let which = if named.is_empty() {
                "which container?".to_owned()
            } else {
                format!("which container? There are {}", names())
            };
            Err(vec![(which, Some(format!("name it: --image {key}/CONTAINER={image}")))])
        }
    }
}

/// Whether the manifest leaves the image of a container to the option.
fn check(service: &DesiredService, name: &str, image: &str) -> Result<(), (String, &'static str)> {
    if let Some(Definition::Reference { family, .. }) = &service.task_definition {
        let why = format!("the manifest refers to the family {family}, of which Portolan registers no revision");
        return Err((why, "remove taskDefinition, or declare what it runs"));
    }
    match named(service).get(name).copied().flatten() {
        Some(written) if written != image => {
            let why = format!("the manifest says {written:?}, and the next run would return to it");
            Err((why, "change the image there, or remove it and leave it to --image"))
        }
        Some(_) | None => Ok(()),
    }
}

fn set_one(service: &mut DesiredService, name: &str, image: &str) {
    let definition = service.task_definition.get_or_insert_with(|| Definition::Content {
        members: Tree::default(),
        other_containers: OtherContainers::Keep,
        images: BTreeMap::new(),
    });
    let Definition::Content { members, images, .. } = definition else { return };
    let declared = members.members_mut().get_mut(CONTAINERS).and_then(Value::as_array_mut);
    let is_it = |container: &&mut Value| container.get("name").and_then(Value::as_str) == Some(name);
    match declared.into_iter().flatten().find(is_it).and_then(Value::as_object_mut) {
        Some(container) => drop(container.insert("image".to_owned(), image.into())),
        None => drop(images.insert(name.to_owned(), image.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::set;
    use crate::manifest::{Source, load};
    use crate::model::{Definition, Desired, ObjectRef};

    fn fleet(spec: &str) -> Desired {
        let text = format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: f}}\nspec: {{mode: observe, cluster: c}}\n---\n\
             apiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: shop}}\nspec: {{{spec}}}\n"
        );
        load(&[Source { name: "-".to_owned(), text, files: Default::default() }]).expect("a sound manifest")
    }

    fn after(spec: &str, image: &str) -> Result<String, String> {
        after_all(spec, &[image])
    }

    /// The members, and the images of containers that they do not name.
    fn after_all(spec: &str, images: &[&str]) -> Result<String, String> {
        let mut desired = fleet(spec);
        let images: Vec<String> = images.iter().map(|image| (*image).to_owned()).collect();
        set(&mut desired, &images, None).map_err(|failure| failure.shown)?;
        match &desired.services["shop"].task_definition {
            Some(Definition::Content { members, images, .. }) => {
                let members = serde_json::Value::Object(members.members().clone());
                Ok(if images.is_empty() { members.to_string() } else { format!("{members} {images:?}") })
            }
            other => Err(format!("{other:?}")),
        }
    }

    const PORTS: &str = "ports: [{name: http, container: app, containerPort: 80}]";

    #[test]
    fn the_container_is_the_only_one_unless_it_is_named() {
        let of_live = r#"{} {"app": "shop:2"}"#;
        assert_eq!(after(PORTS, "shop=shop:2").as_deref(), Ok(of_live));
        assert_eq!(after("", "shop/app=shop:2").as_deref(), Ok(of_live));
        let expected = r#"{"containerDefinitions":[{"image":"shop:2","name":"app"}]}"#;
        assert_eq!(
            after("taskDefinition: {containerDefinitions: [{name: app}]}", "shop=shop:2").as_deref(),
            Ok(expected)
        );
        let two = "taskDefinition: {containerDefinitions: [{name: app}, {name: proxy}]}";
        assert!(after(two, "shop=shop:2").is_err_and(|why| why.contains("which container?")));
    }

    #[test]
    fn an_image_that_the_manifest_writes_is_not_overruled() {
        let written = "taskDefinition: {containerDefinitions: [{name: app, image: \"shop:1\"}]}";
        assert!(after(written, "shop=shop:2").is_err_and(|why| why.contains("the next run would return to it")));
        assert!(after(written, "shop=shop:1").is_ok());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (image, why) in
            [("shop", "form"), ("shop=", "form"), ("store=a:1", "no service"), ("shop=a:1", "which container?")]
        {
            assert!(after("", image).is_err_and(|message| message.contains(why)), "{image}");
        }
        assert!(
            after("taskDefinition: {family: shop}", "shop/app=a:1")
                .is_err_and(|why| why.contains("refers to the family"))
        );
    }

    #[test]
    fn the_only_container_without_an_image_is_meant() {
        let two = "taskDefinition: {containerDefinitions: [{name: app}, {name: proxy, image: \"proxy:1\"}]}";
        assert!(after(two, "shop=shop:2").is_ok_and(|after| after.contains(r#"{"image":"shop:2","name":"app"}"#)));
    }

    #[test]
    fn a_definition_that_names_all_containers_gets_no_other_one() {
        let all = "taskDefinition: {otherContainers: remove, containerDefinitions: [{name: app}]}";
        let why = after(all, "shop/apq=shop:2").expect_err("a slip of the pen");
        assert!(why.contains("no container \"apq\"") && why.contains("it has app"), "{why}");
        // The running revision may have more than an inline definition names.
        let some = "taskDefinition: {containerDefinitions: [{name: app}]}";
        assert!(after(some, "shop/side=side:2").is_ok_and(|after| after.ends_with(r#"{"side": "side:2"}"#)));
    }

    #[test]
    fn an_image_is_checked_as_in_a_manifest() {
        let digest = format!("shop/app=shop@sha256:{}", "A".repeat(64));
        let long = format!("shop/app={}", "x".repeat(256));
        for (image, why) in [
            ("shop/app=shop:${TAG}", "template"),
            ("shop/app=shop:{{ tag }}", "template"),
            ("shop/app=a b", "not the name"),
            ("shop/app=shop:1=2", "not the name"),
            ("shop/app=a:1\n", "not the name"),
            ("shop/app=@sha256:0", "not the name"),
            (&digest, "a digest is"),
            (&long, "at most 255"),
            ("shop/=a:1", "form"),
        ] {
            assert!(after("", image).is_err_and(|message| message.contains(why)), "{image}");
        }
    }

    #[test]
    fn services_are_also_named_as_in_reports() {
        for image in ["Service/shop/app=shop:2", "service/shop/app=shop:2"] {
            assert_eq!(after("", image).as_deref(), Ok(r#"{} {"app": "shop:2"}"#), "{image}");
        }
    }

    #[test]
    fn options_that_contradict_each_other_are_both_named() {
        let why = after_all(PORTS, &["shop=a:1", "shop/app=b:1"]).expect_err("two images");
        assert!(why.contains("--image shop=a:1 and --image shop/app=b:1 contradict each other"), "{why}");
        assert!(after_all(PORTS, &["shop=a:1", "shop/app=a:1"]).is_ok());
    }

    #[test]
    fn all_that_is_wrong_is_reported() {
        let why = after_all("", &["store=a:1", "shop", "shop/app=a b"]).expect_err("three mistakes");
        assert_eq!(why.matches("error: --image").count(), 3, "{why}");
    }

    #[test]
    fn an_image_of_a_service_outside_of_the_run_is_refused() {
        let only = [ObjectRef::service("other")].into();
        let failure = set(&mut fleet(PORTS), &["shop=a:1".to_owned()], Some(&only)).expect_err("it is left out");
        assert!(failure.shown.contains("--only leaves Service/shop out"), "{}", failure.shown);
    }
}
