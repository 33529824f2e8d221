//! `--image SERVICE[/CONTAINER]=IMAGE`: the image of a container for this run, where the manifest leaves it to a pipeline.

use serde_json::{Value, json};

use super::failure::Failure;
use crate::model::{Definition, Desired, DesiredService, OtherContainers};
use crate::shape::Tree;

/// Sets the images in what shall be.
pub fn set(desired: &mut Desired, images: &[String]) -> Result<(), Failure> {
    for text in images {
        let wrong = |why: String, hint: &str| Failure::new(format!("--image {text}: {why}"), Some(hint.to_owned()));
        let form =
            || wrong("must have the form SERVICE[/CONTAINER]=IMAGE".to_owned(), "such as --image checkout=shop:1.5");
        let (target, image) = text.split_once('=').filter(|(_, image)| !image.is_empty()).ok_or_else(form)?;
        let (key, container) = target.split_once('/').map_or((target, None), |(key, name)| (key, Some(name)));
        let keys = desired.services.keys().take(10).cloned().collect::<Vec<_>>().join(", ");
        let Some(service) = desired.services.get_mut(key) else {
            return Err(wrong(format!("no service is called {key:?}"), &format!("the manifest has {keys}")));
        };
        let name = match container {
            Some(name) => name.to_owned(),
            None => only_container(service).ok_or_else(|| {
                wrong("which container?".to_owned(), &format!("name it: --image {key}/CONTAINER={image}"))
            })?,
        };
        set_one(service, &name, image).map_err(|(why, hint)| wrong(why, hint))?;
    }
    Ok(())
}

/// The one container that a manifest names, in its task definition or in its ports.
fn only_container(service: &DesiredService) -> Option<String> {
    let declared = match &service.task_definition {
        Some(Definition::Content { members, .. }) => members.get("containerDefinitions").and_then(Value::as_array),
        Some(Definition::Reference { .. }) | None => None,
    };
    let declared = declared.into_iter().flatten().filter_map(|container| container.get("name")?.as_str());
    let of_ports = service.ports.iter().flatten().map(|port| port.container.as_str());
    let mut names: Vec<&str> = declared.chain(of_ports).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

fn set_one(service: &mut DesiredService, name: &str, image: &str) -> Result<(), (String, &'static str)> {
    let definition = service.task_definition.get_or_insert_with(|| Definition::Content {
        members: Tree::default(),
        other_containers: OtherContainers::Keep,
    });
    let members = match definition {
        Definition::Content { members, .. } => members,
        Definition::Reference { family, .. } => {
            let why = format!("the manifest refers to the family {family}, of which Portolan registers no revision");
            return Err((why, "remove taskDefinition, or declare what it runs"));
        }
    };
    let containers = members.members_mut().entry("containerDefinitions").or_insert_with(|| json!([]));
    let Some(containers) = containers.as_array_mut() else { return Ok(()) };
    let is_it = |container: &&mut Value| container.get("name").and_then(Value::as_str) == Some(name);
    match containers.iter_mut().find(is_it).and_then(Value::as_object_mut) {
        Some(container) => match container.get("image").and_then(Value::as_str) {
            Some(written) if written != image => {
                let why = format!("the manifest says {written:?}, and the next run would return to it");
                Err((why, "change the image there, or remove it and leave it to --image"))
            }
            Some(_) | None => {
                container.insert("image".to_owned(), image.into());
                Ok(())
            }
        },
        None => {
            containers.push(json!({"name": name, "image": image}));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::set;
    use crate::manifest::{Source, load};
    use crate::model::{Definition, Desired};

    fn fleet(spec: &str) -> Desired {
        let text = format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: f}}\nspec: {{mode: observe, cluster: c}}\n---\n\
             apiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: shop}}\nspec: {{{spec}}}\n"
        );
        load(&[Source { name: "-".to_owned(), text, files: Default::default() }]).expect("a sound manifest")
    }

    fn after(spec: &str, image: &str) -> Result<String, String> {
        let mut desired = fleet(spec);
        set(&mut desired, &[image.to_owned()]).map_err(|failure| failure.shown)?;
        match &desired.services["shop"].task_definition {
            Some(Definition::Content { members, .. }) => {
                Ok(serde_json::Value::Object(members.members().clone()).to_string())
            }
            other => Err(format!("{other:?}")),
        }
    }

    const PORTS: &str = "ports: [{name: http, container: app, containerPort: 80}]";

    #[test]
    fn the_container_is_the_only_one_unless_it_is_named() {
        let expected = r#"{"containerDefinitions":[{"image":"shop:2","name":"app"}]}"#;
        assert_eq!(after(PORTS, "shop=shop:2").as_deref(), Ok(expected));
        assert_eq!(after("", "shop/app=shop:2").as_deref(), Ok(expected));
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
}
