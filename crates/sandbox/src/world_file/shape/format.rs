//! World files as a format.

use portolan_yaml::{Format, Limits, nearest};

/// A world of a thousand services takes a mebibyte and a half.
const LIMITS: Limits = Limits {
    bytes: 16 << 20,
    when_too_large: "a world file is read as a whole: leave out what is not asked about",
    nodes: 2_000_000,
    entries: 100_000,
};

/// A world file.
pub struct WorldFile;

impl Format for WorldFile {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn unknown_field(&self, place: &str, field: &str, known: &[&str]) -> Option<String> {
        Some(match nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("{place} has {}", known.join(", ")),
        })
    }

    fn shape(&self, name: &str) -> Option<String> {
        let hint = match name {
            "the world" => "a world file is a mapping, such as {clusters: [prod]}",
            "ingress" | "egress" => "such as [{ports: 80, from: lb}]",
            "a rule of a security group" => "such as {ports: 80, from: lb}",
            "an action" => "such as {forward: cart}, {fixedResponse: 404} or {redirect: HTTPS}",
            "a step of then" => "such as {call: ecs:UpdateService, with: {…}}, {advance: 60} or {app: {…}}",
            "containers" => "such as [{name: app, image: example/app:1, ports: [{port: 8080}]}]",
            "listens" => "such as [{port: 8080, code: 200}]",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn takes_nothing_for_absent(&self) -> bool {
        true
    }
}
