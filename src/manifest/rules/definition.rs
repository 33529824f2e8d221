//! A task definition: what AWS refuses of its members together.

mod containers;
mod fargate;
mod ports;
mod volumes;

use serde_json::{Map, Value as Json};

use super::deployment::{check_tag_key, entries, within};
use super::name::{ROLE_HINT, is_role};
use super::{deployment, network};
use crate::manifest::definition::{Content, DefinitionSpec, NAME_HINT, is_name, wrong_family};
use crate::manifest::document::WholeServiceSpec;
use crate::shape::{Kind, size};
use crate::yaml::{At, Node, Position, Problem, Problems, quoted};

const FARGATE: &str = "FARGATE";
/// Most containers of a definition.
const MOST_CONTAINERS: usize = 10;

/// A definition while it is checked: all its members, and where each of them is written.
struct Definition<'d> {
    content: &'d Content,
    at: Position,
    /// Its network mode, as far as the manifest says.
    mode: Option<&'d str>,
    /// It says all: what is left out is left out at AWS too.
    is_whole: bool,
    /// Its tasks run on Fargate, as far as the manifest says.
    on_fargate: bool,
    /// Something in it was reported: what seems absent may not be.
    is_flawed: bool,
}

pub(super) fn check(spec: &At<WholeServiceSpec>, problems: &mut Problems<'_>) {
    let Some(declared) = &spec.task_definition else { return };
    let content = match &declared.value {
        DefinitionSpec::Content(content) => content,
        DefinitionSpec::Reference { .. } => return,
    };
    let hidden = problems.hide_lines(true);
    let members = content.tree.members();
    let of_network = spec.network.as_ref().and_then(|network| network.mode.as_ref()).map(|mode| mode.value.as_str());
    let mode = text(members, "networkMode").or(of_network);
    let requires_fargate = texts(members, "requiresCompatibilities").any(|name| name == FARGATE);
    let on_fargate = requires_fargate || deployment::runs_on_fargate(&spec.members);
    let definition = Definition {
        content,
        at: declared.at,
        mode,
        // What could not be read is not left out.
        is_whole: is_whole(content, spec, on_fargate) && !declared.flawed,
        on_fargate,
        is_flawed: declared.flawed,
    };
    definition.check(spec, problems);
    problems.hide_lines(hidden);
}

/// Whether a definition is more than a change of the running one: it is a file, or it says for all its containers what runs, where,
/// and how much of it.
fn is_whole(content: &Content, spec: &WholeServiceSpec, on_fargate: bool) -> bool {
    let members = content.tree.members();
    let containers = || list(members, "containerDefinitions");
    let has_images = containers().all(|container| text(container, "image").is_some());
    let is_launched = ["launchType", "capacityProviderStrategy"].iter().any(|name| spec.members.node(name).is_some())
        || members.contains_key("requiresCompatibilities");
    // On Fargate the task has the size, and containers may have one in addition.
    let is_sized = ["cpu", "memory"].iter().any(|name| members.contains_key(*name))
        || (!on_fargate && containers().any(|one| one.contains_key("memory") || one.contains_key("memoryReservation")));
    content.file.is_some() || (has_images && is_launched && is_sized)
}

