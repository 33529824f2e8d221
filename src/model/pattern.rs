//! Patterns of listener rules as sets of texts: `*` stands for any text, `?` for one character. Whether two patterns have a
//! text in common, and whether one has only texts of others, is decided exactly: by walking both, never by trying texts.

use std::collections::{BTreeSet, VecDeque};

/// Pairs of states that a walk looks at. AWS allows five wildcards in a rule, and then a few thousand are enough; a walk
/// that would need more says that it does not know.
const STATES: usize = 50_000;
/// A character that no pattern has: it stands for all of these.
const OTHER: char = '\u{1}';
/// Characters that no text has. They stand for a `*` and a `?` that mean themselves.
const STAR: &str = "\u{fdd0}";
const QUESTION_MARK: &str = "\u{fdd1}";

/// What a pattern has beside other patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Nothing: every text of it is one of theirs.
    Nothing,
    /// A shortest text of it that is none of theirs.
    Text(String),
    /// The patterns are too many-sided to be compared.
    Undecided,
}

/// Whether a text fits a pattern: `*` stands for any text, `?` for one character.
pub fn matches(pattern: &str, text: &str) -> bool {
    // A path is compared with the patterns of all rules before its own, and nearly all of these are ASCII.
    if pattern.is_ascii() && text.is_ascii() {
        return fits(pattern.as_bytes(), text.as_bytes(), b'*', b'?');
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    fits(&pattern, &text, '*', '?')
}

/// A pattern without wildcards: the text itself.
pub fn is_text(pattern: &str) -> bool {
    !pattern.contains(['*', '?'])
}

/// A pattern for a part of a query string, as the functions of this module take it. Case does not count there, and a
/// backslash takes their meaning from `*` and `?` (ELBv2 `QueryStringConditionConfig`).
pub fn of_query(pattern: &str) -> String {
    pattern.to_lowercase().replace(r"\*", STAR).replace(r"\?", QUESTION_MARK)
}

/// A part of a query string, for patterns of [`of_query`].
pub fn query_text(text: &str) -> String {
    text.to_lowercase().replace('*', STAR).replace('?', QUESTION_MARK)
}

/// As [`matches`], with the symbols that stand for any text and for one character. Goes back to the last star only.
fn fits<T: Copy + PartialEq>(pattern: &[T], text: &[T], any: T, one: T) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(symbol) if *symbol == any => {
                star = Some((at, read));
                at += 1;
            }
            Some(symbol) if *symbol == one || *symbol == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|symbol| *symbol == any)
}

/// Whether some text fits both patterns.
///
/// Walks the product of both patterns row by row: `row[j]` says whether the first `i` characters of `a` and the
/// first `j` of `b` can match the same text.
pub fn meet(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if begin_differently(a.chars(), b.chars()) || begin_differently(a.chars().rev(), b.chars().rev()) {
        return false;
    }
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

/// Whether both have another character before either has a wildcard: most pairs differ there.
fn begin_differently(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> bool {
    let is_wild = |symbol: &char| matches!(symbol, '*' | '?');
    a.zip(b).take_while(|(x, y)| !is_wild(x) && !is_wild(y)).any(|(x, y)| x != y)
}

/// Whether some text fits all patterns; `None` where that would take too long to say.
pub fn all_meet(patterns: &[&str]) -> Option<bool> {
    match walk(patterns, &[]) {
        Outside::Nothing => Some(false),
        Outside::Text(_) => Some(true),
        Outside::Undecided => None,
    }
}

/// What a pattern has beside others: nothing, if each of its texts fits one of them.
pub fn outside<'a>(pattern: &str, others: impl IntoIterator<Item = &'a str>) -> Outside {
    all_outside(&[pattern], others)
}

/// As [`outside`], of the texts that fit all of these patterns.
pub fn all_outside<'a>(patterns: &[&str], others: impl IntoIterator<Item = &'a str>) -> Outside {
    // Patterns that have nothing in common with them take nothing away.
    let others: Vec<&str> =
        others.into_iter().filter(|other| patterns.iter().all(|pattern| meet(pattern, other))).collect();
    if patterns.iter().any(|pattern| others.contains(pattern)) {
        return Outside::Nothing;
    }
    walk(patterns, &others)
}

