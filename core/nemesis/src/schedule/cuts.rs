//! Rounds in which the ways between members are cut, slow or lossy. Chained, constrained and quorum-loss are the partial
//! partitions of the OmniPaxos paper (Ng, Haridi, Carbone, EuroSys 2023, section 2).

use std::time::Duration;

use crate::stage::{Failure, Served, Stage};
use crate::wires::Way;

/// How long a cut lasts, in milliseconds; and how long one of five does, in which members give up what they cannot decide.
const HOLD_MS: (u64, u64) = (300, 3_000);
const HOLD_LONG_MS: (u64, u64) = (5_000, 7_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directions {
    Both,
    One,
}

pub async fn cut(stage: &mut Stage<'_>, directions: Directions) -> Result<(), Failure> {
    let victim = match stage.random.percent(50) {
        true => stage.proposer().await?,
        false => stage.minority()[0],
    };
    let others: Vec<usize> = stage.cluster.running().into_iter().filter(|place| *place != victim).collect();
    if stage.random.percent(70) {
        let askers = stage.attach_to(&[victim]).await;
        cut_off(stage, victim, directions)?;
        hold(stage).await;
        stage.served(Served::Each(others)).await?;
        stage.ask_late(askers).await;
        return Ok(());
    }
    let other = stage.random.choose(&others).unwrap_or(victim);
    let is_outward = stage.random.percent(50);
    let pairs = match (directions, is_outward) {
        (Directions::Both, _) => vec![(victim, other), (other, victim)],
        (Directions::One, true) => vec![(victim, other)],
        (Directions::One, false) => vec![(other, victim)],
    };
    stage.say(format!("cut {}", shown(&pairs)));
    stage.set_all(&pairs, Way::Cut)?;
    hold(stage).await;
    let rest = others.into_iter().filter(|place| *place != other).collect();
    stage.served(Served::Any(rest)).await
}

async fn hold(stage: &mut Stage<'_>) {
    let (first, last) = if stage.random.percent(20) { HOLD_LONG_MS } else { HOLD_MS };
    stage.hold(first, last).await;
}

/// Cuts one off from all others.
pub fn cut_off(stage: &mut Stage<'_>, victim: usize, directions: Directions) -> Result<(), Failure> {
    let others: Vec<usize> = stage.cluster.occupied().into_iter().filter(|place| *place != victim).collect();
    let out = others.iter().map(|other| (victim, *other));
    let into = others.iter().map(|other| (*other, victim));
    let pairs: Vec<_> = match (directions, stage.random.percent(50)) {
        (Directions::Both, _) => out.chain(into).collect(),
        (Directions::One, true) => out.collect(),
        (Directions::One, false) => into.collect(),
    };
    stage.say(format!("cut {}", shown(&pairs)));
    stage.set_all(&pairs, Way::Cut)
}

pub async fn chained(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let mut chain = stage.cluster.running();
    stage.random.shuffle(&mut chain);
    let place_of = |place: usize| chain.iter().position(|at| *at == place).unwrap_or_default();
    let is_apart = |a: usize, b: usize| place_of(a).abs_diff(place_of(b)) > 1;
    stage.say(format!("chained {chain:?}"));
    let inner = chain[1..chain.len() - 1].to_vec();
    partial(stage, is_apart, inner).await
}

pub async fn constrained(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let proposer = stage.proposer().await?;
    let center = other_than(stage, proposer);
    stage.say(format!("constrained: {proposer} alone, the rest by way of {center}"));
    let is_apart = |a: usize, b: usize| a == proposer || b == proposer || (a != center && b != center);
    partial(stage, is_apart, vec![center]).await
}

pub async fn quorum_loss(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let proposer = stage.proposer().await?;
    let center = other_than(stage, proposer);
    stage.say(format!("quorum loss: all by way of {center}; {proposer} was the proposer"));
    partial(stage, |a, b| a != center && b != center, vec![center]).await
}

fn other_than(stage: &mut Stage<'_>, proposer: usize) -> usize {
    let others: Vec<usize> = stage.cluster.running().into_iter().filter(|place| *place != proposer).collect();
    stage.random.choose(&others).unwrap_or(proposer)
}

/// Cuts all pairs that are apart; some of these must be served meanwhile.
async fn partial(
    stage: &mut Stage<'_>,
    is_apart: impl Fn(usize, usize) -> bool,
    centers: Vec<usize>,
) -> Result<(), Failure> {
    let all = stage.cluster.running();
    let pairs = all.iter().flat_map(|from| all.iter().map(|to| (*from, *to)));
    let pairs: Vec<_> = pairs.filter(|(from, to)| from != to && is_apart(*from, *to)).collect();
    let askers = stage.attach_to(&all).await;
    stage.set_all(&pairs, Way::Cut)?;
    hold(stage).await;
    stage.served(Served::Any(centers)).await?;
    stage.ask_late(askers).await;
    Ok(())
}

pub async fn delay(stage: &mut Stage<'_>) -> Result<(), Failure> {
    shape(stage, slow)?;
    stage.hold(1_000, 4_000).await;
    Ok(())
}

pub async fn loss(stage: &mut Stage<'_>) -> Result<(), Failure> {
    shape(stage, lossy)?;
    stage.hold(1_000, 4_000).await;
    Ok(())
}

/// Either, on some of the ways.
pub fn shape_some(stage: &mut Stage<'_>) -> Result<(), Failure> {
    match stage.random.percent(50) {
        true => shape(stage, slow),
        false => shape(stage, lossy),
    }
}

fn slow(stage: &mut Stage<'_>) -> Way {
    let delay = stage.random.between(20, 300);
    Way::Slow { delay: Duration::from_millis(delay), jitter: Duration::from_millis(delay / 4) }
}

fn lossy(stage: &mut Stage<'_>) -> Way {
    Way::Lossy { percent: stage.random.between(5, 40) }
}

/// Shapes each way that is open with a chance of two thirds, but for those of one member with all others only, half the time.
fn shape(stage: &mut Stage<'_>, mut way: impl FnMut(&mut Stage<'_>) -> Way) -> Result<(), Failure> {
    let all = stage.cluster.occupied();
    let only = if stage.random.percent(50) { stage.random.choose(&all) } else { None };
    let mut said = Vec::new();
    for from in &all {
        for to in all.iter().filter(|to| *to != from) {
            let is_meant = only.is_none_or(|only| only == *from || only == *to);
            if is_meant && stage.way(*from, *to) == Way::Open && stage.random.percent(66) {
                let way = way(stage);
                stage.set_all(&[(*from, *to)], way)?;
                said.push(format!("{from}>{to} {}", shown_way(way)));
            }
        }
    }
    stage.say(said.join(", "));
    Ok(())
}

fn shown(pairs: &[(usize, usize)]) -> String {
    pairs.iter().map(|(from, to)| format!("{from}>{to}")).collect::<Vec<_>>().join(" ")
}

fn shown_way(way: Way) -> String {
    match way {
        Way::Open => "open".to_owned(),
        Way::Cut => "cut".to_owned(),
        Way::Slow { delay, .. } => format!("{} ms", delay.as_millis()),
        Way::Lossy { percent } => format!("{percent} %"),
    }
}
