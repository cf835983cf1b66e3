//! Majorities. Any two of one configuration have a member in common, which is all that Paxos asks of them.

use crate::planted::{Planted, is_planted};
use crate::{Config, Incarnation};

/// How many voters decide.
pub fn majority(config: &Config) -> usize {
    config.voters.len() / 2 + 1 - usize::from(is_planted(Planted::QuorumOffByOne) && config.voters.len() > 1)
}

/// Whether these members, those among them that vote, decide. None is counted twice.
pub fn is_quorum(config: &Config, members: impl IntoIterator<Item = Incarnation>) -> bool {
    let mut agreeing: Vec<Incarnation> =
        members.into_iter().filter(|member| config.voters.contains(member)).collect();
    agreeing.sort_unstable();
    agreeing.dedup();
    agreeing.len() >= majority(config)
}

/// The greatest value that a majority of the voters has reached; `of` tells each one's.
pub fn reached<T: Ord + Copy>(config: &Config, of: impl FnMut(&Incarnation) -> T) -> Option<T> {
    let mut values: Vec<T> = config.voters.iter().map(of).collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(majority(config) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u8]) -> Vec<Incarnation> {
        numbers.iter().map(|number| Incarnation([*number; 16])).collect()
    }

    #[test]
    fn more_than_half_of_the_voters_and_nobody_twice() {
        for (voters, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)] {
            let config = Config { epoch: 1, voters: ids(&(1..=voters).collect::<Vec<_>>()) };
            assert_eq!(majority(&config), needed);
            for count in 0..=voters {
                let members = ids(&(1..=count).collect::<Vec<_>>());
                assert_eq!(is_quorum(&config, members), usize::from(count) >= needed, "{count} of {voters}");
            }
            assert!(!is_quorum(&config, ids(&[1; 9])) || needed == 1);
            assert!(!is_quorum(&config, ids(&[11, 12, 13, 14, 15])), "none of these votes");
        }
    }

    #[test]
    fn what_a_majority_has_reached() {
        let config = |voters: u8| Config { epoch: 1, voters: ids(&(1..=voters).collect::<Vec<_>>()) };
        let lengths = |of: &[u64]| {
            let of = of.to_vec();
            move |id: &Incarnation| of[usize::from(id.0[0]) - 1]
        };
        assert_eq!(reached(&config(1), lengths(&[7])), Some(7));
        assert_eq!(reached(&config(2), lengths(&[7, 3])), Some(3));
        assert_eq!(reached(&config(3), lengths(&[7, 3, 5])), Some(5));
        assert_eq!(reached(&config(4), lengths(&[9, 7, 3, 5])), Some(5));
        assert_eq!(reached(&config(5), lengths(&[0, 9, 7, 3, 5])), Some(5));
    }
}
