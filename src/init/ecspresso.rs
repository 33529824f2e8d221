//! A manifest beside the files of ecspresso: it names the task definition, and says in its own words what the service definition
//! says. The files stay as they are, and AWS is not asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::ecspresso::{Configuration, ServiceDefinition};
use crate::manifest::{Problem, Source, load};
use crate::model::arn::last_part;
use crate::model::{ObjectRef, TargetGroupArn};
use crate::plan::Plan;
use crate::shape::SERVICE;
use crate::survey::key::{Keys, sanitized};

use super::page::{Entry, Page, Rendered, Value};
use super::{Document, Written, members, page_of};

/// ecspresso's own default.
const DEFAULT_CLUSTER: &str = "default";

/// One configuration of ecspresso with the files that it names.
#[derive(Clone, Debug)]
pub struct Project {
    /// ecspresso.yml
    pub configuration: Configuration,
    /// The service definition, and its name in problems.
    pub service: Option<(String, ServiceDefinition)>,
    /// The task definition.
    pub task_definition: Option<TaskFile>,
}

/// A file with a task definition.
#[derive(Clone, Debug)]
pub struct TaskFile {
    /// Its path as the manifest names it.
    pub path: String,
    /// Its name in problems.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Project {
    fn definition(&self) -> ServiceDefinition {
        self.service.as_ref().map(|(_, definition)| definition.clone()).unwrap_or_default()
    }

    fn cluster(&self) -> String {
        let of_definition = || self.service.as_ref().and_then(|(_, definition)| definition.cluster.clone());
        let named = self.configuration.cluster.as_ref().map(|cluster| last_part(cluster).to_owned());
        named.or_else(of_definition).unwrap_or_else(|| DEFAULT_CLUSTER.to_owned())
    }

    fn service_name(&self) -> Option<String> {
        let of_definition = || self.service.as_ref().and_then(|(_, definition)| definition.name.clone());
        self.configuration.service.as_ref().map(|name| name.value.clone()).or_else(of_definition)
    }
}

/// The manifest, or everything that is wrong with the files.
pub fn write_beside(projects: &[Project], name: Option<&str>) -> Result<Written, Vec<Problem>> {
    let mut problems = regions(projects);
    let cluster = projects.first().map_or_else(|| DEFAULT_CLUSTER.to_owned(), Project::cluster);
    let fleet = sanitized(name.unwrap_or(&cluster));
    let mut pages = vec![(ObjectRef::fleet(&fleet), fleet_page(projects, &fleet, &cluster), 0)];
    let (mut keys, mut groups) = (Keys::default(), BTreeSet::new());
    for (place, project) in projects.iter().enumerate() {
        let Some(service) = project.service_name() else {
            let message = "names no service, and the service definition has no serviceName";
            problems.push(Problem::of_file(project.configuration.name(), message, Some("write service: NAME")));
            continue;
        };
        let key = keys.of(&[&service, &format!("{}.{service}", project.cluster())]);
        let object = ObjectRef::service(&key);
        let page = service_page(project, &object, &service, &cluster);
        pages.push((object, page, place));
        for wired in project.definition().load_balancers {
            let Some(arn) = wired.target_group.map(|arn| TargetGroupArn::from(arn.as_str())) else { continue };
            let object = ObjectRef::target_group(&sanitized(arn.name()));
            if groups.insert(object.key.clone()) {
                pages.push((object.clone(), target_group_page(&object, arn.name()), place));
            }
        }
    }
    if problems.is_empty() {
        problems.extend(read_back(projects, &pages));
    }
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return Err(problems);
    }
    let documents = pages.into_iter().map(|(object, page, _)| Document {
        object,
        text: page.render().text(),
        is_comment: page.is_comment(),
        files: BTreeMap::new(),
    });
    Ok(Written { documents: documents.collect(), plan: Plan::default(), problems: Vec::new() })
}

/// A fleet is in one region.
fn regions(projects: &[Project]) -> Vec<Problem> {
    let mut regions = projects.iter().filter_map(|project| Some((project, project.configuration.region.as_ref()?)));
    let Some((_, first)) = regions.next() else { return Vec::new() };
    let other = regions.filter(|(_, region)| region.value != first.value);
    let problems = other.map(|(project, region)| {
        let message = format!("region {} differs from {}; a fleet is in one region", region.value, first.value);
        project.configuration.problem(region.at, message, Some("write a manifest for each region"))
    });
    problems.collect()
}

