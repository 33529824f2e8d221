//! What came of it: a journal to go on from, and figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::invariants::Violation;
use super::matrix::Run;

/// The runs that ended, a line each; what did not hold is below.
pub struct Journal {
    file: Option<File>,
    ended: BTreeSet<String>,
}

impl Journal {
    /// Goes on with a journal, or begins it.
    pub fn open(path: Option<PathBuf>) -> Self {
        let ended = path.as_deref().map(known).unwrap_or_default();
        let open = |path: PathBuf| OpenOptions::new().create(true).append(true).open(path).expect("a journal");
        Self { file: path.map(open), ended }
    }

    pub fn has(&self, run: &Run) -> bool {
        self.ended.contains(&run.id())
    }

    pub fn note(&mut self, run: &Run, found: &[Violation]) {
        let Some(file) = &mut self.file else { return };
        let mut lines = format!("{}\t{}\n", if found.is_empty() { "held" } else { "FAILED" }, run.id());
        for violation in found {
            lines.push_str(&format!("\t{}: {}\n", violation.of, violation.how));
        }
        file.write_all(lines.as_bytes()).expect("a line more");
    }
}

fn known(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let runs = text.lines().filter_map(|line| line.strip_prefix("held\t").or_else(|| line.strip_prefix("FAILED\t")));
    runs.map(str::to_owned).collect()
}

/// Numbers by kind of fault.
#[derive(Default)]
pub struct Figures {
    runs: BTreeMap<&'static str, (usize, usize)>,
    /// By what did not hold, by kind and by call: how often, and the first.
    failures: BTreeMap<(&'static str, &'static str, String), (usize, String)>,
    pub worlds: usize,
    pub took: Duration,
    /// Runs that there are.
    pub all: usize,
}

impl Figures {
    pub fn new(worlds: usize, all: usize) -> Self {
        Self { worlds, all, ..Self::default() }
    }

    pub fn note(&mut self, run: &Run, found: &[Violation], seed: u64) {
        let (runs, failed) = self.runs.entry(run.fault).or_default();
        *runs += 1;
        *failed += usize::from(!found.is_empty());
        for Violation { of, how } in found {
            let key = (*of, run.fault, run.operation.clone());
            let (times, _) =
                self.failures.entry(key).or_insert_with(|| (0, format!("{how}\n    {}", again(run, seed))));
            *times += 1;
        }
    }

    /// Runs of each kind.
    pub fn kinds(&self) -> BTreeSet<&'static str> {
        self.runs.keys().copied().collect()
    }

    pub fn failed(&self) -> usize {
        self.runs.values().map(|(_, failed)| failed).sum()
    }

    /// As a table, and what did not hold.
    pub fn shown(&self) -> String {
        let done: usize = self.runs.values().map(|(runs, _)| runs).sum();
        let seconds = self.took.as_secs_f64();
        let share = 100.0 * done as f64 / self.all.max(1) as f64;
        let mut text = format!(
            "{done} runs of {} ({share:.1} %) in {} worlds, {} failed; {seconds:.0} s, {:.1} runs a second\n",
            self.all,
            self.worlds,
            self.failed(),
            done as f64 / seconds.max(0.001)
        );
        for (fault, (runs, failed)) in &self.runs {
            text.push_str(&format!("  {fault:<22}{runs:>7}{failed:>6}\n"));
        }
        for ((of, fault, call), (times, how)) in &self.failures {
            text.push_str(&format!("{of}: {fault} at {call}, {times} times\n    {how}\n"));
        }
        text
    }
}

/// The command that does it again.
fn again(run: &Run, seed: u64) -> String {
    format!(
        "FAULTS_SEED={seed} FAULTS_WORLD={} FAULTS_FAULT={} FAULTS_AT={} cargo test --test suite -- --ignored \
         --nocapture fault_matrix",
        run.world, run.fault, run.at
    )
}