/// The paths among the texts of a pattern, as patterns: a path begins with a slash.
pub fn rooted(pattern: &str) -> Vec<String> {
    let mut symbols = pattern.chars();
    match symbols.next() {
        Some('/') => vec![pattern.to_owned()],
        Some('?') => vec![format!("/{}", symbols.as_str())],
        Some('*') => {
            let mut all = vec![format!("/{pattern}")];
            all.extend(rooted(symbols.as_str()));
            all
        }
        Some(_) | None => Vec::new(),
    }
}

/// A shortest text that fits every pattern of `within` and none of `without`.
///
/// Breadth first, a character at a time: of `within` one place in each pattern, of `without` all the places that the text
/// may have led to. A character that no pattern has stands for all others of its kind.
fn walk(within: &[&str], without: &[&str]) -> Outside {
    let within: Vec<Vec<char>> = within.iter().map(|pattern| pattern.chars().collect()).collect();
    let without: Vec<Vec<char>> = without.iter().map(|pattern| pattern.chars().collect()).collect();
    let letters = letters(within.iter().chain(&without));
    let start = State {
        within: vec![0; within.len()],
        without: without.iter().map(|pattern| past_stars(pattern, [0])).collect(),
    };
    // Every state that was come upon, with the one before it and the character between.
    let mut reached: Vec<(State, Option<(usize, char)>)> = vec![(start.clone(), None)];
    let mut known = BTreeSet::from([start]);
    let mut waiting = VecDeque::from([0]);
    while let Some(at) = waiting.pop_front() {
        let state = reached[at].0.clone();
        if state.is_wanted(&within, &without) {
            return Outside::Text(told(&reached, at));
        }
        for letter in &letters {
            for next in state.after(*letter, &within, &without) {
                if known.insert(next.clone()) {
                    reached.push((next, Some((at, *letter))));
                    waiting.push_back(reached.len() - 1);
                }
            }
        }
        if reached.len() > STATES {
            return Outside::Undecided;
        }
    }
    Outside::Nothing
}

/// The characters that tell texts apart: a letter stands for the others where no pattern has it, so that an example reads
/// like a text.
fn letters<'a>(patterns: impl Iterator<Item = &'a Vec<char>>) -> Vec<char> {
    let used: BTreeSet<char> = patterns.flatten().copied().filter(|symbol| !matches!(symbol, '*' | '?')).collect();
    let other = ('a'..='z').find(|letter| !used.contains(letter)).unwrap_or(OTHER);
    [other].into_iter().chain(used).collect()
}

/// Places in patterns after a part of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    within: Vec<usize>,
    without: Vec<BTreeSet<usize>>,
}

impl State {
    /// Whether the text so far fits every pattern of the one kind and none of the other.
    fn is_wanted(&self, within: &[Vec<char>], without: &[Vec<char>]) -> bool {
        let ends = |pattern: &Vec<char>, at: usize| pattern[at..].iter().all(|symbol| *symbol == '*');
        within.iter().zip(&self.within).all(|(pattern, at)| ends(pattern, *at))
            && !without.iter().zip(&self.without).any(|(pattern, all)| all.contains(&pattern.len()))
    }

    /// The states that one more character leads to.
    fn after(&self, letter: char, within: &[Vec<char>], without: &[Vec<char>]) -> Vec<Self> {
        let without: Vec<BTreeSet<usize>> = without
            .iter()
            .zip(&self.without)
            .map(|(pattern, all)| past_stars(pattern, all.iter().flat_map(|at| step(pattern, *at, letter))))
            .collect();
        let mut states = vec![Self { within: Vec::new(), without }];
        for (pattern, at) in within.iter().zip(&self.within) {
            let places: BTreeSet<usize> = stars(pattern, *at).flat_map(|at| step(pattern, at, letter)).collect();
            let longer = |state: &Self, place: &usize| {
                let mut state = state.clone();
                state.within.push(*place);
                state
            };
            states = states.iter().flat_map(|state| places.iter().map(|place| longer(state, place))).collect();
        }
        states
    }
}

