//! Lists in pages.

use super::refusal::Refusal;

/// One page, and the token of the next.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Cuts a page out of a list. A token that this list did not give out is refused in the words of `bad_token`.
pub fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
    bad_token: impl Fn(&str) -> Refusal,
) -> Result<Page<T>, Refusal> {
    let start = match token {
        None => 0,
        Some(token) => decode(token).filter(|start| *start <= items.len()).ok_or_else(|| bad_token(token))?,
    };
    let end = (start + size).min(items.len());
    let next = (end < items.len()).then(|| encode(end));
    Ok(Page { items: items.into_iter().skip(start).take(size).collect(), next })
}

/// Tokens are opaque: no client should read them.
fn encode(start: usize) -> String {
    format!("{:016x}", (start as u64 ^ 0x5CA1_AB1E).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn decode(token: &str) -> Option<usize> {
    let number = u64::from_str_radix(token, 16).ok()?;
    // The inverse of the factor above, modulo 2^64.
    let start = number.wrapping_mul(0xF1DE_83E1_9937_733D) ^ 0x5CA1_AB1E;
    usize::try_from(start).ok().filter(|start| encode(*start) == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_through_a_list_and_strange_ones_nowhere() {
        let bad = |token: &str| Refusal::new("InvalidNextToken", token);
        let mut seen = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let part = page((0..7).collect(), token.as_deref(), 3, bad).expect("a page");
            seen.extend(part.items);
            token = part.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
        for strange in ["", "3", "zzzzzzzzzzzzzzzz", "00000000000000000"] {
            assert!(page(vec![1, 2], Some(strange), 1, bad).is_err(), "{strange}");
        }
    }
}
