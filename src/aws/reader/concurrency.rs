//! Many questions, few of them under way.

use futures_util::StreamExt;
use futures_util::stream;

/// Questions of one kind that wait or are under way, so that there is always another one to send. More would only wait, for
/// AWS lets some dozens of calls go in a second; and each that waits holds all that the SDK needs for a call.
pub(super) const AT_ONCE: usize = 2 * super::IN_FLIGHT;

/// The same for a list of questions whose answers name a hundred things or more: each is held twice for a moment, as AWS's
/// types and as ours.
pub(super) const LARGE_AT_ONCE: usize = 4;

/// The answers, in the order of the questions. A question is only prepared when its turn comes.
pub(super) async fn few_at_once<F: Future>(questions: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    some_at_once(AT_ONCE, questions).await
}

/// As [`few_at_once`], so many of them under way.
pub(super) async fn some_at_once<F: Future>(most: usize, questions: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(questions).buffered(most).collect().await
}