impl<'d> Definition<'d> {
    fn members(&self) -> &'d Map<String, Json> {
        self.content.tree.members()
    }

    fn text(&self, name: &str) -> Option<&'d str> {
        self.members().get(name).and_then(Json::as_str)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'d Map<String, Json>> {
        list(self.members(), name)
    }

    fn containers(&self) -> impl Iterator<Item = &'d Map<String, Json>> {
        self.list("containerDefinitions")
    }

    /// Notes a problem where the manifest or the file has the member that these names lead to, or what is around it. Entries of
    /// lists are found by one of their members.
    fn note(&self, path: &[&str], message: String, hint: Option<String>, problems: &mut Problems<'_>) {
        if let Some(own) = &self.content.own
            && let (depth, at) = deepest(own, path)
            && (depth > 0 || self.content.file.is_none())
        {
            let at = if depth == 0 { self.at } else { at };
            return problems.push_hint(at, message, hint);
        }
        if let Some(file) = &self.content.file {
            let (_, at) = deepest(&file.node, path);
            let (line, column) = (Some(at.line), Some(at.column));
            problems.adopt(vec![Problem {
                file: file.source.name.clone(),
                line,
                column,
                message,
                hint,
                excerpt: None,
            }]);
        }
    }

    fn refuse(&self, path: &[&str], message: impl Into<String>, problems: &mut Problems<'_>) {
        self.note(path, message.into(), None, problems);
    }

    fn refuse_hint(&self, path: &[&str], message: impl Into<String>, hint: &str, problems: &mut Problems<'_>) {
        self.note(path, message.into(), Some(hint.to_owned()), problems);
    }

    fn check(&self, spec: &WholeServiceSpec, problems: &mut Problems<'_>) {
        self.check_names(problems);
        self.check_mode(spec, problems);
        self.check_sizes(problems);
        for tag in self.content.own.iter().flat_map(|own| entries(within(own, "tags"))) {
            check_tag_key(within(tag, "key"), problems);
        }
        containers::check(self, problems);
        ports::check(self, problems);
        volumes::check(self, problems);
        if self.on_fargate {
            fargate::check(self, problems);
        }
        self.check_ports(spec, problems);
        let proxy = block(self.members(), "proxyConfiguration").and_then(|proxy| text(proxy, "containerName"));
        if let Some(proxy) = proxy.filter(|proxy| self.is_whole && !self.containers().any(|one| name_of(one) == *proxy))
        {
            let message = format!("no container is called {}", quoted(proxy));
            self.refuse(&["proxyConfiguration", "containerName"], message, problems);
        }
    }

    fn check_names(&self, problems: &mut Problems<'_>) {
        if let Some(family) = self.text("family").filter(|family| !is_name(family)) {
            let (message, hint) = wrong_family(family);
            self.refuse_hint(&["family"], message, &hint, problems);
        }
        for (list, what) in [("containerDefinitions", "a container"), ("volumes", "a volume")] {
            for name in self.list(list).filter_map(|entry| text(entry, "name")).filter(|name| !is_name(name)) {
                let message = format!("{} is not the name of {what}", quoted(name));
                self.refuse_hint(&[list, name, "name"], message, NAME_HINT, problems);
            }
        }
        for role in ["taskRoleArn", "executionRoleArn"] {
            if let Some(found) = self.text(role).filter(|found| !is_role(found)) {
                let message = format!("{role}: {} is not a role", quoted(found));
                self.refuse_hint(&[role], message, ROLE_HINT, problems);
            }
        }
    }

    fn check_mode(&self, spec: &WholeServiceSpec, problems: &mut Problems<'_>) {
        let declared = spec.network.as_ref().and_then(|network| network.mode.as_ref());
        if let (Some(declared), Some(mode)) = (declared, self.text("networkMode"))
            && declared.value.as_str() != mode
        {
            let message = format!("networkMode is {mode}, and network.mode is {}", declared.value);
            self.refuse_hint(&["networkMode"], message, "write it once, or the same twice", problems);
        }
        let launch = deployment::launch_type(&spec.members);
        let compatible: Vec<&str> = texts(self.members(), "requiresCompatibilities").collect();
        if launch == Some(FARGATE) && !compatible.is_empty() && !compatible.contains(&FARGATE) {
            let message =
                format!("launchType FARGATE needs FARGATE in requiresCompatibilities, found {}", compatible.join(", "));
            self.refuse(&["requiresCompatibilities"], message, problems);
        }
        if let (Some(network), Some(mode @ ("bridge" | "host")), None) =
            (&spec.network, self.text("networkMode"), declared)
        {
            network::check_awsvpc_fields(network, mode, problems);
        }
    }

    fn check_sizes(&self, problems: &mut Problems<'_>) {
        for (name, kind) in [("cpu", Kind::Cpu), ("memory", Kind::Memory)] {
            let Some(whole) = self.members().get(name).and_then(|value| size(&kind, value)) else { continue };
            let of = |container: &Map<String, Json>| {
                let value =
                    container.get(name).or_else(|| container.get("memoryReservation").filter(|_| name == "memory"));
                value.and_then(Json::as_i64).unwrap_or(0)
            };
            let sum: i64 = self.containers().map(of).sum();
            if sum > whole && (name == "memory" || self.on_fargate) {
                let message = format!("the containers need {sum} of {name}, and the task has {whole}");
                self.refuse(&[name], message, problems);
            }
        }
        let is_sized = |container: &Map<String, Json>| {
            container.contains_key("memory") || container.contains_key("memoryReservation")
        };
        if self.is_whole && self.members().get("memory").is_none() && !self.on_fargate {
            for container in self.containers().filter(|container| !is_sized(container)) {
                let name = name_of(container);
                let message = format!(
                    "container {} has neither memory nor memoryReservation, and the task has no memory",
                    quoted(name)
                );
                self.refuse(&["containerDefinitions", name], message, problems);
            }
        }
        if self.containers().count() > MOST_CONTAINERS {
            let message = format!("a task definition has at most {MOST_CONTAINERS} containers");
            self.refuse(&["containerDefinitions"], message, problems);
        }
    }

    /// What the mappings say about ports that the service declares.
    fn check_ports(&self, spec: &WholeServiceSpec, problems: &mut Problems<'_>) {
        for port in spec.ports.iter().flat_map(|ports| &ports.0) {
            let number = port.container_port.0;
            let Some(container) = self.containers().find(|container| name_of(container) == port.container.value) else {
                let names_all = self.is_whole || self.content.removes_others();
                if names_all && !self.is_flawed && self.containers().next().is_some() {
                    let message = format!("the task definition has no container {}", quoted(&port.container));
                    problems.add(port.container.at, message);
                }
                continue;
            };
            let is_its = |mapping: &&Map<String, Json>| {
                mapping.get("containerPort").and_then(Json::as_u64) == Some(u64::from(number))
            };
            let path = ["containerDefinitions", port.container.value.as_str(), "portMappings", &number.to_string()];
            let declared = port.protocol.as_ref().map_or("tcp".to_owned(), |protocol| protocol.value.to_string());
            let mappings = || list(container, "portMappings").filter(is_its);
            // Both protocols of a container port may be mapped.
            let is_declared = |mapping: &&Map<String, Json>| text(mapping, "protocol").unwrap_or("tcp") == declared;
            let Some(mapping) = mappings().find(is_declared).or_else(|| mappings().next()) else { continue };
            let protocol = text(mapping, "protocol").unwrap_or("tcp");
            if protocol != declared {
                let message = format!("port {number} is {protocol} here, and {declared} in ports");
                self.refuse(&[&path[..], &["protocol"]].concat(), message, problems);
            }
            if let (Some(host), Some(wanted)) = (mapping.get("hostPort").and_then(Json::as_u64), &port.host_port)
                && host != u64::from(wanted.0)
            {
                let message = format!("port {number} has host port {host} here, and {} in ports", wanted.0);
                self.refuse(&[&path[..], &["hostPort"]].concat(), message, problems);
            }
            let app_protocol = port.app_protocol.as_ref().map(|protocol| protocol.value.as_str());
            let port_name = port.port_name.as_ref().map(|name| name.0.as_str());
            for (name, field, wanted) in [("appProtocol", "appProtocol", app_protocol), ("name", "portName", port_name)]
            {
                if let (Some(here), Some(wanted)) = (text(mapping, name), wanted)
                    && here != wanted
                {
                    let (here, wanted) = (quoted(here), quoted(wanted));
                    let message = format!("port {number} has {name} {here} here, and {field} {wanted} in ports");
                    self.refuse(&[&path[..], &[name]].concat(), message, problems);
                }
            }
        }
    }
}

