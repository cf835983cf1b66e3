//! The network between members, each direction of each pair for itself: what is lost, doubled, overtaken, slow or cut.
//! Never here: what a message says.

use crate::history::Time;
use crate::plan::Plan;
use crate::random::Random;

/// Directed links: from one place to another.
pub type Links = Vec<(usize, usize)>;

/// All links among the places of members.
#[derive(Debug)]
pub struct Network {
    places: usize,
    links: Vec<Link>,
    random: Random,
    odds: Odds,
}

#[derive(Debug, Clone, Copy, Default)]
struct Link {
    /// How many faults cut it.
    cuts: u32,
    /// How many faults make it slow.
    slow: u32,
    /// When the last message that was not overtaken arrives.
    last: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Odds {
    delay_us: u64,
    jitter_us: u64,
    drop_ppm: u64,
    duplicate_ppm: u64,
    reorder_ppm: u64,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives then.
    Arrives(Time),
    /// It arrives twice.
    Twice(Time, Time),
}

/// How many times longer a message takes on a slow link.
const SLOW: u64 = 50;

/// The longest that a message is overtaken, in times of its own delay.
const OVERTAKEN: u64 = 20;

impl Network {
    /// A network in which all is well but for what the plan says happens at random.
    pub fn new(plan: &Plan, random: Random) -> Network {
        let places = plan.places();
        let odds = Odds {
            delay_us: plan.delay_us,
            jitter_us: plan.jitter_us,
            drop_ppm: plan.drop_ppm,
            duplicate_ppm: plan.duplicate_ppm,
            reorder_ppm: plan.reorder_ppm,
        };
        Network { places, links: vec![Link::default(); places * places], random, odds }
    }

    /// Sends a message, and says what becomes of it. Whether the link is cut is asked again when it arrives.
    pub fn send(&mut self, from: usize, to: usize, now: Time) -> Fate {
        let link = &mut self.links[from * self.places + to];
        if link.cuts > 0 || self.random.ppm(self.odds.drop_ppm) {
            return Fate::Lost;
        }
        let slow = if link.slow > 0 { SLOW } else { 1 };
        let delay = slow * (self.odds.delay_us + self.random.wait(self.odds.jitter_us));
        let arrival = if self.random.ppm(self.odds.reorder_ppm) {
            now.0 + delay + self.random.below(OVERTAKEN * delay)
        } else {
            link.last = link.last.max(now.0 + delay);
            link.last
        };
        if self.random.ppm(self.odds.duplicate_ppm) {
            let again = arrival + self.random.below(OVERTAKEN * delay);
            return Fate::Twice(Time(arrival), Time(again));
        }
        Fate::Arrives(Time(arrival))
    }

    /// Whether nothing gets through.
    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.links[from * self.places + to].cuts > 0
    }

    /// Cuts links, once more each.
    pub fn cut(&mut self, links: &Links) {
        links.iter().for_each(|(from, to)| self.links[from * self.places + to].cuts += 1);
    }

    /// Takes one cut back from each.
    pub fn heal(&mut self, links: &Links) {
        for (from, to) in links {
            let link = &mut self.links[from * self.places + to];
            link.cuts = link.cuts.saturating_sub(1);
        }
    }

    /// Makes links slow.
    pub fn slow(&mut self, links: &Links) {
        links.iter().for_each(|(from, to)| self.links[from * self.places + to].slow += 1);
    }

    /// Makes links as fast as before.
    pub fn quicken(&mut self, links: &Links) {
        for (from, to) in links {
            let link = &mut self.links[from * self.places + to];
            link.slow = link.slow.saturating_sub(1);
        }
    }

    /// No message is lost, doubled or overtaken at random any more, and none takes longer than this. What is cut stays.
    pub fn calm(&mut self, delay_us_max: u64) {
        let delay_us = self.odds.delay_us.min(delay_us_max);
        let jitter_us = self.odds.jitter_us.min(delay_us_max / 4);
        self.odds = Odds { delay_us, jitter_us, ..Odds::default() };
        self.links.iter_mut().for_each(|link| (link.slow, link.last) = (0, 0));
    }

    /// Exactly the links with an end outside of `core` are cut.
    pub fn heal_only(&mut self, core: &[usize]) {
        for from in 0..self.places {
            for to in 0..self.places {
                let is_inside = core.contains(&from) && core.contains(&to);
                self.links[from * self.places + to].cuts = u32::from(!is_inside);
            }
        }
    }

    /// Nothing is cut.
    pub fn heal_all(&mut self) {
        self.links.iter_mut().for_each(|link| link.cuts = 0);
    }

