//! The files of ecspresso: its configuration, and the service definition that it names. Their texts are read elsewhere; what has to
//! be rendered first is a problem with the command that renders it.

use std::collections::BTreeMap;

use super::definition_file::check_json;
use super::member;
use super::referenced_file::refusal;
use crate::model::arn::last_part;
use crate::shape::{SERVICE, Tree};
use crate::yaml::{
    self, At, Decode, Entry, Format, Limits, Node, Port, Position, Problem, Problems, Sort, Source, Value, any_text,
    quoted, wrong_type,
};

const LIMITS: Limits =
    Limits { bytes: 1 << 20, when_too_large: "files of ecspresso are smaller", nodes: 100_000, entries: 10_000 };

/// The mark of a template.
const TEMPLATE: &str = "{{";

/// JSON or YAML that ecspresso reads.
struct File {
    language: &'static str,
}

static JSON: File = File { language: "JSON" };
static YAML: File = File { language: "YAML" };

impl Format for File {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn language(&self) -> &'static str {
        self.language
    }

    fn takes_nothing_for_absent(&self) -> bool {
        true
    }
}

fn format_of(name: &str) -> &'static File {
    if name.ends_with(".json") { &JSON } else { &YAML }
}

/// A file of ecspresso, and the command that renders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// ecspresso.yml
    Configuration,
    /// What it names under `service_definition`.
    ServiceDefinition,
    /// What it names under `task_definition`.
    TaskDefinition,
}

impl Part {
    fn hint(self) -> &'static str {
        match self {
            Self::Configuration => "run `ecspresso render config > rendered.yml`, then use that file",
            Self::ServiceDefinition => {
                "run `ecspresso render servicedef > ecs-service-def.rendered.json`, then use that file"
            }
            Self::TaskDefinition => "run `ecspresso render taskdef > ecs-task-def.rendered.json`, then use that file",
        }
    }
}

/// What ecspresso.yml says, as far as a manifest needs it.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Region.
    pub region: Option<At<String>>,
    /// Cluster.
    pub cluster: Option<At<String>>,
    /// Name of the service.
    pub service: Option<At<String>>,
    /// Path of the service definition, beside the configuration.
    pub service_definition: Option<At<String>>,
    /// Path of the task definition, beside the configuration.
    pub task_definition: Option<At<String>>,
    /// How long ecspresso waits, as Go writes durations.
    pub timeout: Option<At<String>>,
    source: Source,
}

impl Configuration {
    /// Its name in problems.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// A problem at a place of it.
    pub fn problem(&self, at: Position, message: impl Into<String>, hint: Option<&str>) -> Problem {
        let sources = std::slice::from_ref(&self.source);
        let mut problems = Problems::new(sources, format_of(&self.source.name));
        problems.push_hint(at, message.into(), hint.map(str::to_owned));
        problems.finish().pop().unwrap_or_else(|| Problem::of_file(self.name(), "", None))
    }

    /// What is wrong with naming such a file, if anything.
    pub fn refusal(&self, part: Part, path: &At<String>) -> Option<Problem> {
        let (message, hint) = refusal(path, part.hint())?;
        Some(self.problem(path.at, message, hint.as_deref()))
    }
}

/// Reads ecspresso.yml; `name` is what problems in it are named after.
pub fn configuration(name: &str, text: &str) -> Result<Configuration, Vec<Problem>> {
    if name.ends_with(".jsonnet") {
        let message = "a program that makes JSON";
        return Err(vec![Problem::of_file(name, message, Some(Part::Configuration.hint()))]);
    }
    let source = Source { name: name.to_owned(), text: text.to_owned(), files: Default::default() };
    let node = parsed(&source, Part::Configuration)?;
    let sources = [source.clone()];
    let mut problems = Problems::new(&sources, format_of(name));
    let Value::Mapping(entries) = &node.value else {
        wrong_type(&node, "the configuration of ecspresso", "a mapping", None, &mut problems);
        return Err(problems.finish());
    };
    let mut text_at = |key: &str| {
        let entry = entries.iter().find(|entry| entry.key == key && !is_nothing(&entry.value))?;
        At::<String>::decode(&entry.value, key, &mut problems)
    };
    let configuration = Configuration {
        region: text_at("region"),
        cluster: text_at("cluster"),
        service: text_at("service"),
        service_definition: text_at("service_definition"),
        task_definition: text_at("task_definition"),
        timeout: text_at("timeout"),
        source,
    };
    if problems.is_empty()
        && configuration.service_definition.is_none()
        && (configuration.service.is_none() || configuration.task_definition.is_none())
    {
        let hint = "this reads a configuration that ecspresso deploys a service with";
        problems.add_hint(node.at, "names no service_definition, so there is no service to manage", hint);
    }
    match problems.is_empty() {
        true => Ok(configuration),
        false => Err(problems.finish()),
    }
}