/// How far a path leads from a node, and where that is.
fn deepest(node: &Node, path: &[&str]) -> (usize, Position) {
    let (mut here, mut at) = (node, node.at);
    for (depth, name) in path.iter().enumerate() {
        let Some((next, place)) = step(here, name) else { return (depth, at) };
        (here, at) = (next, place);
    }
    (path.len(), at)
}

/// A member by its name, or the entry of a list that has a member with this text.
fn step<'n>(node: &'n Node, name: &str) -> Option<(&'n Node, Position)> {
    if let Some(member) = within(node, name) {
        return Some((member, member.at));
    }
    let has = |entry: &&Node| {
        [
            "name",
            "containerPort",
            "containerPortRange",
            "containerPath",
            "containerName",
            "namespace",
            "sourceContainer",
            "hostPath",
        ]
        .iter()
        .any(|key| super::deployment::text(within(entry, key)) == Some(name))
    };
    entries(Some(node)).iter().find(has).map(|entry| (entry, entry.at))
}

fn text<'j>(members: &'j Map<String, Json>, name: &str) -> Option<&'j str> {
    members.get(name).and_then(Json::as_str)
}

fn texts<'j>(members: &'j Map<String, Json>, name: &str) -> impl Iterator<Item = &'j str> {
    members.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

fn list<'j>(members: &'j Map<String, Json>, name: &str) -> impl Iterator<Item = &'j Map<String, Json>> {
    members.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object)
}

fn block<'j>(members: &'j Map<String, Json>, name: &str) -> Option<&'j Map<String, Json>> {
    members.get(name).and_then(Json::as_object)
}

fn is_true(members: &Map<String, Json>, name: &str) -> bool {
    members.get(name).and_then(Json::as_bool) == Some(true)
}

fn name_of(members: &Map<String, Json>) -> &str {
    text(members, "name").unwrap_or_default()
}
