//! The file of plans that once failed: a seed a line, what is set in its plan, and behind `#` why it is there.

use crate::plan::{BadPlan, Plan};

/// Why a file is none of plans.
#[derive(Debug, thiserror::Error)]
pub enum BadRegressions {
    /// A line does not begin with a seed.
    #[error("line {0} does not begin with a seed")]
    NoSeed(usize),
    /// What a line sets is no plan.
    #[error("line {0}: {1}")]
    BadPlan(usize, BadPlan),
}

/// The plans of a file.
///
/// # Errors
/// [`BadRegressions`], with the line.
pub fn parse(text: &str) -> Result<Vec<Plan>, BadRegressions> {
    let mut plans = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (seed, set) = line.split_once(' ').unwrap_or((line, ""));
        let seed = seed.parse().map_err(|_| BadRegressions::NoSeed(at + 1))?;
        plans.push(Plan::of(seed, set.trim()).map_err(|bad| BadRegressions::BadPlan(at + 1, bad))?);
    }
    Ok(plans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_line_is_a_plan() {
        let plans = parse("# all\n\n7\n8 voters=3,clients=2 # why\n").unwrap();
        assert_eq!(plans, [Plan::of(7, "").unwrap(), Plan::of(8, "voters=3,clients=2").unwrap()]);
        assert_eq!(parse("\nx\n").unwrap_err().to_string(), "line 2 does not begin with a seed");
        assert!(parse("7 voters=x").unwrap_err().to_string().starts_with("line 1: `voters=x`"));
    }
}
