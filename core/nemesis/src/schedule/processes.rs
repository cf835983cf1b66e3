//! Rounds in which processes are killed, held and started.

use crate::schedule::cuts;
use crate::stage::{Failure, Served, Stage};

pub async fn kill_one(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let victims = stage.minority();
    kill(stage, &victims).await
}

pub async fn kill_proposer(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let victim = stage.proposer().await?;
    kill(stage, &[victim]).await
}

async fn kill(stage: &mut Stage<'_>, victims: &[usize]) -> Result<(), Failure> {
    stage.say(format!("SIGKILL {victims:?}"));
    stage.cluster.kill(victims).await?;
    let others = stage.cluster.running();
    stage.hold(0, 1_500).await;
    if stage.random.percent(50) {
        stage.served(Served::Each(others)).await?;
    }
    Ok(())
}

pub async fn kill_all(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let all = stage.cluster.running();
    stage.say("SIGKILL all".to_owned());
    stage.cluster.kill(&all).await?;
    Ok(())
}

pub async fn stop(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let victims = match stage.random.percent(50) {
        true => vec![stage.proposer().await?],
        false => stage.minority(),
    };
    let askers = stage.attach_to(&victims).await;
    stage.say(format!("SIGSTOP {victims:?}"));
    for victim in &victims {
        stage.cluster.pause(*victim)?;
    }
    stage.hold(200, 5_000).await;
    stage.ask_late(askers).await;
    Ok(())
}

pub async fn rolling(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let mut all = stage.cluster.running();
    stage.random.shuffle(&mut all);
    for place in all {
        stage.say(format!("SIGTERM {place}"));
        if let Some(why) = stage.cluster.stop(place).await? {
            return Err(stage.broken("a stop", format!("member {place} did not stop well: {why}")));
        }
        stage.start(place)?;
        stage.well().await?;
    }
    Ok(())
}

/// Several faults at once, at the same minority, and late or lost packets anywhere.
pub async fn mixed(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let victims = stage.minority();
    for victim in victims {
        match stage.random.below(4) {
            0 => {
                stage.say(format!("SIGKILL {victim}"));
                stage.cluster.kill(&[victim]).await?;
            }
            1 => {
                stage.say(format!("SIGSTOP {victim}"));
                stage.cluster.pause(victim)?;
            }
            2 => cuts::cut_off(stage, victim, cuts::Directions::Both)?,
            _ => cuts::cut_off(stage, victim, cuts::Directions::One)?,
        }
        if stage.random.percent(40) {
            stage.hold(0, 800).await;
        }
    }
    if stage.random.percent(60) {
        cuts::shape_some(stage)?;
    }
    stage.hold(200, 3_000).await;
    Ok(())
}