/// A place, and those behind the stars at it: a star may stand for nothing.
fn stars(pattern: &[char], at: usize) -> impl Iterator<Item = usize> {
    let all = pattern[at..].iter().take_while(|symbol| **symbol == '*').count();
    at..=at + all
}

/// All the places that are reached with these. What is before the last star that was reached adds nothing: the star takes
/// whatever the symbols before it would have taken.
fn past_stars(pattern: &[char], places: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let all: BTreeSet<usize> = places.into_iter().flat_map(|at| stars(pattern, at)).collect();
    let last = all.iter().copied().filter(|at| pattern.get(*at) == Some(&'*')).max().unwrap_or_default();
    all.into_iter().filter(|at| *at >= last).collect()
}

/// Where a character leads from a place: nowhere, behind the symbol, or, at a star, to the star again.
fn step(pattern: &[char], at: usize, letter: char) -> Option<usize> {
    match pattern.get(at)? {
        '*' => Some(at),
        '?' => Some(at + 1),
        symbol => (*symbol == letter).then_some(at + 1),
    }
}

/// The text that led to a state.
fn told(reached: &[(State, Option<(usize, char)>)], at: usize) -> String {
    let mut letters = Vec::new();
    let mut here = at;
    while let Some((before, letter)) = reached[here].1 {
        letters.push(letter);
        here = before;
    }
    letters.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_one_text_fits_both() {
        for (a, b, meets) in [
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
            assert_eq!(meet(a, b), meets, "{a} and {b}");
            assert_eq!(meet(b, a), meets, "{b} and {a}");
            assert_eq!(all_meet(&[a, b]), Some(meets), "{a} and {b}");
        }
    }

    #[test]
    fn what_a_pattern_has_beside_others_is_shown_by_a_shortest_text() {
        let text = |text: &str| Outside::Text(text.to_owned());
        for (pattern, others, beside) in [
            ("/api/*", &["/api/p*"][..], text("/api/")),
            ("/api/p*", &["/api/*"], Outside::Nothing),
            ("/docs/*", &["/docs/*-*"], text("/docs/")),
            ("/docs/*-*", &["/docs/*"], Outside::Nothing),
            ("/x", &["/*-*"], text("/x")),
            ("/a-b", &["/*-*"], Outside::Nothing),
            ("/Shop/*", &["/shop/*"], text("/Shop/")),
            ("/a?", &["/a*"], Outside::Nothing),
            ("/a*", &["/a?"], text("/a")),
            ("/a*", &["/a", "/a?*"], Outside::Nothing),
            ("*", &["?*"], text("")),
            ("*a*b*", &["*b*", "*a*"], Outside::Nothing),
            ("*a*", &["*a*b*"], text("a")),
            ("/a*a", &["/*a?*"], Outside::Nothing),
            ("/*a*a", &["/a?*"], text("/baa")),
            ("*????????a", &["*???????a", "x*"], Outside::Nothing),
            ("/a", &[], text("/a")),
        ] {
            assert_eq!(outside(pattern, others.iter().copied()), beside, "{pattern} beside {others:?}");
        }
    }

    #[test]
    fn three_patterns_may_meet_in_pairs_and_not_together() {
        assert_eq!(all_meet(&["a?", "?b", "*c*"]), Some(false));
        assert_eq!(all_meet(&["a*", "*b", "*c*"]), Some(true));
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        assert_eq!(rooted("/a"), ["/a"]);
        assert_eq!(rooted("?a"), ["/a"]);
        assert_eq!(rooted("*a"), ["/*a"]);
        assert_eq!(rooted("*/a"), ["/*/a", "/a"]);
        assert_eq!(rooted("a*"), Vec::<String>::new());
    }

    #[test]
    fn what_would_take_for_ever_is_left_undecided() {
        let wild = |first: char, number: usize| format!("*{first}{}", "?".repeat(number));
        assert_eq!(outside(&wild('a', 4), [wild('a', 3).as_str()]), Outside::Text("abbbb".to_owned()));
        assert_eq!(outside(&wild('?', 45), [wild('a', 40).as_str()]), Outside::Undecided);
    }
}
