//! A pass as workflow commands of GitHub Actions: an annotation beside each line of the manifest that something is
//! said of, and the summary as an ordinary line of the log. The heaviest come first, for GitHub shows ten of a kind.

use super::Report;
use super::entry::{Entry, Kind, entries};
use super::text::plain;

/// The commands of a pass, one a line, and the summary as the last line.
pub fn render(report: &Report) -> String {
    let mut text: String = entries(report).iter().map(command).collect();
    text.push_str(&plain(&report.closing()));
    text.push('\n');
    text
}

fn command(entry: &Entry<'_>) -> String {
    let name = match entry.kind {
        Kind::Error | Kind::Pending | Kind::Blocked => "error",
        Kind::NotRead | Kind::BrokenPath => "warning",
        Kind::Deferred | Kind::Finding => "notice",
    };
    let mut properties = Vec::new();
    if let Some(at) = entry.at.filter(|at| at.is_a_file()) {
        properties.push(("file", plain(at.file)));
        properties.extend(at.line.map(|line| ("line", line.to_string())));
        properties.extend(at.column.filter(|_| at.line.is_some()).map(|column| ("col", column.to_string())));
    }
    properties.push(("title", title(entry)));
    let properties: Vec<_> =
        properties.iter().map(|(name, value)| format!("{name}={}", escape_property(value))).collect();
    format!("::{name} {}::{}\n", properties.join(","), escape_data(&entry.lines().join("\n")))
}

/// `Service/checkout: UpdateService`, `TargetGroup/cart: blocked`, `portolan: error`
fn title(entry: &Entry<'_>) -> String {
    let object = if entry.object.is_empty() { "portolan" } else { &entry.object };
    let word = match entry.kind {
        Kind::Error => "error",
        Kind::Pending => entry.operation.unwrap_or("pending"),
        Kind::Blocked => "blocked",
        Kind::NotRead => "not read",
        Kind::BrokenPath => "broken path",
        Kind::Deferred => "deferred",
        Kind::Finding => "note",
    };
    let codes: Vec<&str> = entry.codes.iter().map(String::as_str).collect();
    let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
    plain(&format!("{object}: {word}{codes}"))
}

/// The runner reads a command to the end of its line, and undoes these.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In properties, `:` and `,` have a meaning too.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}