fn fleet_page(projects: &[Project], fleet: &str, cluster: &str) -> Page {
    let names: Vec<&str> = projects.iter().map(|project| project.configuration.name()).collect();
    let notes = vec![format!(
        "Written beside {}: these files stay, and AWS was not asked.\n\
         \n\
         A dry run shows differences from the live state:\n\
         \x20 portolan reconcile -f FILE --dry-run\n\
         To have differences repaired, change mode to enforce, here or first in a single object.",
        names.join(", ")
    )];
    let region = projects.iter().find_map(|project| project.configuration.region.as_ref());
    let mut spec: Vec<Entry> = region.iter().map(|region| Entry::text("region", region)).collect();
    spec.push(Entry::text("cluster", cluster));
    spec.push(Entry::word("mode", "observe").with_note("observe: report differences; enforce: also repair them"));
    spec.push(Entry::word("redeploy", "deny").with_note("deny: no repair starts an ECS deployment"));
    page_of(&ObjectRef::fleet(fleet), notes, spec)
}

fn service_page(project: &Project, object: &ObjectRef, name: &str, fleet_cluster: &str) -> Page {
    let definition = project.definition();
    let mut notes = Vec::new();
    if let Some(timeout) = &project.configuration.timeout {
        notes.push(waiting(timeout));
    }
    if !definition.left_out.is_empty() {
        let names = definition.left_out.join(", ");
        notes.push(format!("Not in this manifest, which has no words for them yet: {names}. They stay as they are."));
    }
    let mut spec = Vec::new();
    if object.key != name {
        spec.push(Entry::text("name", name));
    }
    let cluster = project.cluster();
    if cluster != fleet_cluster {
        spec.push(Entry::text("cluster", &cluster));
    }
    let is_daemon = definition.members.get("schedulingStrategy").and_then(|word| word.as_str()) == Some("DAEMON");
    spec.extend(definition.desired_count.filter(|_| !is_daemon).map(|count| Entry::word("desiredCount", count)));
    spec.extend(network(&definition));
    let rows = SERVICE.members.iter();
    let members = rows.filter_map(|row| Some((row.name, definition.members.get(row.name)?)));
    spec.extend(members.map(|(name, value)| Entry::field(name, members::written_value(value))));
    spec.extend(ports(&definition));
    spec.extend(task_definition(project, &definition));
    page_of(object, notes, spec)
}

/// The same wait as a command of Portolan.
fn waiting(timeout: &str) -> String {
    let same = match seconds(timeout) {
        Some(seconds) if seconds % 60 == 0 => format!("{}m", seconds / 60),
        Some(seconds) => format!("{seconds}s"),
        // Portolan's own default is not the same.
        None => {
            return format!(
                "ecspresso waits {timeout} for a deployment; for Portolan, write `portolan reconcile --wait --timeout TIME`."
            );
        }
    };
    format!("ecspresso waits {timeout} for a deployment; so does `portolan reconcile --wait --timeout {same}`.")
}

/// A duration as Go writes it, such as `10m0s`.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut digits = String::new();
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                digits.push(letter);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total > 0).then_some(total)
}

fn network(definition: &ServiceDefinition) -> Option<Entry> {
    let network = definition.network.as_ref()?;
    let mut fields = vec![Entry::word("mode", "awsvpc")];
    let texts =
        |key: &str, names: &[String]| (!names.is_empty()).then(|| Entry::texts(key, names.iter().map(String::as_str)));
    fields.extend(texts("subnets", &network.subnets));
    fields.extend(texts("securityGroups", &network.security_groups));
    let is_wired = definition.load_balancers.iter().any(|wired| wired.target_group.is_some());
    if let ([first, _, ..], true) = (network.security_groups.as_slice(), is_wired) {
        let note = "the group that gets ingress from load balancers; choose the one that only this service uses";
        fields.push(Entry::text("ingressGroup", first).with_note(note));
    }
    fields.extend(network.assign_public_ip.as_ref().map(|word| Entry::text("assignPublicIp", word)));
    Some(Entry::field("network", Value::Map(fields)))
}

