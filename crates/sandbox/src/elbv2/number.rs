//! Numbers with bounds.

use std::ops::RangeInclusive;

use crate::input::Input;
use crate::refusal::Refusal;

/// A number that has to lie in a range where it is given.
pub fn within(input: Input, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
    if !input.has(name) {
        return Ok(None);
    }
    match input.int(name).filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let given =
                input.text(name).map(str::to_owned).or_else(|| input.int(name).map(|number| number.to_string()));
            let (given, low, high) = (given.unwrap_or_default(), range.start(), range.end());
            Err(Refusal::validation(format!("{name} '{given}' must be between '{low}' and '{high}' inclusive")))
        }
    }
}

/// A port, where it is given.
pub fn port(input: Input, name: &str) -> Result<Option<u16>, Refusal> {
    Ok(within(input, name, 1..=65_535)?.and_then(|port| u16::try_from(port).ok()))
}