/// Where a file that ecspresso renders has a template, if it does. ecspresso renders every mark, also in comments and in data.
pub fn template(name: &str, text: &str, part: Part) -> Option<Problem> {
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.contains(TEMPLATE))?;
    let column = line.find(TEMPLATE).map_or(0, |at| line[..at].chars().count());
    let message = "a template: \"{{\" has to be rendered first";
    let problem = Problem::of_file(name, message, Some(part.hint()));
    Some(Problem { line: Some(index + 1), column: Some(column + 1), ..problem })
}

/// A service definition, as far as a manifest has words for it.
#[derive(Clone, Debug, Default)]
pub struct ServiceDefinition {
    /// `serviceName`
    pub name: Option<String>,
    /// `cluster`, or the name in `clusterArn`.
    pub cluster: Option<String>,
    /// `desiredCount`
    pub desired_count: Option<u32>,
    /// `taskDefinition`
    pub task_definition: Option<String>,
    /// `awsvpcConfiguration`
    pub network: Option<AwsvpcDefinition>,
    /// `loadBalancers`
    pub load_balancers: Vec<Wired>,
    /// Members with AWS's names.
    pub members: Tree,
    /// Names of members that are not written.
    pub left_out: Vec<String>,
    /// Where each member is.
    pub places: BTreeMap<String, (usize, usize)>,
}

/// `awsvpcConfiguration`
#[derive(Clone, Debug, Default)]
pub struct AwsvpcDefinition {
    /// `subnets`
    pub subnets: Vec<String>,
    /// `securityGroups`
    pub security_groups: Vec<String>,
    /// `assignPublicIp`
    pub assign_public_ip: Option<String>,
}

/// An entry of `loadBalancers`.
#[derive(Clone, Debug, Default)]
pub struct Wired {
    /// `targetGroupArn`
    pub target_group: Option<String>,
    /// `loadBalancerName`
    pub classic: Option<String>,
    /// `containerName`
    pub container: String,
    /// `containerPort`
    pub port: u16,
}

/// What answers of AWS have beside the service.
const BESIDE: [&str; 2] = ["failures", "ResponseMetadata"];

/// Reads a service definition: plain, wrapped in `service`, or an answer of `aws ecs describe-services` with one service.
pub fn service_definition(name: &str, text: &str) -> Result<ServiceDefinition, Vec<Problem>> {
    let source = Source { name: name.to_owned(), text: text.to_owned(), files: Default::default() };
    let node = parsed(&source, Part::ServiceDefinition)?;
    let sources = [source];
    let mut problems = Problems::new(&sources, format_of(name));
    // Data for a hook may be in it.
    problems.hide_lines(true);
    let definition = unwrapped(&node, &mut problems).map(|entries| definition(entries, node.at, &mut problems));
    match definition {
        Some(definition) if problems.is_empty() => Ok(definition),
        _ => Err(problems.finish()),
    }
}

/// The one document of a text without templates.
fn parsed(source: &Source, part: Part) -> Result<Node, Vec<Problem>> {
    if let Some(problem) = template(&source.name, &source.text, part) {
        return Err(vec![problem]);
    }
    let sources = std::slice::from_ref(source);
    let mut problems = Problems::new(sources, format_of(&source.name));
    problems.hide_lines(part != Part::Configuration);
    if source.name.ends_with(".json") && !check_json(&source.text, &mut problems) {
        return Err(problems.finish());
    }
    let mut read = yaml::read(0, &source.text, &mut problems);
    match (read.documents.pop(), read.documents.is_empty()) {
        (Some(node), true) if problems.is_empty() => return Ok(node),
        (Some(_), false) if problems.is_empty() => problems.add(Default::default(), "several documents, not one"),
        (None, _) if problems.is_empty() => problems.add(Default::default(), "the file is empty"),
        _ => {}
    }
    Err(problems.finish())
}

fn unwrapped<'n>(node: &'n Node, problems: &mut Problems<'_>) -> Option<&'n [Entry]> {
    let Value::Mapping(entries) = &node.value else {
        wrong_type(node, "the service definition", "a mapping", None, problems);
        return None;
    };
    let find = |name: &str| entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
    let inner = match (find("service"), find("services")) {
        (Some(service), _) => service,
        (None, Some(services)) => match &services.value {
            Value::Sequence(all) if all.len() == 1 => all.first()?,
            Value::Sequence(_) | Value::Mapping(_) | Value::Scalar(_) | Value::Broken => {
                problems.add_hint(
                    services.at,
                    "expected one service in services",
                    "keep the one that ecspresso deploys",
                );
                return None;
            }
        },
        (None, None) => return Some(entries),
    };
    match &inner.value {
        Value::Mapping(entries) => Some(entries),
        Value::Sequence(_) | Value::Scalar(_) | Value::Broken => {
            wrong_type(inner, "the service definition", "a mapping", None, problems);
            None
        }
    }
}

