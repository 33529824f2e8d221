//! Can one request satisfy two sets of conditions? Errs on the side of yes.

use std::collections::BTreeSet;

use crate::model::Conditions;

/// Whether some request may match both. Only hosts, paths and methods are told apart; everything else overlaps.
pub(super) fn may_overlap(a: &Conditions, b: &Conditions) -> bool {
    if a.is_parked() || b.is_parked() {
        return false;
    }
    patterns_meet(&a.hosts, &b.hosts) && patterns_meet(&a.paths, &b.paths) && sets_meet(&a.methods, &b.methods)
}

/// An empty set is no condition.
fn sets_meet(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    a.is_empty() || b.is_empty() || a.intersection(b).next().is_some()
}

fn patterns_meet(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| globs_meet(a, b)))
}

/// Whether some text matches both patterns (`*` any text, `?` one character).
///
/// Walks the product of both patterns row by row: `row[j]` says whether the first `i` characters of `a` and the
/// first `j` of `b` can match the same text.
fn globs_meet(a: &str, b: &str) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<bool> = vec![true];
    row.extend(b.iter().scan(true, |all_stars, c| {
        *all_stars &= *c == '*';
        Some(*all_stars)
    }));
    for x in &a {
        let mut next = vec![*x == '*' && row[0]];
        for (j, y) in b.iter().enumerate() {
            let stretches = (*x == '*' || *y == '*') && (row[j + 1] || next[j]);
            let agrees = (*x == *y || *x == '?' || *y == '?' || *x == '*' || *y == '*') && row[j];
            next.push(stretches || agrees);
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_one_text_fits_both() {
        for (a, b, meet) in [
            ("/api/*", "/api/v1/*", true),
            ("/api/*", "/web/*", false),
            ("*", "/anything", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "example.com", false),
            ("/img/*", "/img", false),
            ("*/x", "/y/*", true),
            ("", "*", true),
            ("", "a", false),
        ] {
            assert_eq!(globs_meet(a, b), meet, "{a} and {b}");
            assert_eq!(globs_meet(b, a), meet, "{b} and {a}");
        }
    }

    #[test]
    fn no_condition_meets_every_condition() {
        let hosts = |host: &str| Conditions { hosts: BTreeSet::from([host.to_owned()]), ..Conditions::default() };
        assert!(may_overlap(&Conditions::default(), &hosts("a.example.com")));
        assert!(!may_overlap(&hosts("a.example.com"), &hosts("b.example.com")));
    }
}
