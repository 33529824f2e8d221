//! Names of load balancers and target groups.

use crate::refusal::Refusal;

/// Whether AWS takes a name. `kind` is what it names.
pub fn check(kind: &str, name: &str) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::validation(format!("The {kind} name '{name}' {why}")));
    if name.chars().count() > 32 {
        return refused("cannot be longer than '32' characters");
    }
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return refused("can only contain characters that are alphanumeric characters or hyphens(-)");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return refused("cannot begin or end with a hyphen(-)");
    }
    if kind == "load balancer" && name.starts_with("internal-") {
        return refused("cannot begin with 'internal-'");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "A-1", "internal", &"x".repeat(32)] {
            assert!(check("load balancer", good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a_b", "a.b", "ä", "internal-a", &"x".repeat(33)] {
            let refusal = check("load balancer", bad).expect_err(bad);
            assert_eq!(refusal.code, "ValidationError");
        }
        assert!(check("target group", "internal-a").is_ok());
    }
}
