//! A time on the command line.

use std::time::Duration;

/// Such as `90s`, `10m` or `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let duration = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| "write it like 90s, 10m or 1h".to_owned())
}
