//! How much AWS can have to say: of one answer, and of all pages of one list.
//!
//! What goes beyond is not cut off but refused: a part of a list is no list.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::Unbelieved;

/// Most bytes of one answer. The largest that AWS gives are pages of 1,000 security groups: with 60 rules each, which is the
/// quota, about 18 MB.
pub(super) const ANSWER: usize = 32 << 20;

/// Most bytes of all pages of a list: 100,000 network interfaces have about 300 MB.
const LIST: usize = 512 << 20;

/// Most pages of a list. ECS gives at most 100 names in a page: 200,000 tasks in a cluster, ten times what any quota allows.
const PAGES: usize = 2000;

tokio::task_local! {
    /// What has come of the question that this task is asking.
    static SO_FAR: RefCell<SoFar>;
}

#[derive(Default)]
struct SoFar {
    bytes: usize,
    pages: usize,
    tokens: BTreeSet<String>,
}

/// Asks a question whose answer, over all its pages and attempts, is bounded. The pages of a list are read by one task.
pub(in crate::aws) async fn bounded<F: Future>(question: F) -> F::Output {
    SO_FAR.scope(RefCell::default(), question).await
}

/// Whether more bytes are taken of an answer.
pub(super) fn admit(length: usize, more: usize) -> Result<(), Unbelieved> {
    if length.saturating_add(more) > ANSWER {
        return Err(Unbelieved::Endless(format!("the response has more than {} MB", ANSWER >> 20)));
    }
    count(|so_far| {
        so_far.bytes = so_far.bytes.saturating_add(more);
        if so_far.bytes > LIST {
            return Err(Unbelieved::Endless(format!("the list has more than {} MB", LIST >> 20)));
        }
        Ok(())
    })
}

/// Whether a page of a list is taken: it must lead on, or end the list.
pub(super) fn page(next: Option<String>) -> Result<(), Unbelieved> {
    let Some(next) = next else { return Ok(()) };
    count(|so_far| {
        so_far.pages += 1;
        if so_far.pages >= PAGES {
            return Err(Unbelieved::Endless(format!("the list has more than {PAGES} pages")));
        }
        if !so_far.tokens.insert(next) {
            return Err(Unbelieved::Endless("the list repeats a page that was already read".to_owned()));
        }
        Ok(())
    })
}

/// Outside of a question there is one answer only, and nothing to count.
fn count(add: impl FnOnce(&mut SoFar) -> Result<(), Unbelieved>) -> Result<(), Unbelieved> {
    SO_FAR.try_with(|so_far| add(&mut so_far.borrow_mut())).unwrap_or(Ok(()))
}
