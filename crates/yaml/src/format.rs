//! What is said differently of each format that is written in YAML: what people probably meant, and how much of it is read.

/// How much of one file is read.
#[derive(Debug)]
pub struct Limits {
    /// Longest file: whole mebibytes.
    pub bytes: usize,
    /// What to do about a longer one.
    pub when_too_large: &'static str,
    /// Most values and keys.
    pub nodes: usize,
    /// Most entries of one list or mapping.
    pub entries: usize,
}

impl Limits {
    /// That a file is longer.
    pub fn too_large(&self) -> String {
        format!("larger than {} MiB", self.bytes >> 20)
    }
}

/// A format. A place is what a mapping calls itself, such as `metadata`.
pub trait Format: Sync {
    /// How much of one file is read.
    fn limits(&self) -> &'static Limits;

    /// What it is written in.
    fn language(&self) -> &'static str {
        "YAML"
    }

    /// For a field that does not belong where it stands.
    fn unknown_field(&self, _place: &str, field: &str, known: &[&str]) -> Option<String> {
        nearest(field, known.iter().copied()).map(|near| format!("did you mean \"{near}\"?"))
    }

    /// For a required field that is missing.
    fn missing_field(&self, _place: &str, _field: &str) -> Option<String> {
        None
    }

    /// For a value of the wrong shape. Of a mapping the name is its place.
    fn shape(&self, _name: &str) -> Option<String> {
        None
    }

    /// For a word outside its closed set.
    fn wrong_word(&self, _name: &str, word: &str, allowed: &[&str]) -> Option<String> {
        nearest(word, allowed.iter().copied()).map(|near| format!("did you mean {near}?"))
    }

    /// Whether a field without a value counts as absent.
    fn takes_nothing_for_absent(&self) -> bool {
        false
    }

    /// For a field without a value.
    fn instead_of_nothing(&self) -> &'static str {
        "give it a value, or remove the line"
    }

    /// For an alias, which could make a small file large.
    fn instead_of_aliases(&self) -> &'static str {
        "write the value out"
    }

    /// Whether a key is the name of a field. Where lines are hidden, another key may be a slip that has a secret in it, such as
    /// `value:…` without a space, and is not repeated.
    fn is_name(&self, _key: &str) -> bool {
        true
    }

    /// Fields whose blocks may hold secrets. Their lines are not repeated, nor are those of a misspelt one.
    fn secret_blocks(&self) -> &'static [&'static str] {
        &[]
    }

    /// Marks of a template that was not rendered, each with what to do about it.
    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether such a mark is ordinary data in the value that these keys lead to.
    fn takes_templates(&self, _keys: &[&str]) -> bool {
        false
    }
}

/// The candidate that differs least, if it is near enough to be a slip.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    const MOST_CANDIDATES: usize = 500;
    if word.len() > LONGEST {
        return None;
    }
    let bare = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let wanted = bare(word);
    let limit = 1 + wanted.chars().count() / 5;
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| candidate.len() <= LONGEST && candidate.len().abs_diff(word.len()) <= limit + 2)
        .map(|candidate| (distance(&wanted, &bare(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, wanted) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, found) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(wanted != *found);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