    /// Links to cut or slow: of one pair, one way or both.
    pub fn draw_pair(&mut self, places: &[usize]) -> Links {
        let mut order = places.to_vec();
        self.random.shuffle(&mut order);
        let [one, other, ..] = order[..] else { return Vec::new() };
        if self.random.one_in(2) { vec![(one, other)] } else { vec![(one, other), (other, one)] }
    }

    /// Links to cut: a partition of the shapes that cost other protocols their progress (Ng, Haridi, Carbone,
    /// *OmniPaxos*, EuroSys 2023, section 2), and the plain ones.
    pub fn draw_partition(&mut self, places: &[usize]) -> (&'static str, Links) {
        let mut order = places.to_vec();
        self.random.shuffle(&mut order);
        let count = order.len();
        let at = |place: &usize| order.iter().position(|other| other == place).unwrap_or_default();
        let cut_if = |is_cut: &dyn Fn(usize, usize) -> bool| -> Links {
            let pairs = order.iter().flat_map(|from| order.iter().map(move |to| (*from, *to)));
            pairs.filter(|(from, to)| from != to && is_cut(at(from), at(to))).collect()
        };
        let group = 1 + self.random.below(count.max(2) as u64 - 1) as usize;
        match self.random.below(7) {
            0 => ("two groups", cut_if(&|a, b| (a < group) != (b < group))),
            1 => ("one alone", cut_if(&|a, b| a == 0 || b == 0)),
            2 => ("one is not heard", cut_if(&|a, _| a == 0)),
            3 => ("one does not hear", cut_if(&|_, b| b == 0)),
            // Everybody reaches the first one only.
            4 => ("quorum loss", cut_if(&|a, b| a != 0 && b != 0)),
            // The same, and one is cut off altogether: whoever leads, if it is that one, has the longest log.
            5 => ("constrained election", cut_if(&|a, b| a == 1 || b == 1 || (a != 0 && b != 0))),
            _ => ("chained", cut_if(&|a, b| a.abs_diff(b) != 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn network(set: &str) -> Network {
        let plan = Plan::of(1, &format!("voters=3,learners=0,spares=0,{set}")).unwrap();
        Network::new(&plan, Random::new(1))
    }

    fn arrivals(network: &mut Network) -> Vec<u64> {
        let fates = (0..200).map(|now| network.send(0, 1, Time(now)));
        let times = fates.flat_map(|fate| match fate {
            Fate::Lost => vec![],
            Fate::Arrives(at) => vec![at.0],
            Fate::Twice(at, again) => vec![at.0, again.0],
        });
        times.collect()
    }

    #[test]
    fn nothing_is_lost_doubled_or_overtaken_unless_the_plan_says_so() {
        let calm = "drop_ppm=0,duplicate_ppm=0,reorder_ppm=0";
        let sound = arrivals(&mut network(calm));
        assert!(sound.len() == 200 && sound.is_sorted());
        assert!(arrivals(&mut network("drop_ppm=500000,duplicate_ppm=0")).len() < 150);
        assert!(arrivals(&mut network("drop_ppm=0,duplicate_ppm=500000")).len() > 250);
        assert!(!arrivals(&mut network("reorder_ppm=500000")).is_sorted());
    }

    #[test]
    fn faults_that_overlap_heal_one_by_one() {
        let mut network = network("drop_ppm=0");
        let (one, two) = (vec![(0, 1)], vec![(0, 1), (1, 0)]);
        network.cut(&one);
        network.cut(&two);
        network.heal(&one);
        assert!(network.is_cut(0, 1) && network.is_cut(1, 0) && !network.is_cut(1, 2));
        assert_eq!(network.send(0, 1, Time(0)), Fate::Lost);
        network.heal(&two);
        assert!(!network.is_cut(0, 1) && !network.is_cut(1, 0));
    }

    #[test]
    fn only_the_core_is_healed() {
        let mut network = network("drop_ppm=0");
        network.cut(&vec![(0, 1), (1, 0)]);
        network.heal_only(&[0, 1]);
        assert!(!network.is_cut(0, 1) && network.is_cut(0, 2) && network.is_cut(2, 1));
        network.heal_all();
        assert!(!network.is_cut(2, 1));
    }

    #[test]
    fn every_shape_cuts_something_and_leaves_something() {
        let mut network = network("drop_ppm=0");
        let mut names = Vec::new();
        for _ in 0..100 {
            let (name, links) = network.draw_partition(&[0, 1, 2]);
            assert!(!links.is_empty(), "{name}");
            names.push(name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 7);
    }
}
