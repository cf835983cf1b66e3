//! All scenarios in turn.

use std::time::Duration;

use tokio::time::timeout;

use crate::report::{Outcome, Report};
use crate::scenario::Scenario;
use crate::step::carry_out;
use crate::world::World;

/// How long a scenario may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Scenarios this runner cannot run, by the beginning of their names, and why.
const SKIPPED: &[(&str, &str)] = &[(
    "fork-",
    "tokio's runtime does not survive a fork, so the Rust client promises nothing in a child; languages whose programs \
     fork are served by the bridge",
)];

/// Runs the scenarios whose names contain `part`. What each comes to is shown on standard error if it failed.
pub async fn run(scenarios: &[Scenario], part: &str) -> Report {
    let mut report = Report::default();
    let twice = scenarios.iter().flat_map(|scenario| [Some(scenario.clone()), scenario.embedded()]);
    for scenario in twice.flatten().filter(|scenario| scenario.name.contains(part)) {
        let outcome = match SKIPPED.iter().find(|(name, _)| scenario.name.starts_with(name)) {
            Some((_, why)) => Outcome::Skip((*why).to_owned()),
            None => one(&scenario).await,
        };
        if let Outcome::Fail(why) = &outcome {
            eprintln!("{}: {}: {why}", scenario.file.display(), scenario.name);
        }
        report.0.push((scenario.name, outcome));
    }
    report
}

async fn one(scenario: &Scenario) -> Outcome {
    match timeout(LIMIT, steps(scenario)).await {
        Ok(Ok(())) => Outcome::Pass,
        Ok(Err(why)) => Outcome::Fail(why),
        Err(_) => Outcome::Fail(format!("it did not end within {LIMIT:?}")),
    }
}

async fn steps(scenario: &Scenario) -> Result<(), String> {
    let mut world = World::open(scenario).await?;
    let mut outcome = Ok(());
    for (at, step) in scenario.steps.iter().enumerate() {
        outcome = carry_out(step, &mut world).await;
        if let Err(why) = outcome {
            outcome = Err(format!("step {} ({}): {why}", at + 1, step.r#do.word()));
            break;
        }
    }
    world.close().await;
    outcome
}
