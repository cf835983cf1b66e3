//! A claim that was made, and the answer to it does not come.

use crate::common::daemon::{Daemon, ports};
use crate::gate::Gate;
use crate::names::{Names, cluster_of};

/// A member that looks for its cluster by way of a gate.
fn member(names: &Names, gate: &Gate, address: &str) -> Daemon {
    let line = format!("-c prod --memory --voters 2 -b {}", gate.address);
    Daemon::start(names.dir.path(), address, &line, &[])
}

/// Another member finds a claim whose holder may found a cluster at any moment, and has nothing yet.
fn claimed_twice(goes_on: impl Fn(&Gate)) {
    let names = Names::start();
    let [first, second] = ports();
    let (gate, way) = (Gate::to(&names.boot.address), Gate::to(&names.boot.address));
    way.open();
    let founder = member(&names, &gate, &first);
    gate.until_claimed();
    names.until("claimed", |names| !names.boot.run("get /ctl/boot/prod").stdout.is_empty());
    let claim = names.boot.run("stat /ctl/boot/prod").stdout;
    let other = member(&names, &way, &second);
    way.until_read(6);
    assert_eq!(other.lines(), [""; 0]);
    assert_eq!(names.boot.run("stat /ctl/boot/prod").stdout, claim);
    goes_on(&gate);
    founder.serves();
    other.serves();
    assert_eq!(names.boot.run("get /ctl/boot/prod").stdout, founder.run("self").stdout.trim());
    assert_eq!(names.boot.run("stat /ctl/boot/prod").stdout, claim);
    assert_eq!(cluster_of(&founder), cluster_of(&other));
}

#[test]
fn the_answer_comes_late() {
    claimed_twice(Gate::open);
}

#[test]
fn the_answer_is_lost() {
    claimed_twice(Gate::cut);
}

#[test]
fn the_claimer_dies_with_the_answer_on_its_way() {
    let names = Names::start();
    let [first, second] = ports();
    let (gate, way) = (Gate::to(&names.boot.address), Gate::to(&names.boot.address));
    way.open();
    let founder = member(&names, &gate, &first);
    gate.until_claimed();
    names.until("claimed", |names| !names.boot.run("get /ctl/boot/prod").stdout.is_empty());
    founder.kill();
    // It may have founded a cluster, for all that others know.
    let other = member(&names, &way, &second);
    other.says(&format!("has to say that it has nothing: {first} (Connection refused)"));
    let founder = member(&names, &way, &first);
    founder.serves();
    other.serves();
    assert_eq!(cluster_of(&founder), cluster_of(&other));
}
