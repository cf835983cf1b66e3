//! Spans of time for people: the two greatest units of it.

use std::time::Duration;

pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let units =
        [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let Some(first) = units.iter().position(|(count, _)| *count > 0) else {
        return format!("{} ms", time.subsec_millis());
    };
    let said = units[first..].iter().take(2).filter(|(count, _)| *count > 0);
    said.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        let said = |millis| span(Duration::from_millis(millis));
        assert_eq!(said(0), "0 ms");
        assert_eq!(said(999), "999 ms");
        assert_eq!(said(1_999), "1 s");
        assert_eq!(said(60_000), "1 m");
        assert_eq!(said(61_000), "1 m 1 s");
        assert_eq!(said(3_600_000), "1 h");
        assert_eq!(said(3_601_000), "1 h");
        assert_eq!(said(90_061_000), "1 d 1 h");
    }
}
