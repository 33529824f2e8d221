//! Variables of the environment.

/// A variable that says something.
#[expect(clippy::disallowed_methods, reason = "cli reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
