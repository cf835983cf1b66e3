//! What must hold in every state, and what must come about in some, so that a scope is not empty.

use stateright::Property;

use crate::cluster::Cluster;
use crate::fault::Fault;
use crate::scope::Scope;
use crate::state::State;

pub fn of(scope: &Scope) -> Vec<Property<Cluster>> {
    let mut properties = always();
    properties.push(Property::sometimes(
        "every command is applied by every first voter",
        |cluster, state: &State| {
            let all = (1 << cluster.scope.commands) - 1;
            let voters = cluster.scope.voters.iter().map(|number| &state.nodes[usize::from(*number) - 1]);
            voters.into_iter().all(|place| place.facts.commands == all)
        },
    ));
    let may_succeed = scope.candidates.iter().any(|candidate| *candidate != 1);
    if may_succeed && scope.campaigns + u8::from(scope.is_led) > 1 {
        properties.push(Property::sometimes("two led", |_, state: &State| {
            state.nodes.iter().any(|place| place.facts.openings.count_ones() > 1)
        }));
    }
    if scope.reads > 0 {
        properties.push(Property::sometimes("a read is answered", |_, state: &State| {
            state.reads.len() < usize::from(state.used.reads)
        }));
    }
    if scope.changes > 0 {
        properties.push(Property::sometimes("the new configuration decides", |cluster, state: &State| {
            let voters = cluster.scope.changed.iter().map(|number| &state.nodes[usize::from(*number) - 1]);
            voters.into_iter().all(|place| place.facts.is_beyond_change)
        }));
    }
    properties
}

fn always() -> Vec<Property<Cluster>> {
    macro_rules! never {
        ($name:literal, $fault:pat) => {
            Property::always($name, |cluster: &Cluster, state: &State| {
                !matches!(cluster.fault(state).as_deref(), Some($fault))
            })
        };
    }
    vec![
        never!("one value per slot", Fault::TwoValues),
        never!("one configuration per slot", Fault::TwoConfigurations),
        never!("applied in order", Fault::OutOfOrder),
        never!("durable at a majority when first applied", Fault::NotDurable),
        never!("promises never go back", Fault::PromiseWentBack),
        never!("promised before accepted", Fault::AcceptedBeforePromised),
        never!("accepted never goes back", Fault::AcceptedWentBack),
        never!("durable before it is said", Fault::SaidBeforeDurable),
        never!("a read sees what was applied before", Fault::StaleRead),
        never!("the replica's own checks hold", Fault::Panic(_)),
    ]
}