fn definition(entries: &[Entry], at: Position, problems: &mut Problems<'_>) -> ServiceDefinition {
    let mut found = ServiceDefinition::default();
    let mut members = Vec::new();
    for entry in entries.iter().filter(|entry| !is_nothing(&entry.value)) {
        found.places.insert(entry.key.clone(), (entry.value.at.line, entry.value.at.column));
        let text = |problems: &mut Problems<'_>| any_text(&entry.value, &entry.key, problems);
        match entry.key.as_str() {
            "serviceName" => found.name = text(problems),
            "cluster" => found.cluster = text(problems).map(|name| last_part(&name).to_owned()),
            "clusterArn" => {
                found.cluster = found.cluster.take().or_else(|| text(problems).map(|arn| last_part(&arn).to_owned()))
            }
            "taskDefinition" => found.task_definition = text(problems).map(|name| last_part(&name).to_owned()),
            "desiredCount" => found.desired_count = count(&entry.value, problems),
            "networkConfiguration" => found.network = network(&entry.value, problems),
            "loadBalancers" => found.load_balancers = load_balancers(&entry.value, problems),
            name if SERVICE.member(name).is_some() => members.push(entry.clone()),
            name if BESIDE.contains(&name) => {}
            name => found.left_out.push(name.to_owned()),
        }
    }
    let node = Node { at, value: Value::Mapping(members) };
    found.members = Tree::new(member::read(&SERVICE, "the service definition", &node, problems).unwrap_or_default());
    found
}

/// Nothing, an empty text, or an empty list: ecspresso takes all of them for absent.
fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.sort() == Sort::Nothing || scalar.text.is_empty(),
        Value::Sequence(nodes) => nodes.is_empty(),
        Value::Mapping(_) | Value::Broken => false,
    }
}

fn count(node: &Node, problems: &mut Problems<'_>) -> Option<u32> {
    let number = match &node.value {
        Value::Scalar(scalar) if scalar.sort() == Sort::Integer => scalar.text.parse().ok(),
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) | Value::Broken => None,
    };
    if number.is_none() {
        wrong_type(node, "desiredCount", "a number", None, problems);
    }
    number
}

fn members<'n>(node: &'n Node, name: &str, problems: &mut Problems<'_>) -> &'n [Entry] {
    match &node.value {
        Value::Mapping(entries) => entries,
        Value::Sequence(_) | Value::Scalar(_) | Value::Broken => {
            wrong_type(node, name, "a mapping", None, problems);
            &[]
        }
    }
}

fn texts(node: &Node, name: &str, problems: &mut Problems<'_>) -> Vec<String> {
    match &node.value {
        Value::Sequence(nodes) => nodes.iter().filter_map(|node| any_text(node, name, problems)).collect(),
        Value::Mapping(_) | Value::Scalar(_) | Value::Broken => {
            wrong_type(node, name, "a list", None, problems);
            Vec::new()
        }
    }
}

fn network(node: &Node, problems: &mut Problems<'_>) -> Option<AwsvpcDefinition> {
    let outer = members(node, "networkConfiguration", problems);
    let inner = outer.iter().find(|entry| entry.key == "awsvpcConfiguration" && !is_nothing(&entry.value))?;
    let mut network = AwsvpcDefinition::default();
    for entry in members(&inner.value, "awsvpcConfiguration", problems).iter().filter(|entry| !is_nothing(&entry.value))
    {
        match entry.key.as_str() {
            "subnets" => network.subnets = texts(&entry.value, "subnets", problems),
            "securityGroups" => network.security_groups = texts(&entry.value, "securityGroups", problems),
            "assignPublicIp" => network.assign_public_ip = any_text(&entry.value, "assignPublicIp", problems),
            other => {
                let message = format!("unknown field {} in awsvpcConfiguration", quoted(other));
                problems.add(entry.key_at, message);
            }
        }
    }
    Some(network)
}

fn load_balancers(node: &Node, problems: &mut Problems<'_>) -> Vec<Wired> {
    let Value::Sequence(nodes) = &node.value else {
        wrong_type(node, "loadBalancers", "a list", None, problems);
        return Vec::new();
    };
    nodes.iter().map(|node| wired(node, problems)).collect()
}

fn wired(node: &Node, problems: &mut Problems<'_>) -> Wired {
    let before = problems.len();
    let mut wired = Wired::default();
    for entry in members(node, "loadBalancers", problems).iter().filter(|entry| !is_nothing(&entry.value)) {
        match entry.key.as_str() {
            "targetGroupArn" => wired.target_group = any_text(&entry.value, "targetGroupArn", problems),
            "loadBalancerName" => wired.classic = any_text(&entry.value, "loadBalancerName", problems),
            "containerName" => wired.container = any_text(&entry.value, "containerName", problems).unwrap_or_default(),
            "containerPort" => {
                wired.port = Port::decode(&entry.value, "containerPort", problems).map_or(0, |port| port.to_u16());
            }
            // Of blue/green deployments: read from ECS.
            "advancedConfiguration" => {}
            other => problems.add(entry.key_at, format!("unknown field {} in loadBalancers", quoted(other))),
        }
    }
    if problems.len() == before && (wired.container.is_empty() || wired.port == 0) {
        problems.add(node.at, "an entry of loadBalancers needs containerName and containerPort");
    }
    wired
}