fn ports(definition: &ServiceDefinition) -> Option<Entry> {
    let mut ports: BTreeMap<(&str, u16), BTreeSet<String>> = BTreeMap::new();
    for wired in &definition.load_balancers {
        if let Some(arn) = &wired.target_group {
            let key = sanitized(TargetGroupArn::from(arn.as_str()).name());
            ports.entry((&wired.container, wired.port)).or_default().insert(key);
        }
    }
    let mut keys = Keys::default();
    let item = |((container, port), groups): (&(&str, u16), &BTreeSet<String>)| {
        Entry::item(Value::Map(vec![
            Entry::text("name", &keys.of(&[&format!("{container}-{port}")])),
            Entry::text("container", container),
            Entry::word("containerPort", port),
            Entry::texts("targetGroups", groups.iter().map(String::as_str)),
        ]))
    };
    let items: Vec<Entry> = ports.iter().map(item).collect();
    let classic = definition.load_balancers.iter().filter_map(|wired| wired.classic.as_ref());
    let classic: Vec<String> = classic
        .map(|name| format!("It is also behind the Classic Load Balancer {name}, which Portolan does not handle."))
        .collect();
    match (items.is_empty(), classic.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Entry::note(classic.join("\n"))),
        (false, _) => {
            let mut entry = Entry::field("ports", Value::List(items));
            entry.notes = classic;
            Some(entry)
        }
    }
}

fn task_definition(project: &Project, definition: &ServiceDefinition) -> Option<Entry> {
    if let Some(file) = &project.task_definition {
        return Some(Entry::field("taskDefinition", Value::Map(vec![Entry::text("file", &file.path)])));
    }
    let name = definition.task_definition.as_ref()?;
    // A revision would be held against every later one that is deployed.
    let family = name.split_once(':').map_or(name.as_str(), |(family, _)| family);
    Some(Entry::field("taskDefinition", Value::Map(vec![Entry::text("family", family)])))
}

fn target_group_page(object: &ObjectRef, name: &str) -> Page {
    let mut spec = Vec::new();
    if object.key != name {
        spec.push(Entry::text("name", name));
    }
    page_of(object, Vec::new(), spec)
}

/// What the format does not accept, at its place in the files.
fn read_back(projects: &[Project], pages: &[(ObjectRef, Page, usize)]) -> Vec<Problem> {
    let rendered: Vec<Rendered> = pages.iter().map(|(_, page, _)| page.render()).collect();
    let files = || projects.iter().filter_map(|project| project.task_definition.as_ref());
    let source = |(place, rendered): (usize, &Rendered)| Source {
        name: place.to_string(),
        text: rendered.text(),
        files: files().map(|file| (file.path.clone(), Ok(file.text.clone()))).collect(),
    };
    let sources: Vec<Source> = rendered.iter().enumerate().map(source).collect();
    let Err(problems) = load(&sources) else { return Vec::new() };
    let at_home = |problem: Problem| {
        if let Some(file) = files().find(|file| file.path == problem.file) {
            return Problem { file: file.name.clone(), ..problem };
        }
        let page = problem.file.parse::<usize>().ok().and_then(|place| pages.get(place).zip(rendered.get(place)));
        let Some(((_, page, place), rendered)) = page else { return problem };
        let Some(project) = projects.get(*place) else { return problem };
        let of_file = Problem { excerpt: None, line: None, column: None, ..problem.clone() };
        let path = problem.line.and_then(|line| rendered.owner(line)).unwrap_or_default();
        let member = path.get(..2).and_then(|path| page.root.key_at(path)).map(|key| match key {
            "network" => "networkConfiguration",
            "ports" => "loadBalancers",
            "name" => "serviceName",
            other => other,
        });
        match (&project.service, member) {
            (Some((file, definition)), Some(member)) if member != "taskDefinition" => {
                let place = definition.places.get(member);
                let (line, column) = (place.map(|(line, _)| *line), place.map(|(_, column)| *column));
                Problem { file: file.clone(), line, column, ..of_file }
            }
            _ => Problem { file: project.configuration.name().to_owned(), ..of_file },
        }
    };
    problems.into_iter().map(at_home).collect()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_of_go_are_seconds() {
        assert_eq!([seconds("10m0s"), seconds("1h"), seconds("90s")], [Some(600), Some(3600), Some(90)]);
        assert_eq!([seconds("10"), seconds("soon"), seconds(""), seconds("1.5h")], [None; 4]);
    }
}
