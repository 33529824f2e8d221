//! Where in a text secrets may be: lines there are not repeated in problems.

use super::format::{Format, nearest};

/// Shorter names are too near to others.
const SHORTEST_SLIP: usize = 8;

/// Whether part of a line, up to a column, may hold a secret: a block in brackets begins there that may hold some, or a nested one
/// that has no name of the format.
pub(super) fn is_in_line(format: &dyn Format, line: &str, until: usize) -> bool {
    let end = line.char_indices().nth(until).map_or(line.len(), |(at, _)| at);
    let shown = &line[..end];
    keys(shown).any(|(key, rest)| {
        let inside = rest.trim_start().strip_prefix(['{', '[']).map(str::trim_start);
        let may_be = |inside: &str| is_secret(format, key) || (!format.is_name(key) && inside.contains('{'));
        inside.is_some_and(|inside| !inside.starts_with(['}', ']']) && may_be(inside))
    })
}

/// For each line, whether its document has begun a block that may hold secrets, on that line or above.
pub(super) fn lines_below(format: &dyn Format, text: &str) -> Vec<bool> {
    let mut below = false;
    let line = |line: &str| {
        below = (below && !line.starts_with("---")) || keys(line).any(|(key, _)| is_secret(format, key));
        below
    };
    text.lines().map(line).collect()
}

/// The name of such a block, or nearly.
fn is_secret(format: &dyn Format, key: &str) -> bool {
    let is_it = |name: &&str| name.eq_ignore_ascii_case(key);
    let long = format.secret_blocks().iter().copied().filter(|name| name.len() >= SHORTEST_SLIP);
    format.secret_blocks().iter().any(is_it) || nearest(key, long).is_some()
}

/// Words before a colon, each with what follows the colon.
fn keys(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices(':').filter_map(|(at, _)| {
        let before = line[..at].trim_end_matches([' ', '"', '\'']);
        let start = before.rfind(|char: char| !char.is_alphanumeric() && !"_-.".contains(char));
        let start = start.map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let key = &before[start..];
        (!key.is_empty()).then_some((key, &line[at + 1..]))
    })
}
