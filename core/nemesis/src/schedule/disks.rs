//! Rounds in which disks are full or lost, and members replaced.

use crate::stage::{Failure, Served, Stage};
use crate::trouble::Trouble;

/// What is written until a full disk is noticed, each time: a member has room for two segments of its log, 32 MiB, at hand.
const BULK_BYTES: usize = 512 << 10;
/// That many would fill what a member holds in the hope of room as well.
const BULK_WRITES_MAX: usize = 200;
/// What a member with a full disk says.
const FULL: &str = "the disk is full";

pub async fn full(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let Some((victim, _)) = stage.cluster.setup().small_disk else {
        return Err(Trouble::Nothing("no member has a small disk".to_owned()).into());
    };
    let others: Vec<usize> = stage.cluster.running().into_iter().filter(|place| *place != victim).collect();
    stage.say(format!("disk of {victim} full"));
    stage.cluster.fill_disk(victim)?;
    let at = stage.random.choose(&others).unwrap_or(victim);
    let (before, mut written) = (stage.cluster.says(victim, FULL), 0);
    while stage.cluster.says(victim, FULL) == before {
        if written == BULK_WRITES_MAX {
            let what = format!("member {victim} has not noticed that its disk is full");
            return Err(stage.broken("full disk", what));
        }
        written += 1;
        stage.write_much(at, BULK_BYTES).await?;
    }
    stage.hold(500, 2_000).await;
    stage.served(Served::Each(others)).await?;
    let before = stage.cluster.files_on_disk(victim)?;
    stage.cluster.free_disk(victim)?;
    stage.uses_its_disk_again(victim, &before).await
}

pub async fn lose(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let victim = match stage.random.percent(40) {
        true => stage.proposer().await?,
        false => stage.minority()[0],
    };
    stage.say(format!("disk of {victim} lost"));
    stage.cluster.kill(&[victim]).await?;
    stage.cluster.empty(victim)?;
    stage.hold(0, 1_000).await;
    Ok(())
}

pub async fn replace(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let Some(newcomer) = stage.cluster.vacant() else {
        return Err(Trouble::Nothing("there is no place for a new member".to_owned()).into());
    };
    let victim = match stage.random.percent(40) {
        true => stage.proposer().await?,
        false => stage.minority()[0],
    };
    stage.say(format!("{newcomer} for {victim}"));
    stage.start(newcomer)?;
    stage.stands_by(newcomer).await?;
    stage.cluster.kill(&[victim]).await?;
    stage.cluster.vacate(victim)?;
    Ok(())
}
